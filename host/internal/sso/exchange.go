package sso

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Refresh exchanges a token for a new one, and answers in the given mode.
//
// A session has one current token. Whoever comes with one that was replaced less than
// RefreshGrace ago gets the token that replaced it, so that tabs may refresh at once
// and an answer may be lost on the way; access tokens issued beside it may differ. If
// that one was replaced in turn, the old one is refused with ErrSessionNotNow, which
// ends nothing. After the grace the use of a replaced token ends the session with
// ErrTokenReused: either the client or a thief is behind, and nobody can tell which.
// If the clock was set since it was replaced, it is ErrSessionNotNow.
//
// The provider is asked whether the session is still good when its current token is
// exchanged, once for all who come with it at the same time, if its mechanism can be
// asked. If it says no, the session ends, with an error that wraps both
// ErrSessionInvalid and sdk.ErrDenied. If it cannot say, because it is down, the
// token is exchanged and the session ends when it would have ended without. If it
// was not asked, because too many wait for it, that is ErrBusy, and the token stays
// as it was.
//
// Errors: ErrSessionInvalid, ErrSessionNotNow, ErrUserInactive, ErrBusy.
func (s *Service) Refresh(ctx context.Context, token Token, mode Mode) (*SignedIn, error) {
	// A refresh token at the provider may be good only once, and so one question and
	// one exchange at a time.
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

// exchange is for those who wait with one token. While nobody waits any more, the
// token is not replaced: the client comes again with it.
//
// Of several hosts one asks the provider and replaces the token. The others wait for
// it, and then find what replaced the token.
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
		case errors.Is(err, ErrSpent) && !overtaken: // the next look shows by what
			overtaken, err = true, waiting.Err()
		case errors.Is(err, ErrSpent), errors.Is(err, ErrLeased):
			err = s.afterLease(waiting, session.ID, until.C)
		default:
			return done, err
		}
		if err != nil {
			return nil, err
		}
	}
}

// exchangeOnce returns ErrLeased or ErrSpent if another host is at it. First is the
// session as this exchange found it first, if it had to wait since.
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
	if s.standing(stored, now) != current {
		done, err = s.again(waiting, token, mode, stored, now)
		return done, session, err
	}
	l := s.leaseOf(session, token)
	said, err := s.said(waiting, stored, first, l)
	if err == nil {
		done, err = s.replace(waiting, token, mode, session, said, l)
	}
	if err != nil && !errors.Is(err, ErrSessionInvalid) { // else it went with the token, or the session
		l.letGo(waiting)
	}
	return done, session, err
}

// said is what the provider says, unless it was asked while this exchange waited, to
// prolong the session. Then it has said so already, and the session ends as that left it.
func (s *Service) said(waiting context.Context, stored SessionToken, first Session, l *lease) (verdict, error) {
	if first.ID == "" || stored.Session.AskedAt.Equal(first.AskedAt) {
		return s.ask(waiting, stored, l)
	}
	said := unchanged(stored, nil)
	said.notAfter = stored.Session.ExpiresAt
	return said, nil
}

// replace replaces the current token of a session, by what the provider said of it.
// ErrSpent if it is not the current one any more; ErrLeased if the lease was over, and
// another host asked again.
func (s *Service) replace(ctx context.Context, token Token, mode Mode, session Session, said verdict, l *lease) (*SignedIn, error) {
	now, next := s.config.Now(), NewToken() // the provider may have taken its time
	session = s.moved(session, said, now)
	if !now.Before(session.ExpiresAt) {
		return nil, errExpired
	}
	// Issued before the old token is spent: without the new one in hand, the
	// client would have none that is good.
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

// Refreshable returns nil if Refresh would look kindly at the token,
// ErrSessionInvalid if the token is good for nothing any more, and ErrSessionNotNow.
// It changes nothing.
func (s *Service) Refreshable(ctx context.Context, token Token, mode Mode) error {
	now := s.config.Now()
	stored, err := s.lookUp(ctx, token, mode.kind(), now)
	if err != nil {
		return err
	}
	if err := s.stillGood(stored, now); err != nil {
		return err
	}
	if s.standing(stored, now) == graced && len(stored.Successor) == 0 {
		return errOvertaken
	}
	return nil
}
