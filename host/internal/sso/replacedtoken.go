package sso

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrTokenReused: a token was presented after the grace that follows its replacement. It
// wraps ErrSessionInvalid. Somebody else may have the token, so the session is ended.
var ErrTokenReused = fmt.Errorf("token was used before, session ended: %w", ErrSessionInvalid)

// tokenState is the state of a stored token.
type tokenState int

const (
	// current: the one token of its session that can be exchanged.
	current tokenState = iota
	// inGrace: replaced less than the grace ago.
	inGrace
	// undated: replaced, but the clock was set since, so nobody can tell when.
	undated
	// stale: replaced, and the client that still uses it is behind. It may be a thief, or
	// the owner because of a thief.
	stale
)

// clockSlack is how far a clock may be set back without consequences: clocks that NTP
// adjusts move by less.
const clockSlack = 2 * time.Second

func (s *Service) stateOf(token SessionToken, now time.Time) tokenState {
	grace, spentAt := s.config.RefreshGrace, token.SpentAt
	switch {
	case spentAt.IsZero():
		return current
	case grace <= 0: // whatever the clock shows
		return stale
	case now.Before(spentAt.Add(-min(clockSlack, grace))):
		// The clock was set back since. The grace counts from the replacement, so it
		// would last for as long as the clock is behind.
		return undated
	case now.Before(spentAt.Add(grace)):
		return inGrace
	case s.config.SetWithin(grace):
		return undated
	default:
		return stale
	}
}

// Both are for a replaced token whose session continues. The client may have a newer
// token in the same cookie, so this one is refused and nothing is removed.
var (
	errUndated           = fmt.Errorf("%w: its token was replaced, and the clock was set since", ErrSessionNotNow)
	errSuccessorReplaced = fmt.Errorf("%w: its token was replaced, and so was the successor", ErrSessionNotNow)
)

// checkUsable returns nil for a token that is current or was only just replaced.
func (s *Service) checkUsable(token SessionToken, now time.Time) error {
	switch s.stateOf(token, now) {
	case current, inGrace:
		return nil
	case undated:
		return errUndated
	default:
		return ErrSessionInvalid
	}
}

// answerReplaced answers a client with a replaced token. Within the grace, the client
// gets the same successor, so that there is never more than one current token. The
// provider is not asked, because it was asked when the token was replaced.
func (s *Service) answerReplaced(ctx context.Context, token Token, mode Mode, stored SessionToken, now time.Time) (*SignedIn, error) {
	switch s.stateOf(stored, now) {
	case undated:
		return nil, errUndated
	case stale:
		return nil, s.endReused(ctx, stored.Session)
	}
	next, err := openSuccessor(token, stored.Successor)
	if errors.Is(err, errNoSuccessor) {
		return nil, errSuccessorReplaced
	}
	if err != nil {
		return nil, err
	}
	return s.signedIn(ctx, stored.User, stored.Session, mode, next, now)
}

// endReused ends a session whose replaced token was presented again.
func (s *Service) endReused(ctx context.Context, session Session) error {
	reused := fmt.Errorf("session %s of user %s, provider %s: %w", session.ID, session.UserID, session.Provider, ErrTokenReused)
	return errors.Join(reused, s.end(ctx, session.ID, s.ending(ctx, ActorHost, ReasonTokenReused)))
}
