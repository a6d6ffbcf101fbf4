package sso

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// MaxShownSessions is how many of their own sessions people see. All of them can be ended
// together.
const MaxShownSessions = 50

// LinkedIdentity is an identity at a provider that is linked to a user.
type LinkedIdentity struct{ Provider, Subject string }

// Account is what people see of their own account.
type Account struct {
	RoleName string           // empty: no role
	Links    []LinkedIdentity // in the order of provider and subject
	Sessions []OwnSession     // not expired; newest first
	More     bool             // there are more sessions
}

// OwnSession is a session as its user sees it, without groups.
type OwnSession struct {
	Session
	RefreshedAt time.Time // last replacement of its token; zero: none, or too long ago
}

// OwnAccounts stores what people see and change of their own account. Each method that
// writes is one transaction.
type OwnAccounts interface {
	// OwnAccount returns an account without its RoleName, with at most limit sessions
	// that have not expired at now. ErrNotFound if the user does not exist.
	OwnAccount(ctx context.Context, userID string, now time.Time, limit int) (Account, error)

	// LinkOwn links an identity to the user of a session. It is not an error if the user
	// has the link already. The once-IDs are spent first, and stay spent if linking is
	// refused, because a refusal is as final as a link; nothing else is written then.
	//
	// Errors: ErrSpent; ErrSessionInvalid if the user has no such session at Now;
	// ErrUserInactive; ErrLinkTaken; ErrTooManyLinks.
	LinkOwn(ctx context.Context, link OwnLink) error

	// UnlinkOwn removes a link, ends the sessions that it created, and returns how many.
	// ErrLastLink unless the user has another link at one of the providers; ErrNotFound
	// if the user does not have this link.
	UnlinkOwn(ctx context.Context, userID string, link LinkedIdentity, providers []string, event Event) (ended int, err error)
}

// OwnLink is the link for LinkOwn, and its user.
type OwnLink struct {
	LinkedIdentity

	// Alias is another subject that the same identity may have. If another user has a
	// link with it, linking is refused, too.
	Alias string

	SessionID, UserID string
	Once              []OnceID
	Now               time.Time
	Event             Event // stored if the link is new
}

var (
	// ErrLinkTaken: the identity is linked to another account. Links are never moved.
	ErrLinkTaken = errors.New("the identity belongs to another account")

	// ErrTooManyLinks: the account has the maximum number of links.
	ErrTooManyLinks = errors.New("the account has too many links")

	// ErrLastLink: without this link nobody could sign in to the account.
	ErrLastLink = errors.New("it is the only link that signs in to the account")
)

// Account returns what people see of their account.
func (s *Service) Account(ctx context.Context, who Principal) (Account, error) {
	account, err := s.ports.Accounts.OwnAccount(ctx, who.User.ID, s.config.Now(), MaxShownSessions)
	if err != nil {
		return Account{}, fmt.Errorf("looking up an account: %w", err)
	}
	role, err := s.RoleOf(ctx, who.User)
	account.RoleName = role.Name
	return account, err
}

// RoleOf returns the role of a user. The name of a role that no longer exists is its ID.
// The zero Role means that the user has none.
func (s *Service) RoleOf(ctx context.Context, user User) (Role, error) {
	if user.Role == "" {
		return Role{}, nil
	}
	roles, err := s.ports.Roles.Roles(ctx)
	if err != nil {
		return Role{}, fmt.Errorf("looking up the role of a user: %w", err)
	}
	for _, role := range roles {
		if role.ID == user.Role {
			return role, nil
		}
	}
	return Role{ID: user.Role, Name: user.Role}, nil
}

// EndOwnSession ends a session of the user. ErrNotFound if the session belongs to another
// user, or does not exist: its ID is not a secret, and gives no right to end it.
func (s *Service) EndOwnSession(ctx context.Context, who Principal, sessionID string) error {
	session, user, err := s.ports.Sessions.SessionUser(ctx, sessionID, s.config.Now())
	if err != nil {
		return fmt.Errorf("looking up a session to end: %w", err)
	}
	if user.ID != who.User.ID {
		return fmt.Errorf("ending session %s of another user: %w", session.ID, ErrNotFound)
	}
	return s.end(ctx, session.ID, s.ending(ctx, ActorUser, ReasonLoggedOut))
}

// EndOtherSessions ends all sessions of the user except the current one, and returns how
// many.
func (s *Service) EndOtherSessions(ctx context.Context, who Principal) (int, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	return EndSessions(ctx, s.ports.Sessions, SessionMatch{User: who.User.ID, Except: who.Session.ID}, s.ending(ctx, ActorUser, ReasonLoggedOutOfAll))
}
