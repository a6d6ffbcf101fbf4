package people

import (
	"context"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
)

// A Link connects an identity at a provider to a user. Both members are compared byte for
// byte.
type Link struct{ Provider, Subject string }

// MaxLinks is how many links an operator can give to one user.
const MaxLinks = 100

// UserFilter selects users. Empty members select all.
type UserFilter struct {
	Provider string // has a link at this provider
	Subject  string // and with this subject; without a provider, no user matches
	Status   sso.UserStatus
	Email    string // in any case of ASCII letters
	Role     string
}

// SessionFilter selects sessions that have not expired at Now. Empty members select all.
type SessionFilter struct {
	User, Provider string // an ID, and a name
	Now            time.Time
}

// StoredSession is a session without its groups, of which there can be many, but with the
// address of its user.
type StoredSession struct {
	Session sso.Session
	Email   string
}

// Accounts is what a database must do for the administration of users. Each method is one
// transaction. Lists are in the order in which entries were stored; next is the position
// where the list continues, empty at the end. Errors are sso.ErrNotFound, ErrInvalid for
// an invalid position, and those that the methods name. Events are stored only if
// something changed.
type Accounts interface {
	FindUsers(ctx context.Context, filter UserFilter, part Part) (found []sso.User, next string, err error)

	// UserByID returns a user and all its links, in the order of provider and subject.
	UserByID(ctx context.Context, id string) (sso.User, []Link, error)

	// AddUser stores a user, with a link if it is Linked, otherwise with at most one
	// claim of each kind. A *LinkTakenError if the link belongs to a user; ErrTaken if
	// the ID exists.
	AddUser(ctx context.Context, user sso.User, event sso.Event, claims ...sso.Claim) error

	// AddClaim adds a claim to a user, in place of one of the same kind. ErrClaimed if
	// the user has a link.
	AddClaim(ctx context.Context, id string, claim sso.Claim, event sso.Event) error

	// ClaimsOf returns the claims of a user, in the order of their kinds.
	ClaimsOf(ctx context.Context, id string) ([]sso.Claim, error)

	// ChangeUser is the same as in sso.Users.
	ChangeUser(ctx context.Context, id string, change func(user *sso.User) ([]sso.Event, error)) (user sso.User, ended int, err error)

	// DeleteUser removes a user with all links and sessions, and returns how many
	// sessions it ended.
	DeleteUser(ctx context.Context, id string, event sso.Event) (ended int, err error)

	// AddLink adds a link to a user. It is not an error if the user has it already; a
	// *LinkTakenError if another user has it, ErrFull if the user has MaxLinks. If the
	// user had no link, Provider and Subject become those of this one.
	AddLink(ctx context.Context, id string, link Link, event sso.Event) error

	// RemoveLink removes a link, ends the sessions that it created, and returns how many.
	// If the user's Provider and Subject are those of the link, they become those of
	// another link, or empty. If the link's provider verified the user's address, the
	// address is unverified again.
	RemoveLink(ctx context.Context, id string, link Link, event sso.Event) (ended int, err error)

	FindSessions(ctx context.Context, filter SessionFilter, part Part) (found []StoredSession, next string, err error)
}

// EventFilter selects events. Empty members select all.
type EventFilter struct {
	Since                   time.Time // at or after this time
	User, Session, Provider string
	Kind                    sso.EventKind
	After                   int64 // only higher IDs
}

// Audit stores what was changed; the methods that change something write it.
type Audit interface {
	// FindEvents returns events in the order of their IDs.
	FindEvents(ctx context.Context, filter EventFilter, part Part) (found []sso.Event, next string, err error)

	// LastEvents returns the matching events with the highest IDs, at most limit, in
	// ascending order.
	LastEvents(ctx context.Context, filter EventFilter, limit int) ([]sso.Event, error)

	// FindRefusals returns the sums of the minutes from since on, in the order of minute,
	// provider and reason.
	FindRefusals(ctx context.Context, since time.Time, part Part) (found []sso.RefusalSum, next string, err error)
}

// AdminKeys stores administration keys by their hashes. Events record the changes.
type AdminKeys interface {
	// AddAdminKey stores a key. ErrTaken if the ID or the name exists.
	AddAdminKey(ctx context.Context, key Key, hash KeyHash, event sso.Event) error

	// AdminKey returns the key with that hash, or sso.ErrNotFound.
	AdminKey(ctx context.Context, hash KeyHash) (Key, error)

	// AdminKeyUsed stores when a key was used.
	AdminKeyUsed(ctx context.Context, id string, at time.Time) error

	FindAdminKeys(ctx context.Context, part Part) (found []Key, next string, err error)

	// RemoveAdminKey removes the key with that ID or name, or returns sso.ErrNotFound.
	RemoveAdminKey(ctx context.Context, idOrName string, event sso.Event) error
}
