package sso

import "time"

// A session has two ends. The idle one, ExpiresAt, moves with each refresh. NotAfter
// never moves back: it is the absolute lifetime from the login on, or what the provider
// allowed, whichever is earlier.

func (s *Service) ttl(kind SessionKind) time.Duration {
	if kind == KindSession {
		return s.config.SessionTTL
	}
	return s.config.RefreshTokenTTL
}

func (s *Service) absoluteTTL(kind SessionKind) time.Duration {
	if kind == KindSession {
		return s.config.SessionAbsoluteTTL
	}
	return s.config.RefreshTokenAbsoluteTTL
}

// earlier returns the earlier time; a zero notAfter means no limit.
func earlier(t, notAfter time.Time) time.Time {
	if !notAfter.IsZero() && notAfter.Before(t) {
		return notAfter
	}
	return t
}

// absoluteEnd returns the NotAfter of a session that begins or is refreshed now. A
// session without one, from before there were absolute lifetimes, gets a whole lifetime;
// one that has more left than the operator allows now is shortened to that. A clock that
// shows a time before the session began is wrong, and changes nothing.
func (s *Service) absoluteEnd(session Session, now time.Time) time.Time {
	if now.Before(session.CreatedAt) {
		return session.NotAfter
	}
	return earlier(now.Add(s.absoluteTTL(session.Kind)), session.NotAfter)
}

// idleEnd returns when a session ends that is refreshed now, and never again. A clock
// that shows a time before the session began is wrong, and does not shorten sessions.
func (s *Service) idleEnd(session Session, now time.Time) time.Time {
	end := now.Add(s.ttl(session.Kind))
	if now.Before(session.CreatedAt) && session.ExpiresAt.After(end) {
		return session.ExpiresAt
	}
	return end
}

// withEnds returns a session with the ends that follow from the provider's verdict.
func (s *Service) withEnds(session Session, said verdict, now time.Time) Session {
	session.NotAfter, session.Groups = s.absoluteEnd(session, now), said.groups
	if said.unasked == nil {
		session.ExpiresAt = earlier(s.idleEnd(session, now), said.notAfter)
	}
	session.ExpiresAt = earlier(session.ExpiresAt, session.NotAfter)
	return session
}

// maxTokenTTL is how long a client may need the tokens of a session. A cookie lasts that
// long: only the store knows when a session ends without a refresh.
func (s *Service) maxTokenTTL(session Session, now time.Time) time.Duration {
	most := s.absoluteTTL(session.Kind)
	if session.NotAfter.IsZero() {
		return most
	}
	return min(session.NotAfter.Sub(now), most)
}
