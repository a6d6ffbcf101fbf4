package sso

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"
)

// idleParts: the end of a session whose provider is not asked is moved when one of so
// many parts of its idle lifetime has passed. To move it with each check would be a write
// with each; so it ends up to a tenth of that lifetime too soon, and a browser that is
// there all day costs ten writes.
const idleParts = 10

// due reports whether Prolong may have something to do. A moment that is far ahead comes
// from a clock that was wrong.
func (s *Service) due(stored SessionToken, now time.Time) bool {
	every := s.askEvery(stored.Session.Kind)
	return every > 0 && now.Sub(stored.Session.AskedAt).Abs() >= every && s.standing(stored, now) == current
}

// AskEvery is how long after one question Prolong asks a provider again.
func (s *Service) AskEvery() time.Duration { return s.askEvery(KindSession) }

// askEvery is at most half the idle lifetime, so that a session that is used does not
// end between two questions.
func (s *Service) askEvery(kind SessionKind) time.Duration {
	return min(s.config.AskEvery, s.ttl(kind)/2)
}

// Prolong does for a session that is used, and never refreshed, what Refresh does, but
// for the token, which stays: if AskEvery has passed, it asks the provider whether the
// session is still good, and moves its idle end, or ends it. It is for the background:
// nobody waits for it. While somebody refreshes the session, or prolongs it, at this host
// or another, it does nothing.
//
// A session without anything to ask is prolonged when a tenth of its idle lifetime has
// passed since that was done last.
//
// Errors: ErrSessionInvalid, ErrSessionNotNow, ErrUserInactive; ErrBusy if too many wait for
// the provider; or why it could not be asked, or could not say. Then the session ends
// when it would have ended without.
func (s *Service) Prolong(ctx context.Context, token Token) error {
	now := s.config.Now()
	stored, err := s.lookUp(ctx, token, KindSession, now)
	if err != nil {
		return err
	}
	if err := stored.User.MaySignIn(); err != nil {
		return err
	}
	if !s.due(stored, now) {
		return nil
	}
	l := s.leaseOf(stored.Session, token)
	l.Holder = rand.Text() // a refresh at this host waits for it, as it does for another host
	said, err := s.ask(ctx, stored, l)
	if err == nil {
		err = s.prolong(ctx, stored.Session, said, l)
	}
	if err != nil && !errors.Is(err, ErrSessionInvalid) { // else it went with the session
		l.letGo(ctx)
	}
	if errors.Is(err, ErrLeased) || errors.Is(err, ErrSpent) {
		return nil
	}
	return err
}

// prolong returns what kept the provider from saying anything.
func (s *Service) prolong(waiting context.Context, session Session, said verdict, l *lease) error {
	now := s.config.Now() // the provider may have taken its time
	switch {
	case l.held: // it was asked, so that the next question can wait
	case said.unasked != nil:
		return said.unasked
	case now.Sub(session.AskedAt).Abs() < s.ttl(session.Kind)/idleParts:
		return nil
	default:
		l.Holder = ""
	}
	session = s.moved(session, said, now)
	if !now.Before(session.ExpiresAt) {
		return errExpired
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(waiting), endTimeout)
	defer cancel()
	err := s.ports.Sessions.ProlongSession(ctx, Prolongation{
		SessionID: session.ID, Token: l.Token, Holder: l.Holder, AskedAt: now,
		ExpiresAt: session.ExpiresAt, NotAfter: session.NotAfter, Groups: session.Groups,
	})
	switch {
	case errors.Is(err, ErrNotFound):
		return ErrSessionInvalid
	case err != nil:
		return fmt.Errorf("prolonging session %s: %w", session.ID, err)
	}
	return said.unasked
}
