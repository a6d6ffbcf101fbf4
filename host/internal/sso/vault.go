package sso

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
)

// Vault seals with a key derived from SECRET, and opens what was sealed under SECRET or
// SECRET_PREVIOUS. Each purpose has its own keys, so that what is sealed for one does not
// open for another (RFC 5869 section 3.2).
type Vault struct{ current, previous cipher.AEAD }

// NewVault returns the vault of a purpose. previous is nil if there is no
// SECRET_PREVIOUS.
func NewVault(secret, previous []byte, purpose string) (*Vault, error) {
	current, err := newAEAD(secret, nil, purpose)
	if err != nil || len(previous) == 0 {
		return &Vault{current: current}, err
	}
	old, err := newAEAD(previous, nil, purpose)
	if err != nil {
		return nil, err
	}
	return &Vault{current, old}, nil
}

// newAEAD returns a cipher whose key depends on the purpose and the salt.
func newAEAD(secret, salt []byte, purpose string) (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, secret, salt, purpose, 32)
	if err != nil {
		return nil, fmt.Errorf("deriving the key of %q: %w", purpose, err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("creating the cipher of %q: %w", purpose, err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("creating the cipher of %q: %w", purpose, err)
	}
	return aead, nil
}

// Seal encrypts under SECRET. The result opens only with the same binding.
func (v *Vault) Seal(plain, binding []byte) []byte {
	return v.current.Seal(nil, nil, plain, binding)
}

// ErrSealed: the data was altered, belongs elsewhere, or was sealed under another SECRET.
var ErrSealed = errors.New("it was altered, or sealed under another SECRET")

// Open decrypts; old is true for data sealed under SECRET_PREVIOUS. The error is
// ErrSealed.
func (v *Vault) Open(sealed, binding []byte) (plain []byte, old bool, err error) {
	if plain, err = v.current.Open(nil, nil, sealed, binding); err == nil {
		return plain, false, nil
	}
	if v.previous != nil {
		if plain, err = v.previous.Open(nil, nil, sealed, binding); err == nil {
			return plain, true, nil
		}
	}
	return nil, false, ErrSealed
}

// Renew reseals what was sealed under SECRET_PREVIOUS; ok is false for everything else.
func (v *Vault) Renew(sealed, binding []byte) (renewed []byte, ok bool) {
	plain, old, err := v.Open(sealed, binding)
	if err != nil || !old {
		return nil, false
	}
	return v.Seal(plain, binding), true
}
