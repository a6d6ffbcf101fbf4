package sso

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrNotFound is returned by a store for a user, link, session or key that does not
// exist.
var ErrNotFound = errors.New("not found")

// User is an account on this host.
type User struct {
	ID       string // UUID
	Provider string // the provider and subject of the link it was found or
	Subject  string // created by; both are empty if it has none
	Status   UserStatus
	Role     string // the ID of a Role; empty: no role
	Username string // username at the provider; not an identifier
	Email    string

	// EmailVerifiedBy is the provider that confirmed Email; empty: none did, or the
	// address comes from elsewhere.
	EmailVerifiedBy string

	FirstName  string
	LastName   string
	Language   string // preferred language, such as en-US; empty: unknown
	CreatedAt  time.Time
	LastAccess time.Time // of the last login
}

// Linked reports whether the user has a link. Without one nobody can sign in to the
// account.
func (u User) Linked() bool { return u.Provider != "" || u.Subject != "" }

// MaySignIn returns nil for an active account, otherwise [ErrUserSuspended], or an
// [ErrUserInactive] that names the status.
func (u User) MaySignIn() error { return u.Status.MaySignIn() }

// UserStatus says whether a user may sign in.
type UserStatus string

// The statuses. Only active users may sign in.
const (
	UserActive    UserStatus = "active"
	UserSuspended UserStatus = "suspended"

	// UserInvited: the user was invited, and has not signed in yet.
	UserInvited UserStatus = "invited"
)

// MaySignIn is MaySignIn of a [User] with the status.
func (s UserStatus) MaySignIn() error {
	switch s {
	case UserActive:
		return nil
	case UserSuspended:
		return ErrUserSuspended
	default:
		return fmt.Errorf("%w: %s", ErrUserInactive, s)
	}
}

// UserStatuses returns all statuses, which are those of Directus: imported accounts keep
// theirs.
func UserStatuses() []UserStatus {
	return []UserStatus{"draft", UserInvited, "unverified", UserActive, UserSuspended, "archived", "inactive-license"}
}

// Users stores accounts and their links. All times are stored in UTC with at least
// millisecond precision.
type Users interface {
	// CreateUser stores the user and its link in one transaction. If another login has
	// created the link in the meantime, it stores nothing and returns that link's user,
	// so that concurrent first logins create one user.
	CreateUser(ctx context.Context, user User) (User, error)

	// ChangeUser calls change with the user, and stores role, username, e-mail address
	// with the provider that verified it, names, language and status. Unless the user is
	// active before and after, it ends all their sessions, and returns how many. Nothing
	// changes if change returns an error. Nobody else can write during the call, so
	// change must only compute; it may be called again. It returns the events, to which
	// the store adds how many sessions ended. ErrNotFound if the user does not exist.
	ChangeUser(ctx context.Context, id string, change func(user *User) ([]Event, error)) (user User, ended int, err error)
}
