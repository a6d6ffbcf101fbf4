package sso

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
)

// newAEAD makes a cipher with a key of its own for each purpose.
func newAEAD(secret []byte, purpose string) (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, secret, nil, purpose, 32)
	if err != nil {
		return nil, fmt.Errorf("deriving the key of %q: %w", purpose, err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("making the cipher of %q: %w", purpose, err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("making the cipher of %q: %w", purpose, err)
	}
	return aead, nil
}

// grants encrypts grants for the store. A sealed grant is bound to its session:
// whoever can write to the database cannot move one to a session of their own.
type grants struct{ aead cipher.AEAD }

func newGrants(secret []byte) (*grants, error) {
	aead, err := newAEAD(secret, "doorward grant v1")
	if err != nil {
		return nil, err
	}
	return &grants{aead}, nil
}

func (g *grants) seal(sessionID string, grant []byte) []byte {
	if len(grant) == 0 {
		return nil
	}
	return g.aead.Seal(nil, nil, grant, grantBinding(sessionID))
}

// errGrant: a stored grant was altered, moved, or sealed under another SECRET.
var errGrant = errors.New("the stored grant cannot be opened: SECRET has changed, or the database was altered")

func (g *grants) open(sessionID string, sealed []byte) ([]byte, error) {
	if len(sealed) == 0 {
		return nil, nil
	}
	grant, err := g.aead.Open(nil, nil, sealed, grantBinding(sessionID))
	if err != nil {
		return nil, errGrant
	}
	return grant, nil
}

func grantBinding(sessionID string) []byte { return []byte("grant\x00" + sessionID) }
