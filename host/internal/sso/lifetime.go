package sso

import "time"

// A session has two ends. The idle one, ExpiresAt, moves with each refresh; NotAfter
// never moves back: it is the absolute lifetime from the login on, or what the
// provider allowed, whichever is less.

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

// bound returns the earlier time, where zero means no bound.
func bound(t, notAfter time.Time) time.Time {
	if !notAfter.IsZero() && notAfter.Before(t) {
		return notAfter
	}
	return t
}

// lastMoment is the NotAfter of a session that is begun or refreshed now. One from
// before there were absolute lifetimes gets a whole one; one that has more left than
// the operator allows by now gets that. A clock that shows a time before the session
// began is wrong, and changes nothing.
func (s *Service) lastMoment(session Session, now time.Time) time.Time {
	if now.Before(session.CreatedAt) {
		return session.NotAfter
	}
	return bound(now.Add(s.absoluteTTL(session.Kind)), session.NotAfter)
}

// prolonged is when a session ends that is refreshed now, and then no more. A clock
// that shows a time before the session began is wrong; by that one, sessions do not
// end sooner.
func (s *Service) prolonged(session Session, now time.Time) time.Time {
	end := now.Add(s.ttl(session.Kind))
	if now.Before(session.CreatedAt) && session.ExpiresAt.After(end) {
		return session.ExpiresAt
	}
	return end
}

// moved is a session as it goes on now, by what its provider says.
func (s *Service) moved(session Session, said verdict, now time.Time) Session {
	session.NotAfter, session.Groups = s.lastMoment(session, now), said.groups
	if said.unasked == nil {
		session.ExpiresAt = bound(s.prolonged(session, now), said.notAfter)
	}
	session.ExpiresAt = bound(session.ExpiresAt, session.NotAfter)
	return session
}

// leftAtMost is for how long a client may need the tokens of a session. A cookie
// lasts that long: when a session ends without a refresh, the store alone knows.
func (s *Service) leftAtMost(session Session, now time.Time) time.Duration {
	most := s.absoluteTTL(session.Kind)
	if session.NotAfter.IsZero() {
		return most
	}
	return min(session.NotAfter.Sub(now), most)
}
