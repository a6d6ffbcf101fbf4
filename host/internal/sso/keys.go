package sso

import (
	"context"
	"time"
)

// SigningKey is a stored key that signs access tokens.
type SigningKey struct {
	ID        string // kid
	Algorithm string // alg of its JWK, such as EdDSA
	Sealed    []byte // the private key, encrypted with a key derived from SECRET
	CreatedAt time.Time
}

// SigningKeyPurpose is the purpose of the Vault that seals signing keys; each is
// bound to its ID.
const SigningKeyPurpose = "doorward signing key v1"

// SigningKeys keeps signing keys.
type SigningKeys interface {
	// SigningKeys returns all keys, newest first.
	SigningKeys(ctx context.Context) ([]SigningKey, error)

	// AddSigningKey stores a key, and the event. It is an error if there is one of that ID.
	AddSigningKey(ctx context.Context, key SigningKey, event Event) error

	// DeleteSigningKey deletes a key, and keeps the event of that. It is no error if there
	// is no such key.
	DeleteSigningKey(ctx context.Context, id string, event Event) error

	// SwapSigningKey replaces how a key is sealed, if it still is sealed so. It is no
	// error if it is not.
	SwapSigningKey(ctx context.Context, id string, before, after []byte) error
}

// AccessClaims is what an access token says.
type AccessClaims struct {
	UserID    string
	Role      string
	SessionID string
	Groups    *Groups // nil: the token does not tell; never told by Verify
	IssuedAt  time.Time
	ExpiresAt time.Time
}

// AccessTokens issues and verifies access tokens (RFC 9068).
type AccessTokens interface {
	Issue(ctx context.Context, claims AccessClaims) (string, error)

	// Verify returns ErrTokenExpired for a token of ours that has expired, and
	// ErrTokenInvalid for anything else that is not a good token.
	Verify(ctx context.Context, token string) (AccessClaims, error)
}
