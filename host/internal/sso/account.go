package sso

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// MaxShownSessions is how many sessions people see of their own. All of them can be ended
// together.
const MaxShownSessions = 50

// LinkedIdentity is by what a provider knows somebody who has an account here.
type LinkedIdentity struct{ Provider, Subject string }

// Account is what people see of their own account.
type Account struct {
	RoleName string           // empty: none
	Links    []LinkedIdentity // in the order of provider and subject
	Sessions []OwnSession     // that have not expired; those that began last come first
	More     bool             // there are further sessions
}

// OwnSession is a session as its user sees it, without its groups.
type OwnSession struct {
	Session
	RefreshedAt time.Time // when its token was replaced last; zero: not yet, or too long ago
}

// OwnAccounts keeps what people see and change of their own account. What writes is
// one transaction.
type OwnAccounts interface {
	// OwnAccount returns an account without its RoleName, with at most limit sessions that
	// have not expired at now. ErrNotFound if there is no such user.
	OwnAccount(ctx context.Context, userID string, now time.Time, limit int) (Account, error)

	// LinkOwn ties a link to the user of a session. It is no error if they have it already.
	// The once-IDs are spent first, and stay so when it is refused, because a refusal is as
	// final as a link; then nothing else is written.
	//
	// Errors: ErrSpent; ErrSessionInvalid if that user has no such session at Now;
	// ErrUserInactive; ErrLinkTaken; ErrTooManyLinks.
	LinkOwn(ctx context.Context, link OwnLink) error

	// UnlinkOwn unties a link, ends the sessions that came by it, and returns how many.
	// ErrLastLink unless the user has another link at one of the providers; ErrNotFound if
	// they do not have this one.
	UnlinkOwn(ctx context.Context, userID string, link LinkedIdentity, providers []string, event Event) (ended int, err error)
}

// OwnLink is what LinkOwn ties, and for whom.
type OwnLink struct {
	LinkedIdentity

	// Alias is another subject by which the same identity may be known. A link of somebody
	// else with it is in the way, too.
	Alias string

	SessionID, UserID string
	Once              []OnceID
	Now               time.Time
	Event             Event // is kept if it is tied now
}

var (
	// ErrLinkTaken: the identity leads to somebody else's account, and is never moved.
	ErrLinkTaken = errors.New("the identity belongs to another account")

	// ErrTooManyLinks: the account has as many as there may be.
	ErrTooManyLinks = errors.New("the account has too many links")

	// ErrLastLink: without it nobody could sign in to the account.
	ErrLastLink = errors.New("the only link by which one can sign in to the account")
)

// Account returns what somebody sees of their account.
func (s *Service) Account(ctx context.Context, who Principal) (Account, error) {
	account, err := s.ports.Accounts.OwnAccount(ctx, who.User.ID, s.config.Now(), MaxShownSessions)
	if err != nil {
		return Account{}, fmt.Errorf("looking up an account: %w", err)
	}
	role, err := s.RoleOf(ctx, who.User)
	account.RoleName = role.Name
	return account, err
}

// RoleOf returns the role of a user; of one that is not there any more, the name is its ID.
// The zero Role: they have none.
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

// EndOwnSession ends a session of that person. ErrNotFound if it is not theirs, or not
// there: its ID is no secret, and says nothing about who may end it.
func (s *Service) EndOwnSession(ctx context.Context, who Principal, sessionID string) error {
	session, user, err := s.ports.Sessions.SessionUser(ctx, sessionID, s.config.Now())
	if err != nil {
		return fmt.Errorf("looking up a session to end: %w", err)
	}
	if user.ID != who.User.ID {
		return fmt.Errorf("ending the session %s of somebody else: %w", session.ID, ErrNotFound)
	}
	return s.end(ctx, session.ID, s.ending(ctx, ActorUser, ReasonLoggedOut))
}

// EndOtherSessions ends all sessions of that person but the one that asks, and returns how
// many.
func (s *Service) EndOtherSessions(ctx context.Context, who Principal) (int, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	return EndSessions(ctx, s.ports.Sessions, SessionMatch{User: who.User.ID, Except: who.Session.ID}, s.ending(ctx, ActorUser, ReasonLoggedOutOfAll))
}
