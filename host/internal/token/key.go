package token

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/doorward/doorward/host/internal/sso"
)

// tokenType is the typ of RFC 9068 section 2.1, which no other JWT of ours or
// of a provider has.
const tokenType = "at+jwt"

// key is a signing key that was opened.
type key struct {
	id      string
	created time.Time
	public  ed25519.PublicKey
	private ed25519.PrivateKey
	signer  jose.Signer // of access tokens
}

// newKey makes a key as it is stored.
func newKey(seal *sso.Vault, now time.Time) (sso.SigningKey, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return sso.SigningKey{}, fmt.Errorf("making a signing key: %w", err)
	}
	id, err := keyID(public)
	if err != nil {
		return sso.SigningKey{}, err
	}
	return sso.SigningKey{
		ID: id, Algorithm: string(jose.EdDSA), CreatedAt: now,
		Sealed: seal.Seal(private.Seed(), []byte(id)),
	}, nil
}

// openKey returns the key, or an error if it was sealed under another secret,
// for another ID, or is of a kind that this version does not know.
func openKey(seal *sso.Vault, stored sso.SigningKey) (*key, error) {
	if stored.Algorithm != string(jose.EdDSA) {
		return nil, fmt.Errorf("algorithm %q instead of %q", stored.Algorithm, jose.EdDSA)
	}
	seed, _, err := seal.Open(stored.Sealed, []byte(stored.ID))
	if err != nil {
		return nil, err
	}
	if len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("%d bytes instead of %d", len(seed), ed25519.SeedSize)
	}
	private := ed25519.NewKeyFromSeed(seed)
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: jose.EdDSA, Key: jose.JSONWebKey{Key: private, KeyID: stored.ID}},
		(&jose.SignerOptions{}).WithType(tokenType))
	if err != nil {
		return nil, fmt.Errorf("making a signer: %w", err)
	}
	return &key{id: stored.ID, created: stored.CreatedAt, public: private.Public().(ed25519.PublicKey), private: private, signer: signer}, nil
}

// keyID is the JWK thumbprint (RFC 7638), so that an ID never names two keys.
func keyID(public ed25519.PublicKey) (string, error) {
	sum, err := (&jose.JSONWebKey{Key: public}).Thumbprint(crypto.SHA256)
	if err != nil {
		return "", fmt.Errorf("naming a signing key: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(sum), nil
}

// jwk is what others may know of the key (RFC 8037 section 2).
func (k *key) jwk() jose.JSONWebKey {
	return jose.JSONWebKey{Key: k.public, KeyID: k.id, Algorithm: string(jose.EdDSA), Use: "sig"}
}
