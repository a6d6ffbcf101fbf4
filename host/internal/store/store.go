// Package store defines what a database must do for the host. Package sqlite implements
// it for a single host, package postgres for several hosts that share a database; package
// storetest tests both against the contract.
package store

import (
	"context"
	"time"

	"github.com/doorward/doorward/host/internal/people"
	"github.com/doorward/doorward/host/internal/sso"
)

// Store keeps users, roles, sessions, once-IDs, signing keys and administration keys. Its
// methods may be called concurrently and obey the context.
//
// Any error that a method's contract does not name means that the database could not do
// its work: it is locked, full, read-only, damaged or unreachable. The error may be an
// sso.ErrStoreUnavailable, if it says so. The caller must refuse the request and never
// continue without the database (L10).
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

	// RemoveEvents removes at most limit events older than before, oldest first, and
	// returns how many. The event with the highest ID always stays, so that no ID is used
	// twice. It writes only if there is something to remove.
	RemoveEvents(ctx context.Context, before time.Time, limit int) (int, error)

	// CountUsers returns how many users can sign in through a provider, including
	// suspended ones. It reads them all, and is for operators.
	CountUsers(ctx context.Context, provider string) (int, error)

	// ExchangeCounts stores a host's counts of failed sign-ins in place of those that it
	// stored before, and removes the counts that hosts stored before forget. If counts is
	// nil, it writes nothing. It returns the counts that the other hosts have stored
	// since forget, by host.
	ExchangeCounts(ctx context.Context, host string, counts []byte, now, forget time.Time) (others map[string][]byte, err error)

	// AddRefusals adds sums to those of a minute; each sum has a different provider and
	// reason. It removes at most a thousand sums older than forget, or none if forget is
	// zero.
	AddRefusals(ctx context.Context, minute time.Time, sums []sso.RefusalSum, forget time.Time) error

	// CountSessions returns how many sessions have not expired at now. It reads an index
	// of all sessions.
	CountSessions(ctx context.Context, now time.Time) (int, error)

	// Ping returns nil if the database answers and can be written to.
	Ping(ctx context.Context) error

	// Close releases the database. No other method may be called after it.
	Close() error
}
