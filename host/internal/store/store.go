// Package store says what a database of ours does. Package sqlite has the one
// for a single host, package postgres the one that several share; package storetest holds
// both to the contract.
package store

import (
	"context"
	"time"

	"github.com/doorward/doorward/host/internal/people"
	"github.com/doorward/doorward/host/internal/sso"
)

// Store keeps users, roles, sessions, once-IDs, signing keys and keys of the
// administration. Its methods may be
// called concurrently and obey the context.
//
// A method that returns an error other than the ones that its contract names
// could not do its work: the database is locked, full, read-only, damaged or
// away, and the error an sso.ErrStoreUnavailable if it says so. Whoever gets such an error must
// refuse, never go on without (L10).
type Store interface {
	sso.Users
	sso.Roles
	sso.Links
	sso.Claims
	sso.Sessions
	sso.ProviderSessions
	sso.OwnAccounts
	sso.Once
	sso.SigningKeys
	sso.Sealed
	people.Accounts
	people.AdminKeys
	people.Audit

	// RemoveEvents removes at most limit events from before that moment, the oldest
	// first, and returns how many. One of the highest ID always stays, so that no ID is
	// given twice. It writes only if there are any.
	RemoveEvents(ctx context.Context, before time.Time, limit int) (int, error)

	// CountUsers returns how many users can sign in through a provider, suspended
	// ones included. It reads them all, and is for operators.
	CountUsers(ctx context.Context, provider string) (int, error)

	// ExchangeCounts stores what a host counted of sign-ins that fail, in place of what
	// that host stored before, and removes what hosts stored before forget. With nil it
	// writes nothing. It returns what the other hosts stored since forget, by host.
	ExchangeCounts(ctx context.Context, host string, counts []byte, now, forget time.Time) (others map[string][]byte, err error)

	// AddRefusals adds to the sums of a minute, each of another provider and reason, and
	// removes at most a thousand of those from before forget; none if that is zero.
	AddRefusals(ctx context.Context, minute time.Time, sums []sso.RefusalSum, forget time.Time) error

	// CountSessions returns how many sessions have not expired at now. It reads an index
	// of them all.
	CountSessions(ctx context.Context, now time.Time) (int, error)

	// Ping returns nil if the database answers and can be written to.
	Ping(ctx context.Context) error

	// Close releases the database. No other method may be called after it.
	Close() error
}
