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

// SigningKeys stores signing keys.
type SigningKeys interface {
	// SigningKeys returns all keys, newest first.
	SigningKeys(ctx context.Context) ([]SigningKey, error)

	// AddSigningKey stores a key and the event. It is an error if the ID exists.
	AddSigningKey(ctx context.Context, key SigningKey, event Event) error

	// DeleteSigningKey deletes a key, and stores the event. It is not an error if the key
	// does not exist.
	DeleteSigningKey(ctx context.Context, id string, event Event) error

	// SwapSigningKey replaces the sealed form of a key if it is still before. It is not
	// an error if it is not.
	SwapSigningKey(ctx context.Context, id string, before, after []byte) error
}

// AccessClaims are the claims of an access token.
type AccessClaims struct {
	UserID    string
	Role      string
	SessionID string
	Groups    *Groups // nil: the token has no groups claim; Verify never sets it
	IssuedAt  time.Time
	ExpiresAt time.Time
}

// AccessTokens issues and verifies access tokens (RFC 9068).
type AccessTokens interface {
	Issue(ctx context.Context, claims AccessClaims) (string, error)

	// Verify returns ErrTokenExpired for a token of this host that has expired, and
	// ErrTokenInvalid for anything else that is not a valid token.
	Verify(ctx context.Context, token string) (AccessClaims, error)
}
