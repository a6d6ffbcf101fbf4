// Package token issues and verifies the host's access tokens: JWTs in the profile of
// RFC 9068, signed with EdDSA (Ed25519, RFC 8037), ES256 or RS256 (RFC 7518). Other
// services verify them with the keys published at /.well-known/jwks.json.
//
// The keys are created here, encrypted in the store, and replaced every 30 days. The
// life of a key:
//
//	day 0         created and published; the previous key still signs
//	10 minutes    signs, as every node and most caches know it by then
//	day 30        its successor is created; ten minutes later it stops signing
//	day 60        its last token has expired; it is deleted soon after
//
// The host calls Maintain regularly, which creates and deletes keys; everything else only
// reads them. Several nodes on one store need no coordination: if two of them create a
// key at the same time, both keys are valid. Each algorithm has its own keys with such a
// life, so that nodes with different settings, during a change, do not undo each other's
// work: each signs with the keys of its algorithm, and verifies with all.
package token

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
)

// MaxLifetime is the longest lifetime of a token, because keys are kept as long as a
// token that they signed may be valid.
const MaxLifetime = 30 * 24 * time.Hour

// Config is the configuration of Tokens.
type Config struct {
	Keys   sso.SigningKeys
	Secret []byte // at least sso.MinSecret bytes; the key that seals the signing keys is derived from it

	// SecretPrevious opens keys that were sealed under it; it may be nil.
	SecretPrevious []byte

	Issuer string // the host's public URL: iss and aud of each token

	// Algorithm is EdDSA, ES256 or RS256; empty means EdDSA.
	Algorithm string

	Now func() time.Time

	// RemoveBefore returns the time before which a key must have gone out of use to be
	// deleted. If it is nil or returns zero, no key is deleted now.
	RemoveBefore func() time.Time

	// Warn is called once for each stored key that cannot be used; it may be nil.
	Warn func(error)
}

// Tokens implements sso.AccessTokens. Its methods may be called concurrently.
type Tokens struct {
	config Config
	seal   *sso.Vault
	ring   atomic.Pointer[ring]

	// loading is true while one caller reads the keys again. The others do not wait for
	// it, but continue with the current ring.
	loading atomic.Bool

	generations atomic.Uint64             // of reading the keys
	failed      atomic.Pointer[time.Time] // time of the last failed read of the keys; nil: the last one succeeded

	unknown unknownKeys
}

var _ sso.AccessTokens = (*Tokens)(nil)

// New reads the keys, and creates the first one if none can be used.
func New(ctx context.Context, config Config) (*Tokens, error) {
	t, err := Open(config)
	if err != nil {
		return nil, err
	}
	if _, err := t.readToSign(ctx); err != nil {
		return nil, err
	}
	return t, nil
}

// Open is New without reading or creating keys, for commands that only list or replace
// them.
func Open(config Config) (*Tokens, error) {
	if len(config.Secret) < sso.MinSecret {
		return nil, fmt.Errorf("the secret has %d bytes, at least %d are needed", len(config.Secret), sso.MinSecret)
	}
	if config.Keys == nil || config.Issuer == "" || config.Now == nil {
		return nil, errors.New("configuring access tokens: keys, issuer or clock missing")
	}
	config.Algorithm = cmp.Or(config.Algorithm, defaultAlgorithm)
	if _, err := algorithmOf(config.Algorithm); err != nil {
		return nil, fmt.Errorf("configuring access tokens: %w", err)
	}
	if config.RemoveBefore == nil {
		config.RemoveBefore = func() time.Time { return time.Time{} }
	}
	if config.Warn == nil {
		config.Warn = func(error) {}
	}
	seal, err := sso.NewVault(config.Secret, config.SecretPrevious, sso.SigningKeyPurpose)
	if err != nil {
		return nil, err
	}
	t := &Tokens{config: config, seal: seal}
	t.ring.Store(&ring{})
	return t, nil
}

// JWKS returns the public keys as a JSON Web Key Set (RFC 7517 section 5), for
// /.well-known/jwks.json. It may be cached for up to PublishedEarly. The caller must not
// change it.
func (t *Tokens) JWKS(ctx context.Context) []byte { return t.current(ctx).jwks }
