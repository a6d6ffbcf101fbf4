package sso

import "errors"

// Ended opens an attempt that cannot go on, because it has expired or is over, for
// telling the end user where it began and where it led: Provider, Mode, Redirect,
// RedirectAsked and, once it was completed, Session. Of an attempt that is over,
// Redirect is empty if it was a long one. ok is false if it can go on, or is none of
// ours.
func (s *Service) Ended(provider, state, sealed string) (attempt Attempt, ok bool) {
	attempt, err := s.sealer.open(sealed, provider, state, s.config.Now())
	if !errors.Is(err, ErrAttemptExpired) && !errors.Is(err, ErrAttemptOver) {
		return Attempt{}, false
	}
	return attempt.ended(attempt.Session), true
}

// maxOverRedirect is the longest redirect that an attempt which is over still holds.
// The answer that ends a login has it in its Location as well, and proxies take 4 KB
// for the head of an answer (nginx, by default).
const maxOverRedirect = 512

// over seals what is left of an attempt.
func (s *Service) over(attempt Attempt, done *SignedIn) string {
	session := ""
	if done != nil {
		session = done.Session.ID
	}
	left := attempt.ended(session)
	if len(left.Redirect) > maxOverRedirect {
		left.Redirect, left.RedirectAsked = "", false
	}
	sealed, err := s.sealer.seal(left)
	if err != nil {
		return "" // a redirect that leaves no room: the browser is told less
	}
	return sealed
}
