package people

import (
	"context"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
)

// A Link ties what a provider says about somebody to a user. Both are compared byte
// for byte.
type Link struct{ Provider, Subject string }

// MaxLinks is how many links an operator can tie to one user.
const MaxLinks = 100

// UserFilter selects users. What is empty selects all.
type UserFilter struct {
	Provider string // has a link at this provider
	Subject  string // ... with this subject; without a provider it selects nobody
	Status   sso.UserStatus
	Email    string // in any case of ASCII letters
	Role     string
}

// SessionFilter selects sessions that have not expired at Now. What is empty selects all.
type SessionFilter struct {
	User, Provider string // an ID, and a name
	Now            time.Time
}

// StoredSession is a session without its groups, of which there can be many, and the
// address of its user.
type StoredSession struct {
	Session sso.Session
	Email   string
}

// Accounts is what a database does for the administration of users. Each method is one
// transaction. Lists are in the order in which things were stored; next is the
// position to go on from, empty if there is no more. Errors are sso.ErrNotFound,
// ErrInvalid for a position that is none, and those that are named. Events are kept of
// what was changed, and of nothing else.
type Accounts interface {
	FindUsers(ctx context.Context, filter UserFilter, part Part) (found []sso.User, next string, err error)

	// UserByID returns a user and all its links, in the order of provider and subject.
	UserByID(ctx context.Context, id string) (sso.User, []Link, error)

	// AddUser stores a user, with a link if it is Linked, and else with at most one claim of
	// each kind. A *LinkTakenError if the link leads to a user; ErrTaken if there is a user
	// of that ID.
	AddUser(ctx context.Context, user sso.User, event sso.Event, claims ...sso.Claim) error

	// AddClaim has a user wait for a login, in place of what they wait for by a claim of
	// that kind. ErrClaimed if they have a link.
	AddClaim(ctx context.Context, id string, claim sso.Claim, event sso.Event) error

	// ClaimsOf returns what a user waits for, in the order of the kinds.
	ClaimsOf(ctx context.Context, id string) ([]sso.Claim, error)

	// ChangeUser is that of sso.Users.
	ChangeUser(ctx context.Context, id string, change func(user *sso.User) ([]sso.Event, error)) (user sso.User, ended int, err error)

	// DeleteUser removes a user with all links and sessions, and returns how many
	// sessions that were.
	DeleteUser(ctx context.Context, id string, event sso.Event) (ended int, err error)

	// AddLink ties a link to a user. It is no error if it is tied to them already;
	// a *LinkTakenError if it leads to somebody else, ErrFull if they have MaxLinks. The Provider and Subject of a
	// user that had no link become those of this one.
	AddLink(ctx context.Context, id string, link Link, event sso.Event) error

	// RemoveLink unties a link, ends the sessions that came by it, and returns how
	// many. If the user's Provider and Subject are those of the link, they become those
	// of another link, or empty, and
	// that provider has verified their address no more.
	RemoveLink(ctx context.Context, id string, link Link, event sso.Event) (ended int, err error)

	FindSessions(ctx context.Context, filter SessionFilter, part Part) (found []StoredSession, next string, err error)
}

// EventFilter selects events. What is empty selects all.
type EventFilter struct {
	Since                   time.Time // not before
	User, Session, Provider string
	Kind                    sso.EventKind
	After                   int64 // ID; not this one, and none before
}

// Audit keeps what was changed; whatever changes something writes it.
type Audit interface {
	// FindEvents returns events in the order of their IDs.
	FindEvents(ctx context.Context, filter EventFilter, part Part) (found []sso.Event, next string, err error)

	// LastEvents returns the limit events that match and have the highest IDs, in the
	// order of these.
	LastEvents(ctx context.Context, filter EventFilter, limit int) ([]sso.Event, error)

	// FindRefusals returns the sums of the minutes from since on, in the order of minute,
	// provider and reason.
	FindRefusals(ctx context.Context, since time.Time, part Part) (found []sso.RefusalSum, next string, err error)
}

// AdminKeys keeps keys of the administration, by their hashes. Events are kept of what
// was changed.
type AdminKeys interface {
	// AddAdminKey stores a key. ErrTaken if there is one of that ID or name.
	AddAdminKey(ctx context.Context, key Key, hash KeyHash, event sso.Event) error

	// AdminKey returns the key of that hash, or sso.ErrNotFound.
	AdminKey(ctx context.Context, hash KeyHash) (Key, error)

	// AdminKeyUsed notes that a key was used at that moment.
	AdminKeyUsed(ctx context.Context, id string, at time.Time) error

	FindAdminKeys(ctx context.Context, part Part) (found []Key, next string, err error)

	// RemoveAdminKey removes the key of that ID or name, or returns sso.ErrNotFound.
	RemoveAdminKey(ctx context.Context, idOrName string, event sso.Event) error
}
