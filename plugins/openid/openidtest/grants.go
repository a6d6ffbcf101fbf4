package openidtest

import (
	"slices"
	"sync"
	"time"
)

// grant is what an end user allowed a client: a code and all tokens that are issued
// for it.
type grant struct {
	login   *login
	expires time.Time
	revoked bool
}

// ticket is a code, an access token or a refresh token.
type ticket struct {
	grant   *grant
	kind    ticketKind
	expires time.Time
	spent   bool

	thumbprint string // of the key to which it is bound; empty: not bound
}

type ticketKind int

const (
	codeTicket ticketKind = iota
	accessTicket
	refreshTicket
)

// grantStore contains the tickets. It keeps a spent one for a while to detect a second
// use.
type grantStore struct {
	mu      sync.Mutex
	tickets map[string]*ticket
	sweep   int // size at which expired tickets are dropped: a benchmark must not fill the memory
}

// add stores the code of a login.
func (s *grantStore) add(l *login) {
	g := &grant{login: l, expires: l.at.Add(GrantLifetime)}
	s.put(l.code, &ticket{grant: g, kind: codeTicket, expires: l.at.Add(CodeLifetime)}, l.at)
}

func (s *grantStore) put(value string, t *ticket, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tickets == nil {
		s.tickets = map[string]*ticket{}
	}
	if len(s.tickets) >= max(s.sweep, 1024) {
		for value, old := range s.tickets {
			if now.After(old.forget()) {
				delete(s.tickets, value)
			}
		}
		s.sweep = 2 * len(s.tickets)
	}
	s.tickets[value] = t
}

// forget is when the ticket is not needed any more, not even to detect a second use.
func (t *ticket) forget() time.Time {
	if t.kind == refreshTicket {
		return t.grant.expires
	}
	return t.expires.Add(CodeLifetime)
}

// spend uses up a code or a refresh token. A second use revokes the grant (RFC 6749
// section 4.1.2, RFC 9700 section 4.14). right reports whether the ticket belongs to
// the client; an attempt of another client changes nothing.
func (s *grantStore) spend(kind ticketKind, value string, now time.Time, right func(*login) error) (*grant, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.tickets[value]
	if !ok || t.kind != kind {
		return nil, badRequest("invalid_grant", "unknown")
	}
	if err := right(t.grant.login); err != nil {
		return nil, err
	}
	if t.spent {
		t.grant.revoked = true
		return nil, badRequest("invalid_grant", "used before; all its tokens are revoked now")
	}
	t.spent = true
	if t.grant.revoked || !now.Before(t.expires) {
		return nil, badRequest("invalid_grant", "expired or revoked")
	}
	return t.grant, nil
}

// restore makes a spent ticket valid again.
func (s *grantStore) restore(value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t, ok := s.tickets[value]; ok {
		t.spent = false
	}
}

// access returns the login of a valid access token, and the thumbprint of the key to which
// it is bound.
func (s *grantStore) access(value string, now time.Time) (l *login, thumbprint string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.tickets[value]
	if !ok || t.kind != accessTicket || t.grant.revoked || !now.Before(t.expires) {
		return nil, "", false
	}
	return t.grant.login, t.thumbprint, true
}

// revokeToken revokes the grant of a client's token.
func (s *grantStore) revokeToken(value, clientID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t, ok := s.tickets[value]; ok && t.grant.login.client.ID == clientID {
		t.grant.revoked = true
	}
}

// boundTo is the thumbprint of the key to which a refresh token of a public client is bound
// (RFC 9449 section 5).
func (s *grantStore) boundTo(value string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t, ok := s.tickets[value]; ok {
		return t.thumbprint
	}
	return ""
}

// sessions returns the sessions of the matching logins, each once, sorted.
func (s *grantStore) sessions(match func(*login) bool) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []string
	for _, t := range s.tickets {
		if match(t.grant.login) {
			found = append(found, t.grant.login.session)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// endSessions revokes the grants that match.
func (s *grantStore) endSessions(match func(*login) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.tickets {
		if match(t.grant.login) {
			t.grant.revoked = true
		}
	}
}
