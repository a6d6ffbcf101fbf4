package sso

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrNotFound is returned by a store for a user, link, session or key that
// does not exist.
var ErrNotFound = errors.New("not found")

// User is an account of ours.
type User struct {
	ID       string // UUID
	Provider string // the provider and subject of the link it was found or
	Subject  string // created by; both are empty if it has none
	Status   UserStatus
	Role     string // the ID of a Role; empty: none
	Username string // what the provider calls them; it identifies nobody
	Email    string

	// EmailVerifiedBy is the provider that said that Email is theirs; empty: none did, or
	// somebody else wrote the address.
	EmailVerifiedBy string

	FirstName  string
	LastName   string
	Language   string // that they want to be addressed in, such as en-US; empty: they did not say
	CreatedAt  time.Time
	LastAccess time.Time // of the last login
}

// Linked reports whether the user has a link, without which nobody signs in to it.
func (u User) Linked() bool { return u.Provider != "" || u.Subject != "" }

// MaySignIn is nil for an account that is active. Otherwise it is [ErrUserSuspended], or an
// [ErrUserInactive] that names the status.
func (u User) MaySignIn() error { return u.Status.MaySignIn() }

// UserStatus says whether a user may sign in.
type UserStatus string

// The statuses. Whatever is not active may not sign in.
const (
	UserActive    UserStatus = "active"
	UserSuspended UserStatus = "suspended"

	// UserInvited: somebody is expected, and has not come yet.
	UserInvited UserStatus = "invited"
)

// MaySignIn is that of a [User] with the status.
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

// UserStatuses are all that a user can have, which are those of Directus: accounts that
// come from there keep theirs.
func UserStatuses() []UserStatus {
	return []UserStatus{"draft", UserInvited, "unverified", UserActive, UserSuspended, "archived", "inactive-license"}
}

// Users keeps accounts and the links to them. All times are stored in UTC with
// at least millisecond precision.
type Users interface {
	// CreateUser stores the user and its link in one transaction. If the link
	// has come to exist meanwhile, it stores nothing and returns the user that
	// the link leads to, so that concurrent first logins make one user.
	CreateUser(ctx context.Context, user User) (User, error)

	// ChangeUser has change alter the user, and stores role, username, e-mail address with
	// who verified it, names, language and status. Unless the user is active before and after, it ends
	// all their sessions, and returns how many. Nothing changes if change returns an error.
	// Nobody else writes meanwhile, so change only computes; it may be called again. It
	// returns the events, which then say how many sessions ended. ErrNotFound if there is no
	// such user.
	ChangeUser(ctx context.Context, id string, change func(user *User) ([]Event, error)) (user User, ended int, err error)
}
