package token

import (
	"bytes"
	"crypto"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/doorward/doorward/host/internal/sso"
)

// tokenType is the typ from RFC 9068 section 2.1. No other JWT of the host or of a
// provider has it.
const tokenType = "at+jwt"

// key is a decrypted signing key.
type key struct {
	id        string
	algorithm string
	created   time.Time
	public    crypto.PublicKey
	private   crypto.Signer
	signer    jose.Signer // for access tokens
}

// newKey creates a key in its stored form. A key for RS256 takes some tenths of a second.
func newKey(seal *sso.Vault, algorithm string, now time.Time) (sso.SigningKey, error) {
	a, err := algorithmOf(algorithm)
	if err != nil {
		return sso.SigningKey{}, err
	}
	private, err := a.generate()
	if err != nil {
		return sso.SigningKey{}, fmt.Errorf("creating a signing key: %w", err)
	}
	id, err := keyID(private.Public())
	if err != nil {
		return sso.SigningKey{}, err
	}
	encoded, err := a.encode(private)
	if err != nil {
		return sso.SigningKey{}, fmt.Errorf("encoding a signing key: %w", err)
	}
	return sso.SigningKey{ID: id, Algorithm: algorithm, CreatedAt: now, Sealed: seal.Seal(encoded, []byte(id))}, nil
}

// openKey returns the key, or an error if it was sealed under another secret or for
// another ID, or if this version does not support its algorithm.
func openKey(seal *sso.Vault, stored sso.SigningKey) (*key, error) {
	a, err := algorithmOf(stored.Algorithm)
	if err != nil {
		return nil, err
	}
	encoded, _, err := seal.Open(stored.Sealed, []byte(stored.ID))
	if err != nil {
		return nil, err
	}
	private, err := a.decode(encoded)
	if err != nil {
		return nil, fmt.Errorf("decoding it as a key for %s: %w", a.name, err)
	}
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: a.name, Key: jose.JSONWebKey{Key: private, KeyID: stored.ID}},
		(&jose.SignerOptions{}).WithType(tokenType))
	if err != nil {
		return nil, fmt.Errorf("creating a signer: %w", err)
	}
	return &key{id: stored.ID, algorithm: stored.Algorithm, created: stored.CreatedAt, public: private.Public(), private: private, signer: signer}, nil
}

// keyID is the JWK thumbprint (RFC 7638), so that an ID never names two keys.
func keyID(public crypto.PublicKey) (string, error) {
	sum, err := (&jose.JSONWebKey{Key: public}).Thumbprint(crypto.SHA256)
	if err != nil {
		return "", fmt.Errorf("computing the ID of a signing key: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(sum), nil
}

// jwk is the public part of the key (RFC 7517 section 4, RFC 7518 section 6, RFC 8037
// section 2).
func (k *key) jwk() jose.JSONWebKey {
	return jose.JSONWebKey{Key: k.public, KeyID: k.id, Algorithm: k.algorithm, Use: "sig"}
}

// sameStored reports whether opening b would give the same result as opening a.
func sameStored(a, b sso.SigningKey) bool {
	return a.ID == b.ID && a.Algorithm == b.Algorithm && a.CreatedAt.Equal(b.CreatedAt) && bytes.Equal(a.Sealed, b.Sealed)
}
