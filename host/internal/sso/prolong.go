package sso

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"
)

// idleParts: the end of a session whose provider is not asked moves when that fraction of
// its idle lifetime has passed. Moving it at each check would be a write for each; so a
// session may end up to a tenth of that lifetime too early, and a browser that is active
// all day costs ten writes.
const idleParts = 10

// due reports whether Prolong may have something to do. A time far ahead comes from a
// clock that was wrong.
func (s *Service) due(stored SessionToken, now time.Time) bool {
	every := s.askEvery(stored.Session.Kind)
	return every > 0 && now.Sub(stored.Session.AskedAt).Abs() >= every && s.stateOf(stored, now) == current
}

// AskEvery is how often Prolong asks a provider.
func (s *Service) AskEvery() time.Duration { return s.askEvery(KindSession) }

// askEvery is at most half the idle lifetime, so that a session in use does not end
// between two requests to the provider.
func (s *Service) askEvery(kind SessionKind) time.Duration {
	return min(s.config.AskEvery, s.ttl(kind)/2)
}

// Prolong does for a session that is used but never refreshed what Refresh does, except
// that the token stays: if AskEvery has passed, it asks the provider whether the session
// is still valid, and moves its idle end, or ends it. It runs in the background: nobody
// waits for it. While the session is being refreshed or prolonged, on this host or
// another, it does nothing.
//
// If there is nothing to ask, the session is prolonged when a tenth of its idle lifetime
// has passed since the last time.
//
// Errors: ErrSessionInvalid, ErrSessionNotNow, ErrUserInactive; ErrBusy if too many calls
// wait for the provider; or why the provider could not be asked, or could not say. Then
// the session keeps its end.
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
	l.Holder = rand.Text() // a refresh on this host waits for it, as for another host
	said, err := s.askProvider(ctx, stored, l)
	if err == nil {
		err = s.prolong(ctx, stored.Session, said, l)
	}
	if err != nil && !errors.Is(err, ErrSessionInvalid) { // otherwise it ended with the session
		l.release(ctx)
	}
	if errors.Is(err, ErrLeased) || errors.Is(err, ErrSpent) {
		return nil
	}
	return err
}

// prolong returns the error that kept the provider from answering.
func (s *Service) prolong(waiting context.Context, session Session, said verdict, l *lease) error {
	now := s.config.Now() // asking the provider may have taken long
	switch {
	case l.held: // the provider was asked, so the next request can wait
	case said.unasked != nil:
		return said.unasked
	case now.Sub(session.AskedAt).Abs() < s.ttl(session.Kind)/idleParts:
		return nil
	default:
		l.Holder = ""
	}
	session = s.withEnds(session, said, now)
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
