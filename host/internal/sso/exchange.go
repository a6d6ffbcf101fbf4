package sso

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Refresh exchanges a token for a new one, and answers in the given mode.
//
// A session has one current token. A client that presents a token which was replaced less
// than RefreshGrace ago gets the same successor, so that tabs can refresh at once and a
// response may be lost; the access tokens issued with it may differ. If the successor was
// replaced in turn, the old token is refused with ErrSessionNotNow, which ends nothing.
// After the grace, the use of a replaced token ends the session with ErrTokenReused:
// either the client or a thief is behind, and nobody can tell which. If the clock was set
// since the replacement, the error is ErrSessionNotNow.
//
// If its mechanism supports it, the provider is asked whether the session is still valid
// when the current token is exchanged, once for all simultaneous requests with that
// token. If the provider says no, the session ends with an error that wraps both
// ErrSessionInvalid and sdk.ErrDenied. If it cannot say, because it is down, the token is
// exchanged and the session keeps its end. If it was not asked, because too many calls
// wait for it, the error is ErrBusy, and the token stays as it was.
//
// Errors: ErrSessionInvalid, ErrSessionNotNow, ErrUserInactive, ErrBusy.
func (s *Service) Refresh(ctx context.Context, token Token, mode Mode) (*SignedIn, error) {
	// A refresh token of the provider may work only once, so requests are made one at a
	// time.
	hash := token.Hash()
	shared, err := s.exchanges.do(ctx, string(mode.kind())+" "+string(hash[:]), func(waiting context.Context) (*SignedIn, error) {
		return s.exchange(waiting, token, mode)
	})
	if err != nil {
		return nil, err
	}
	done := *shared
	done.Mode = mode
	return &done, nil
}

// exchange runs for all requests that wait with the same token. If no request waits any
// more, the token is not replaced: the client will present it again.
//
// Of several hosts, one asks the provider and replaces the token. The others wait for it,
// and then find the successor.
func (s *Service) exchange(waiting context.Context, token Token, mode Mode) (*SignedIn, error) {
	until := time.NewTimer(leaseFor + outlast)
	defer until.Stop()
	first, overtaken := Session{}, false
	for {
		done, session, err := s.exchangeOnce(waiting, token, mode, first)
		if first.ID == "" {
			first = session
		}
		switch {
		case errors.Is(err, ErrSpent) && !overtaken: // the next lookup finds the successor
			overtaken, err = true, waiting.Err()
		case errors.Is(err, ErrSpent), errors.Is(err, ErrLeased):
			err = s.waitForLease(waiting, session.ID, until.C)
		default:
			return done, err
		}
		if err != nil {
			return nil, err
		}
	}
}

// exchangeOnce returns ErrLeased or ErrSpent if another host is exchanging the token.
// first is the session as this exchange first saw it, if it has had to wait.
func (s *Service) exchangeOnce(waiting context.Context, token Token, mode Mode, first Session) (done *SignedIn, session Session, err error) {
	now := s.config.Now()
	stored, err := s.lookUp(waiting, token, mode.kind(), now)
	if err != nil {
		return nil, Session{}, err
	}
	session = stored.Session
	if err := stored.User.MaySignIn(); err != nil {
		return nil, session, errors.Join(err, s.end(waiting, session.ID, s.ending(waiting, ActorHost, ReasonUserInactive)))
	}
	if s.stateOf(stored, now) != current {
		done, err = s.answerReplaced(waiting, token, mode, stored, now)
		return done, session, err
	}
	l := s.leaseOf(session, token)
	said, err := s.askOnce(waiting, stored, first, l)
	if err == nil {
		done, err = s.replace(waiting, token, mode, session, said, l)
	}
	if err != nil && !errors.Is(err, ErrSessionInvalid) { // otherwise it ended with the token or the session
		l.release(waiting)
	}
	return done, session, err
}

// askOnce asks the provider, unless the provider was asked while this exchange waited, to
// prolong the session. Then its answer is known, and the session keeps the end that was
// set.
func (s *Service) askOnce(waiting context.Context, stored SessionToken, first Session, l *lease) (verdict, error) {
	if first.ID == "" || stored.Session.AskedAt.Equal(first.AskedAt) {
		return s.askProvider(waiting, stored, l)
	}
	said := unchanged(stored, nil)
	said.notAfter = stored.Session.ExpiresAt
	return said, nil
}

// replace replaces the current token of a session according to the provider's verdict.
// ErrSpent if the token is no longer the current one; ErrLeased if the lease had expired
// and another host has asked again.
func (s *Service) replace(ctx context.Context, token Token, mode Mode, session Session, said verdict, l *lease) (*SignedIn, error) {
	now, next := s.config.Now(), NewToken() // asking the provider may have taken long
	session = s.withEnds(session, said, now)
	if !now.Before(session.ExpiresAt) {
		return nil, errExpired
	}
	// Issued before the old token is spent: if issuing failed later, the client would
	// have no valid token.
	done, err := s.signedIn(ctx, said.user, session, mode, next, now)
	if err != nil {
		return nil, err
	}
	rotation, err := s.rotation(token, next, session, now)
	if err != nil {
		return nil, err
	}
	if l.held {
		rotation.Holder = l.Holder
	}
	err = s.ports.Sessions.RotateToken(ctx, rotation)
	if errors.Is(err, ErrNotFound) {
		return nil, ErrSessionInvalid
	}
	if err != nil {
		return nil, fmt.Errorf("rotating the token: %w", err)
	}
	done.Unasked = said.unasked
	return done, nil
}

func (s *Service) rotation(token, next Token, session Session, now time.Time) (Rotation, error) {
	rotation := Rotation{
		SessionID: session.ID, Old: token.Hash(), New: next.Hash(), Now: now,
		ExpiresAt: session.ExpiresAt, NotAfter: session.NotAfter, Groups: session.Groups, RemoveBefore: s.config.RemoveBefore(),
	}
	if s.config.RefreshGrace <= 0 {
		return rotation, nil
	}
	var err error
	rotation.Successor, err = sealSuccessor(token, next)
	return rotation, err
}

// Refreshable returns nil if Refresh would accept the token, ErrSessionInvalid if the
// token is permanently invalid, and ErrSessionNotNow. It changes nothing.
func (s *Service) Refreshable(ctx context.Context, token Token, mode Mode) error {
	now := s.config.Now()
	stored, err := s.lookUp(ctx, token, mode.kind(), now)
	if err != nil {
		return err
	}
	if err := s.checkUsable(stored, now); err != nil {
		return err
	}
	if s.stateOf(stored, now) == inGrace && len(stored.Successor) == 0 {
		return errSuccessorReplaced
	}
	return nil
}
