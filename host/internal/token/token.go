// Package token issues and verifies our access tokens: JWTs in the profile of
// RFC 9068, signed with EdDSA (Ed25519, RFC 8037), ES256 or RS256 (RFC 7518). Other
// services verify them with the keys published at /.well-known/jwks.json.
//
// The keys are made here, kept in the store encrypted, and replaced every 30
// days. The life of a key:
//
//	day 0         made and published; the previous key still signs
//	10 minutes    signs, as every node and most caches know it by then
//	day 30        its successor is made; ten minutes later it signs no more
//	day 60        its last token has expired; it is deleted soon after
//
// Whoever has Tokens calls Maintain now and then, which makes and deletes keys; the
// rest only reads them. Several nodes on one store need no agreement; should two of
// them make a key at the same time, both keys are good. Each algorithm has keys of its
// own with such lives, so that nodes with different settings, during a change, do not
// undo each other's work: each uses the keys of its algorithm, and verifies with all.
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

// MaxLifetime is the longest life that a token may have, since keys are kept
// for as long as a token that they signed may be shown.
const MaxLifetime = 30 * 24 * time.Hour

// Config is what Tokens needs.
type Config struct {
	Keys   sso.SigningKeys
	Secret []byte // at least sso.MinSecret bytes; what seals the keys is derived from it

	// SecretPrevious opens keys that were sealed under it; nil: none were.
	SecretPrevious []byte

	Issuer string // our public URL: iss and aud of each token

	// Algorithm signs: EdDSA, ES256 or RS256; empty is EdDSA.
	Algorithm string

	Now func() time.Time

	// RemoveBefore returns the moment before which a key must have gone out of use
	// to be deleted; zero, or nil instead of the function: none is deleted now.
	RemoveBefore func() time.Time

	// Warn is told of stored keys that cannot be used, once for each; nil: nobody
	// is.
	Warn func(error)
}

// Tokens implements sso.AccessTokens. Its methods may be called concurrently.
type Tokens struct {
	config Config
	seal   *sso.Vault
	ring   atomic.Pointer[ring]

	// loading is true while one caller reads the keys anew. The others do not
	// wait for it, but go on with the ring there is.
	loading atomic.Bool

	turns  atomic.Uint64             // of reading the keys
	failed atomic.Pointer[time.Time] // when the keys could not be read; nil: they could

	lookout lookout
}

var _ sso.AccessTokens = (*Tokens)(nil)

// New reads the keys, and makes the first one if there is none that can be
// used.
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

// Open is New that reads nothing and makes nothing: for a command that only looks at
// the keys, or replaces them.
func Open(config Config) (*Tokens, error) {
	if len(config.Secret) < sso.MinSecret {
		return nil, fmt.Errorf("secret of %d bytes, at least %d are needed", len(config.Secret), sso.MinSecret)
	}
	if config.Keys == nil || config.Issuer == "" || config.Now == nil {
		return nil, errors.New("making access tokens: keys, issuer or clock missing")
	}
	config.Algorithm = cmp.Or(config.Algorithm, defaultAlgorithm)
	if _, err := algorithmOf(config.Algorithm); err != nil {
		return nil, fmt.Errorf("making access tokens: %w", err)
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
// /.well-known/jwks.json. It may be cached for as long as PublishedEarly. The
// caller must not change it.
func (t *Tokens) JWKS(ctx context.Context) []byte { return t.current(ctx).jwks }
