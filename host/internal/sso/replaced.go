package sso

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrTokenReused: a token was presented again when the grace after its replacement
// was over. It wraps ErrSessionInvalid. Somebody else may hold it, so the session is
// ended.
var ErrTokenReused = fmt.Errorf("token was used before, session ended: %w", ErrSessionInvalid)

// standing says what a stored token is good for.
type standing int

const (
	// current: the one token of its session that can be exchanged.
	current standing = iota
	// graced: replaced, and less than the grace ago.
	graced
	// undated: replaced, and the clock was set since, so that nobody can tell when.
	undated
	// stale: replaced, and whoever still uses it is behind. That may be a thief, or
	// the owner because of a thief.
	stale
)

// clockSlack is how far a clock may be set back without anybody noticing: those
// that are kept by NTP move by less.
const clockSlack = 2 * time.Second

func (s *Service) standing(token SessionToken, now time.Time) standing {
	grace, spentAt := s.config.RefreshGrace, token.SpentAt
	switch {
	case spentAt.IsZero():
		return current
	case grace <= 0: // whatever the clock shows
		return stale
	case now.Before(spentAt.Add(-min(clockSlack, grace))):
		// The clock was set back since. The grace counts from then, so it would last
		// for as long as the clock is behind.
		return undated
	case now.Before(spentAt.Add(grace)):
		return graced
	case s.config.SetWithin(grace):
		return undated
	default:
		return stale
	}
}

// Both are for a token that was replaced, while its session goes on. The client may
// hold a newer token under the same name, so that this one is refused and nothing is
// removed because of it.
var (
	errUndated   = fmt.Errorf("%w: its token was replaced, and the clock was set since", ErrSessionNotNow)
	errOvertaken = fmt.Errorf("%w: its token was replaced, and so was the one that replaced it", ErrSessionNotNow)
)

// stillGood returns nil for a token that is current or was only just replaced.
func (s *Service) stillGood(token SessionToken, now time.Time) error {
	switch s.standing(token, now) {
	case current, graced:
		return nil
	case undated:
		return errUndated
	default:
		return ErrSessionInvalid
	}
}

// again answers whoever comes with a token that was replaced: within the grace with
// the token that replaced it, so that there is never more than one that is current.
// The provider is not asked, as it was when the token was replaced.
func (s *Service) again(ctx context.Context, token Token, mode Mode, stored SessionToken, now time.Time) (*SignedIn, error) {
	switch s.standing(stored, now) {
	case undated:
		return nil, errUndated
	case stale:
		return nil, s.reused(ctx, stored.Session)
	}
	next, err := openSuccessor(token, stored.Successor)
	if errors.Is(err, errNoSuccessor) {
		return nil, errOvertaken
	}
	if err != nil {
		return nil, err
	}
	return s.signedIn(ctx, stored.User, stored.Session, mode, next, now)
}

// reused ends a session whose replaced token was presented again.
func (s *Service) reused(ctx context.Context, session Session) error {
	reused := fmt.Errorf("session %s of user %s, provider %s: %w", session.ID, session.UserID, session.Provider, ErrTokenReused)
	return errors.Join(reused, s.end(ctx, session.ID, s.ending(ctx, ActorHost, ReasonTokenReused)))
}
