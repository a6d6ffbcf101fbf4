// Package store says what a database of ours does. Package sqlite has the one
// for a single host; package storetest holds every database to the contract.
package store

import (
	"context"

	"github.com/doorward/doorward/host/internal/sso"
)

// Store keeps users, roles, sessions, once-IDs and signing keys. Its methods may be
// called concurrently and obey the context.
//
// A method that returns an error other than the ones that its contract names
// could not do its work: the database is locked, full, read-only, damaged or
// away. Whoever gets such an error must refuse, never go on without (L10).
type Store interface {
	sso.Users
	sso.Roles
	sso.Links
	sso.Sessions
	sso.ProviderSessions
	sso.Once
	sso.SigningKeys
	sso.Sealed

	// CountUsers returns how many users can sign in through a provider, suspended
	// ones included. It reads them all, and is for operators.
	CountUsers(ctx context.Context, provider string) (int, error)

	// Ping returns nil if the database answers and can be written to.
	Ping(ctx context.Context) error

	// Close releases the database. No other method may be called after it.
	Close() error
}
