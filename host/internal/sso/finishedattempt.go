package sso

import "errors"

// Ended opens an attempt that cannot continue, because it has expired or is finished, to
// show the user where it began and where it led: Provider, Mode, Redirect, RedirectAsked
// and, once completed, Session. A finished attempt has no Redirect if that was a long
// one. ok is false if the attempt can continue, or is not one of this host.
func (s *Service) Ended(provider, state, sealed string) (attempt Attempt, ok bool) {
	attempt, err := s.sealer.open(sealed, provider, state, s.config.Now())
	if !errors.Is(err, ErrAttemptExpired) && !errors.Is(err, ErrAttemptOver) {
		return Attempt{}, false
	}
	return attempt.ended(attempt.Session), true
}

// maxFinishedRedirect is the longest redirect that a finished attempt still contains. The
// response that ends a login has it in its Location as well, and proxies accept 4 KB for
// the head of a response (nginx, by default).
const maxFinishedRedirect = 512

// sealFinished seals what is kept of a finished attempt.
func (s *Service) sealFinished(attempt Attempt, done *SignedIn) string {
	session := ""
	if done != nil {
		session = done.Session.ID
	}
	left := attempt.ended(session)
	if len(left.Redirect) > maxFinishedRedirect {
		left.Redirect, left.RedirectAsked = "", false
	}
	sealed, err := s.sealer.seal(left)
	if err != nil {
		return "" // the redirect leaves no room, so the browser keeps less
	}
	return sealed
}
