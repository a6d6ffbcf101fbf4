// Package dpop proves that tokens are used by the client to which they were issued (RFC
// 9449): each request for or with a token has a proof that is signed with the key of the
// login.
package dpop

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Alg is the algorithm of the proofs.
const Alg = string(jose.ES256)

// Key is the key of one login. The zero value means no key.
type Key struct{ private *ecdsa.PrivateKey }

// NewKey makes a key.
func NewKey() (Key, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Key{}, fmt.Errorf("making a key for DPoP: %w", err)
	}
	return Key{private}, nil
}

// Text returns the private key in 43 characters.
func (k Key) Text() (string, error) {
	if k.private == nil {
		return "", nil
	}
	scalar, err := k.private.Bytes()
	if err != nil {
		return "", fmt.Errorf("encoding the key for DPoP: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(scalar), nil
}

// ParseKey reads the result of Text. An empty text means no key.
func ParseKey(text string) (Key, error) {
	if text == "" {
		return Key{}, nil
	}
	scalar, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return Key{}, errors.New("a key for DPoP that cannot be read") // the cause can quote the key
	}
	private, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar)
	if err != nil {
		return Key{}, errors.New("a key for DPoP that cannot be read")
	}
	return Key{private}, nil
}

// IsZero reports whether there is no key.
func (k Key) IsZero() bool { return k.private == nil }

// Thumbprint is dpop_jkt (RFC 9449 section 10): it binds the code to the key.
func (k Key) Thumbprint() (string, error) {
	public := jose.JSONWebKey{Key: k.private.Public()}
	sum, err := public.Thumbprint(crypto.SHA256)
	if err != nil {
		return "", fmt.Errorf("computing the thumbprint of the key for DPoP: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(sum), nil
}

// proof makes a DPoP proof JWT (RFC 9449 section 4.2) for one request.
func (k Key) proof(method, target, nonce, accessToken string, now time.Time) (string, error) {
	claims := map[string]any{"jti": rand.Text(), "htm": method, "htu": target, "iat": now.Unix()}
	if nonce != "" {
		claims["nonce"] = nonce
	}
	if accessToken != "" {
		sum := sha256.Sum256([]byte(accessToken))
		claims["ath"] = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("encoding a DPoP proof: %w", err)
	}
	options := (&jose.SignerOptions{EmbedJWK: true}).WithType("dpop+jwt")
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: k.private}}, options)
	if err != nil {
		return "", fmt.Errorf("signing a DPoP proof: %w", err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("signing a DPoP proof: %w", err)
	}
	return signed.CompactSerialize()
}
