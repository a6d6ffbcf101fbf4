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

	Token     Token // session token in ModeSession, else refresh token
	TokenTTL  time.Duration
	Access    string        // access token; empty in ModeSession
	ExpiresIn time.Duration // of the access token; of the session in ModeSession

	// PasswordExpiresAt is told after a login if the password expires soon.
	PasswordExpiresAt time.Time

	// LeftOut names what of the identity was cleaned or left out because it could
	// not be shown. It holds no value.
	LeftOut []string

	// Unasked is why the provider could not say, at a refresh, whether the
	// session is still good. It goes on then, and does not become longer.
	Unasked error
}

// ErrTokenReused: a token was presented again after it had been replaced. It
// wraps ErrSessionInvalid. Somebody else may hold it, so the session is ended.
var ErrTokenReused = fmt.Errorf("token was used before, session ended: %w", ErrSessionInvalid)

func (m Mode) kind() SessionKind {
	if m == ModeSession {
		return KindSession
	}
	return KindRefresh
}

func (s *Service) ttl(kind SessionKind) time.Duration {
	if kind == KindSession {
		return s.config.SessionTTL
	}
	return s.config.RefreshTokenTTL
}

// newSession is what a login leaves behind, but for the user.
func (s *Service) newSession(p Provider, attempt Attempt, identity sdk.Identity, client Client, token Token, now time.Time) NewSession {
	session := Session{
		ID: newUUID(), Provider: p.Name, Kind: attempt.Mode.kind(), CreatedAt: now,
		NotAfter: identity.ExpiresAt, IP: client.IP, UserAgent: client.UserAgent,
	}
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

// bound returns the earlier time, where zero means no bound.
func bound(t, notAfter time.Time) time.Time {
	if !notAfter.IsZero() && notAfter.Before(t) {
		return notAfter
	}
	return t
}

func (s *Service) signedIn(ctx context.Context, user User, session Session, mode Mode, token Token, now time.Time) (*SignedIn, error) {
	left := min(session.ExpiresAt.Sub(now), s.ttl(session.Kind))
	done := &SignedIn{User: user, Session: session, Mode: mode, Token: token, TokenTTL: left, ExpiresIn: left}
	if mode == ModeSession {
		return done, nil
	}
	done.ExpiresIn = min(left, s.config.AccessTokenTTL)
	access, err := s.ports.Tokens.Issue(ctx, AccessClaims{
		UserID: user.ID, Role: user.Role, SessionID: session.ID, IssuedAt: now, ExpiresAt: now.Add(done.ExpiresIn),
	})
	if err != nil {
		return nil, fmt.Errorf("issuing an access token: %w", err)
	}
	done.Access = access
	return done, nil
}

// Refresh exchanges a token for a new one, and answers in the given mode.
//
// In ModeSession a token that was replaced less than RefreshGrace ago still
// works, so that two tabs may refresh at once. Any other use of a replaced
// token ends the session with ErrTokenReused: either the client or a thief is
// behind, and nobody can tell which. Before the moment at which it was replaced,
// which is a clock that was set back, it is ErrSessionNotNow and ends nothing.
//
// The provider is asked whether the session is still good, if its mechanism can
// be. If it says no, the session ends, with an error that wraps both
// ErrSessionInvalid and sdk.ErrDenied. If it cannot say, because it is down, the
// token is exchanged and the session ends when it would have ended without. If it
// was not asked, because too many wait for it, that is ErrBusy, and the token stays
// as it was.
//
// Errors: ErrSessionInvalid, ErrSessionNotNow, ErrUserInactive, ErrBusy.
func (s *Service) Refresh(ctx context.Context, token Token, mode Mode) (*SignedIn, error) {
	now := s.config.Now()
	stored, err := s.lookUp(ctx, token, mode.kind(), now)
	if err != nil {
		return nil, err
	}
	if stored.User.Status != UserActive {
		return nil, errors.Join(ErrUserInactive, s.end(ctx, stored.Session.ID))
	}
	if stored.Session.Kind == KindSession && s.beforeReplaced(stored, now) {
		return nil, errBeforeReplaced
	}
	if !s.exchangeable(stored, now) { // not worth a question to the provider
		return nil, s.reused(ctx, stored.Session)
	}
	said, err := s.ask(ctx, stored)
	if err != nil {
		return nil, err
	}
	session, next := stored.Session, NewToken()
	if said.unasked == nil {
		session.ExpiresAt = bound(bound(s.prolonged(session, now), session.NotAfter), said.notAfter)
	}
	// Issued before the old token is spent: without the new one in hand, the
	// client would have none that is good.
	done, err := s.signedIn(ctx, said.user, session, mode, next, now)
	if err != nil {
		return nil, err
	}
	rotation := Rotation{Old: token.Hash(), New: next.Hash(), Now: now, ExpiresAt: session.ExpiresAt, RemoveBefore: s.config.RemoveBefore()}
	if session.Kind == KindSession {
		rotation.GraceFrom = now.Add(-s.config.RefreshGrace)
	}
	err = s.ports.Sessions.RotateToken(ctx, rotation)
	switch {
	case errors.Is(err, ErrSpent):
		return nil, s.reused(ctx, session)
	case errors.Is(err, ErrNotFound):
		return nil, ErrSessionInvalid
	case err != nil:
		return nil, fmt.Errorf("rotating the token: %w", err)
	}
	done.Unasked = said.unasked
	return done, nil
}

// prolonged is when a session ends that is refreshed now. A clock that shows a
// time before the session began is wrong; by that one, sessions do not end sooner.
func (s *Service) prolonged(session Session, now time.Time) time.Time {
	end := now.Add(s.ttl(session.Kind))
	if now.Before(session.CreatedAt) && session.ExpiresAt.After(end) {
		return session.ExpiresAt
	}
	return end
}

// exchangeable reports whether a token has not been replaced, or only just.
func (s *Service) exchangeable(stored SessionToken, now time.Time) bool {
	if stored.SpentAt.IsZero() {
		return true
	}
	return stored.Session.Kind == KindSession && !stored.SpentAt.Before(now.Add(-s.config.RefreshGrace).Truncate(time.Millisecond))
}

// clockSlack is how far a clock may be set back without anybody noticing: those
// that are kept by NTP move by less.
const clockSlack = 2 * time.Second

var errBeforeReplaced = fmt.Errorf("%w: its token was replaced, and the clock has been set back since", ErrSessionNotNow)

// beforeReplaced reports whether the token was replaced at a time that the clock
// has not reached: it was set back since. The grace counts from then, so it would
// last for as long as the clock is behind.
func (s *Service) beforeReplaced(stored SessionToken, now time.Time) bool {
	return !stored.SpentAt.IsZero() && now.Before(stored.SpentAt.Add(-min(clockSlack, s.config.RefreshGrace)))
}

// reused ends a session whose replaced token was presented again. Where there is a
// grace, and the clock was set within it, nobody can tell whether that is over.
func (s *Service) reused(ctx context.Context, session Session) error {
	if session.Kind == KindSession && s.config.SetWithin(s.config.RefreshGrace) {
		return fmt.Errorf("%w: its token was replaced, and the clock was set", ErrSessionNotNow)
	}
	reused := fmt.Errorf("session %s of user %s, provider %s: %w", session.ID, session.UserID, session.Provider, ErrTokenReused)
	return errors.Join(reused, s.end(ctx, session.ID))
}

// Refreshable returns nil if Refresh would look kindly at the token,
// ErrSessionInvalid if it is not the current token of a session, and
// ErrSessionNotNow. It changes nothing.
func (s *Service) Refreshable(ctx context.Context, token Token, mode Mode) error {
	now := s.config.Now()
	stored, err := s.lookUp(ctx, token, mode.kind(), now)
	if err != nil {
		return err
	}
	if !stored.SpentAt.IsZero() {
		return ErrSessionInvalid
	}
	return nil
}

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
		return SessionToken{}, fmt.Errorf("%w: it has expired", ErrSessionNotNow)
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
func (s *Service) end(ctx context.Context, sessionID string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	return s.ports.Sessions.EndSession(ctx, sessionID)
}

// endTimeout bounds the writing of one logout.
const endTimeout = 10 * time.Second

// endReplaced ends the sessions that a new login takes the place of. A failure
// is not worth refusing the login for: the old session expires by itself.
func (s *Service) endReplaced(ctx context.Context, tokens []Token) {
	for _, t := range tokens {
		_, _ = s.Logout(ctx, t)
	}
}

// Principal is who is signed in.
type Principal struct {
	User    User
	Session Session // zero for an access token
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
	if s.beforeReplaced(stored, now) {
		return Principal{}, errBeforeReplaced
	}
	if !stored.SpentAt.IsZero() && !now.Before(stored.SpentAt.Add(s.config.RefreshGrace)) {
		if s.config.SetWithin(s.config.RefreshGrace) {
			return Principal{}, ErrSessionNotNow
		}
		return Principal{}, ErrSessionInvalid
	}
	if stored.User.Status != UserActive {
		return Principal{}, ErrUserInactive
	}
	return Principal{User: stored.User, Session: stored.Session}, nil
}

// AuthenticateAccess returns who an access token was issued to, if their
// session still exists: ErrTokenExpired, ErrTokenInvalid, ErrSessionInvalid,
// ErrSessionNotNow or ErrUserInactive otherwise.
func (s *Service) AuthenticateAccess(ctx context.Context, access string) (Principal, error) {
	claims, err := s.ports.Tokens.Verify(ctx, access)
	if err != nil {
		return Principal{}, err
	}
	user, err := s.ports.Sessions.SessionUser(ctx, claims.SessionID, s.config.Now())
	if errors.Is(err, ErrNotFound) {
		return Principal{}, ErrSessionInvalid
	}
	if err != nil {
		return Principal{}, fmt.Errorf("looking up the session: %w", err)
	}
	if user.ID != claims.UserID {
		return Principal{}, ErrTokenInvalid
	}
	if user.Status != UserActive {
		return Principal{}, ErrUserInactive
	}
	if _, err := s.providerOf(user.Provider); err != nil {
		return Principal{}, err
	}
	return Principal{User: user}, nil
}
