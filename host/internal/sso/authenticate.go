package sso

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// errExpired depends on the clock, which may be wrong.
var errExpired = fmt.Errorf("%w: it has expired", ErrSessionNotNow)

// lookUp returns a stored token of that kind that has not expired. A session whose
// provider is no longer configured is not valid: an operator who removes a provider wants
// its users out. The session comes back with the provider, because the provider may be
// missing only because a file is half written.
func (s *Service) lookUp(ctx context.Context, token Token, kind SessionKind, now time.Time) (SessionToken, error) {
	stored, err := s.ports.Sessions.SessionToken(ctx, token.Hash())
	if errors.Is(err, ErrNotFound) {
		return SessionToken{}, ErrSessionInvalid
	}
	if err != nil {
		return SessionToken{}, fmt.Errorf("looking up the session: %w", err)
	}
	if stored.Session.Kind != kind {
		return SessionToken{}, ErrSessionInvalid
	}
	if !now.Before(stored.ExpiresAt) || !now.Before(stored.Session.ExpiresAt) {
		return SessionToken{}, errExpired
	}
	if _, err := s.providerOf(stored.Session.Provider); err != nil {
		return SessionToken{}, err
	}
	return stored, nil
}

// providerOf returns the provider of a session, or ErrSessionNotNow.
func (s *Service) providerOf(name string) (Provider, error) {
	p, err := s.Provider(name)
	if err != nil {
		return Provider{}, fmt.Errorf("%w: its provider %q is not configured", ErrSessionNotNow, name)
	}
	return p, nil
}

// end ends a session even if the client goes away in the meantime: a thief who replays a
// token and hangs up must not keep the session alive.
func (s *Service) end(ctx context.Context, sessionID string, event Event) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	return s.ports.Sessions.EndSession(ctx, sessionID, event)
}

// endTimeout is the time limit for writing one logout.
const endTimeout = 10 * time.Second

// sessionsOf returns the IDs of the sessions whose tokens a browser has: a new login
// replaces them. If one cannot be looked up, the login is not refused; that session
// expires by itself.
func (s *Service) sessionsOf(ctx context.Context, tokens []Token) (ids []string) {
	for _, t := range tokens {
		if stored, err := s.ports.Sessions.SessionToken(ctx, t.Hash()); err == nil {
			ids = append(ids, stored.Session.ID)
		}
	}
	return ids
}

// Principal is the signed-in user of a request.
type Principal struct {
	User    User
	Session Session // also set for an access token

	// Due: it is time to Prolong the session. Only Authenticate sets it, for a current
	// token.
	Due bool
}

// Authenticate returns the user of a session token: ErrSessionInvalid if the token is
// permanently invalid, ErrSessionNotNow if that may pass, ErrUserInactive if the account
// may not sign in.
func (s *Service) Authenticate(ctx context.Context, token Token) (Principal, error) {
	now := s.config.Now()
	stored, err := s.lookUp(ctx, token, KindSession, now)
	if err != nil {
		return Principal{}, err
	}
	if err := s.checkUsable(stored, now); err != nil {
		return Principal{}, err
	}
	if err := stored.User.MaySignIn(); err != nil {
		return Principal{}, err
	}
	return Principal{User: stored.User, Session: stored.Session, Due: s.due(stored, now)}, nil
}

// AuthenticateAccess returns the user of an access token, if the session still exists:
// ErrTokenExpired, ErrTokenInvalid, ErrSessionInvalid, ErrSessionNotNow or
// ErrUserInactive otherwise.
func (s *Service) AuthenticateAccess(ctx context.Context, access string) (Principal, error) {
	claims, err := s.ports.Tokens.Verify(ctx, access)
	if err != nil {
		return Principal{}, err
	}
	session, user, err := s.ports.Sessions.SessionUser(ctx, claims.SessionID, s.config.Now())
	if errors.Is(err, ErrNotFound) {
		return Principal{}, ErrSessionInvalid
	}
	if err != nil {
		return Principal{}, fmt.Errorf("looking up the session: %w", err)
	}
	if user.ID != claims.UserID {
		return Principal{}, ErrTokenInvalid
	}
	if err := user.MaySignIn(); err != nil {
		return Principal{}, err
	}
	if _, err := s.providerOf(session.Provider); err != nil {
		return Principal{}, err
	}
	return Principal{User: user, Session: session}, nil
}
