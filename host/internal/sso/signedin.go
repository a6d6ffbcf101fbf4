package sso

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/doorward/doorward/sdk"
)

// SignedIn is what a login or a refresh gives to the client.
type SignedIn struct {
	User    User
	Session Session
	Mode    Mode

	Token     Token         // session token in ModeSession, else refresh token
	TokenTTL  time.Duration // until the session ends for good, however often it is refreshed
	Access    string        // access token; empty in ModeSession
	ExpiresIn time.Duration // of the access token; of the session in ModeSession, if it is not refreshed

	// PasswordExpiresAt is told after a login if the password expires soon.
	PasswordExpiresAt time.Time

	// LeftOut names what of the identity was cleaned or left out because it could
	// not be shown. It holds no value.
	LeftOut []string

	// Linked: who had no account at this provider was linked, just now, to the one with
	// their verified e-mail address.
	Linked bool

	// Claimed: nobody could sign in to the account before, and it was waiting for this.
	Claimed bool

	// Unasked is why the provider could not say, at a refresh, whether the
	// session is still good. It goes on then, and does not become longer.
	Unasked error
}

func (m Mode) kind() SessionKind {
	if m == ModeSession {
		return KindSession
	}
	return KindRefresh
}

// newSession is what a login leaves behind, but for the user.
func (s *Service) newSession(p Provider, attempt Attempt, identity sdk.Identity, client Client, token Token, now time.Time) NewSession {
	session := Session{
		ID: NewUUID(), Provider: p.Name, Kind: attempt.Mode.kind(), CreatedAt: now,
		IP: client.IP, UserAgent: client.UserAgent, Groups: GroupsOf(identity),
	}
	session.NotAfter = bound(s.lastMoment(session, now), identity.ExpiresAt)
	session.ExpiresAt = bound(now.Add(s.ttl(session.Kind)), session.NotAfter)
	session.AtProvider = s.atProvider(session.ID, identity)
	return NewSession{Session: session, Token: token.Hash(), Once: onceIDs(p, attempt, identity), RemoveBefore: s.config.RemoveBefore()}
}

func (s *Service) atProvider(sessionID string, identity sdk.Identity) AtProvider {
	at := AtProvider{
		Subject: identity.Subject, LogoutSubject: identity.LogoutSubject, SessionID: identity.SessionID,
		SealedGrant: s.grants.seal(sessionID, identity.Grant),
	}
	if at.LogoutSubject == "" {
		at.LogoutSubject = identity.Subject
	}
	return at
}

func (s *Service) signedIn(ctx context.Context, user User, session Session, mode Mode, token Token, now time.Time) (*SignedIn, error) {
	left := min(session.ExpiresAt.Sub(now), s.ttl(session.Kind))
	done := &SignedIn{User: user, Session: session, Mode: mode, Token: token, TokenTTL: s.leftAtMost(session, now), ExpiresIn: left}
	if mode == ModeSession {
		return done, nil
	}
	done.ExpiresIn = min(left, s.config.AccessTokenTTL)
	claims := AccessClaims{UserID: user.ID, Role: user.Role, SessionID: session.ID, IssuedAt: now, ExpiresAt: now.Add(done.ExpiresIn)}
	if s.config.AccessTokenGroups {
		claims.Groups = &session.Groups
	}
	access, err := s.ports.Tokens.Issue(ctx, claims)
	if err != nil {
		return nil, fmt.Errorf("issuing an access token: %w", err)
	}
	done.Access = access
	return done, nil
}

// errExpired is by the clock, which may be wrong.
var errExpired = fmt.Errorf("%w: it has expired", ErrSessionNotNow)

// lookUp returns a stored token of the kind that has not expired. A session of
// a provider that is configured no more is not good: whoever takes a provider
// away wants its people out. It comes back with the provider, as the provider may
// be missing because of a file that is only half written.
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

// end ends a session even if the client has gone away meanwhile: a thief who
// replays a token and hangs up must not keep the session alive.
func (s *Service) end(ctx context.Context, sessionID string, event Event) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	return s.ports.Sessions.EndSession(ctx, sessionID, event)
}

// endTimeout bounds the writing of one logout.
const endTimeout = 10 * time.Second

// sessionsOf returns the IDs of the sessions of tokens that a browser holds: a new login
// takes their place. One that cannot be looked up is not worth refusing the login for;
// it expires by itself.
func (s *Service) sessionsOf(ctx context.Context, tokens []Token) (ids []string) {
	for _, t := range tokens {
		if stored, err := s.ports.Sessions.SessionToken(ctx, t.Hash()); err == nil {
			ids = append(ids, stored.Session.ID)
		}
	}
	return ids
}

// Principal is who is signed in.
type Principal struct {
	User    User
	Session Session // for an access token, too

	// Due: it is time to Prolong the session. Authenticate alone says so, of a current
	// token.
	Due bool
}

// Authenticate returns who holds the session token: ErrSessionInvalid if it is
// not good (any more), ErrSessionNotNow if that may pass, ErrUserInactive if the
// account may not sign in.
func (s *Service) Authenticate(ctx context.Context, token Token) (Principal, error) {
	now := s.config.Now()
	stored, err := s.lookUp(ctx, token, KindSession, now)
	if err != nil {
		return Principal{}, err
	}
	if err := s.stillGood(stored, now); err != nil {
		return Principal{}, err
	}
	if err := stored.User.MaySignIn(); err != nil {
		return Principal{}, err
	}
	return Principal{User: stored.User, Session: stored.Session, Due: s.due(stored, now)}, nil
}

// AuthenticateAccess returns who an access token was issued to, if their
// session still exists: ErrTokenExpired, ErrTokenInvalid, ErrSessionInvalid,
// ErrSessionNotNow or ErrUserInactive otherwise.
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
