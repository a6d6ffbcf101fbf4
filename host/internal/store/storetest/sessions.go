package storetest

import (
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/store"
)

func testSessions(t *testing.T, open func(t *testing.T) store.Store) {
	t.Run("a token leads to its session and user", func(t *testing.T) { testRoundTrip(t, open) })
	t.Run("an unknown token is not found", func(t *testing.T) {
		_, err := open(t).SessionToken(t.Context(), sso.NewToken().Hash())
		wantError(t, "SessionToken", err, sso.ErrNotFound)
	})
	t.Run("a session of an unknown user is refused", func(t *testing.T) {
		s, token := open(t), sso.NewToken().Hash()
		wantError(t, "CreateSession", s.CreateSession(t.Context(), sso.NewSession{Session: someSession("s1", "eve"), Token: token, RemoveBefore: start}), sso.ErrNotFound)
		_, err := s.SessionToken(t.Context(), token)
		wantError(t, "its token", err, sso.ErrNotFound)
	})
	t.Run("a token belongs to one session", func(t *testing.T) {
		s, token := withUser(t, open), sso.NewToken().Hash()
		mustCreateSession(t, s, someSession("s1", "ann"), token)
		if err := s.CreateSession(t.Context(), sso.NewSession{Session: someSession("s2", "ann"), Token: token, RemoveBefore: start}); err == nil {
			t.Error("CreateSession with the token of another session: no error")
		}
		_, _, err := s.SessionUser(t.Context(), "s2", start)
		wantError(t, "the refused session", err, sso.ErrNotFound)
	})
	t.Run("two sessions of the same ID are an error", func(t *testing.T) {
		s, second := withUser(t, open), sso.NewToken().Hash()
		mustCreateSession(t, s, someSession("s1", "ann"), sso.NewToken().Hash())
		if err := s.CreateSession(t.Context(), sso.NewSession{Session: someSession("s1", "ann"), Token: second, RemoveBefore: start}); err == nil {
			t.Error("CreateSession with an ID that is taken: no error")
		}
		_, err := s.SessionToken(t.Context(), second)
		wantError(t, "the token of the refused session", err, sso.ErrNotFound)
	})
	t.Run("a change of the user shows at once", func(t *testing.T) { testUserChange(t, open) })
	t.Run("A04 an ended session is gone with all its tokens", func(t *testing.T) { testEndSession(t, open) })
	t.Run("sessions are ended by what they match", func(t *testing.T) { testEndSessions(t, open) })
	t.Run("the user of a session", func(t *testing.T) { testSessionUser(t, open) })
}

func testRoundTrip(t *testing.T, open func(t *testing.T) store.Store) {
	s := withUser(t, open)
	bounded, unbounded := someSession("s1", "ann"), someSession("s2", "ann")
	unbounded.NotAfter, unbounded.Kind, unbounded.IP, unbounded.UserAgent, unbounded.Groups = time.Time{}, sso.KindRefresh, "", "", ""
	for _, session := range []sso.Session{bounded, unbounded} {
		token := sso.NewToken().Hash()
		mustCreateSession(t, s, session, token)
		got := mustToken(t, s, token)
		wantEqual(t, "stored", got, sso.SessionToken{
			Session: session, User: someUser("ann", "corp", "s-1"), ExpiresAt: session.ExpiresAt,
		})
		wantUTC(t, got.ExpiresAt, got.Session.CreatedAt, got.Session.ExpiresAt)
	}
}

func testUserChange(t *testing.T, open func(t *testing.T) store.Store) {
	s, token := withUser(t, open), sso.NewToken().Hash()
	mustCreateSession(t, s, someSession("s1", "ann"), token)
	changed := someUser("ann", "corp", "s-1")
	changed.Role = "viewer"
	mustChange(t, s, "ann", func(u *sso.User) { u.Role = changed.Role })
	wantEqual(t, "user of the session", mustToken(t, s, token).User, changed)
}

func testEndSession(t *testing.T, open func(t *testing.T) store.Store) {
	s := withUser(t, open)
	first, second, other := sso.NewToken().Hash(), sso.NewToken().Hash(), sso.NewToken().Hash()
	mustCreateSession(t, s, someSession("s1", "ann"), first)
	mustCreateSession(t, s, someSession("s2", "ann"), other)
	mustRotate(t, s, sso.Rotation{SessionID: "s1", Old: first, New: second, Now: start, ExpiresAt: start.Add(time.Hour)})
	for range 2 { // the second time there is nothing to end
		if err := s.EndSession(t.Context(), "s1", sso.Event{}); err != nil {
			t.Fatal(err)
		}
	}
	for _, token := range []sso.TokenHash{first, second} {
		_, err := s.SessionToken(t.Context(), token)
		wantError(t, "a token of the ended session", err, sso.ErrNotFound)
	}
	_, _, err := s.SessionUser(t.Context(), "s1", start)
	wantError(t, "the ended session", err, sso.ErrNotFound)
	err = s.RotateToken(t.Context(), sso.Rotation{SessionID: "s1", Old: second, New: sso.NewToken().Hash(), Now: start, ExpiresAt: start.Add(time.Hour)})
	wantError(t, "rotating a token of the ended session", err, sso.ErrNotFound)
	mustToken(t, s, other)
}

func testEndSessions(t *testing.T, open func(t *testing.T) store.Store) {
	for name, c := range map[string]struct {
		match sso.SessionMatch
		limit int
		want  int
	}{
		"all":                       {sso.SessionMatch{}, 10, 4},
		"no more than the limit":    {sso.SessionMatch{}, 3, 3},
		"of a provider":             {sso.SessionMatch{Provider: "corp"}, 10, 3},
		"of a user":                 {sso.SessionMatch{User: "bob"}, 10, 1},
		"of an address":             {sso.SessionMatch{User: "ANN@example.org"}, 10, 4},
		"of a user at a provider":   {sso.SessionMatch{Provider: "corp", User: "ann"}, 10, 2},
		"of a part of a name":       {sso.SessionMatch{Provider: "cor"}, 10, 0},
		"of a name with a wildcard": {sso.SessionMatch{User: "%"}, 10, 0},
	} {
		s, tokens := withUser(t, open), []sso.TokenHash{}
		mustCreateUser(t, s, someUser("bob", "corp", "s-2"))
		for id, of := range map[string][2]string{"s1": {"ann", "corp"}, "s2": {"ann", "corp"}, "s3": {"ann", "else"}, "s4": {"bob", "corp"}} {
			session := someSession(id, of[0])
			session.Provider = of[1]
			tokens = append(tokens, sso.NewToken().Hash())
			mustCreateSession(t, s, session, tokens[len(tokens)-1])
		}
		ended, err := s.EndSessions(t.Context(), c.match, c.limit, sso.Event{})
		wantError(t, name, err, nil)
		left := 0
		for _, token := range tokens {
			if _, err := s.SessionToken(t.Context(), token); err == nil {
				left++
			}
		}
		if ended != c.want || left != len(tokens)-c.want {
			t.Errorf("%s: told of %d that ended, %d are left; want %d", name, ended, left, c.want)
		}
	}
}

func testSessionUser(t *testing.T, open func(t *testing.T) store.Store) {
	s, session := withUser(t, open), someSession("s1", "ann")
	mustCreateSession(t, s, session, sso.NewToken().Hash())
	for name, c := range map[string]struct {
		id   string
		now  time.Time
		want error
	}{
		"before the expiry":  {"s1", session.ExpiresAt.Add(-time.Millisecond), nil},
		"at the expiry":      {"s1", session.ExpiresAt, sso.ErrNotFound},
		"after the expiry":   {"s1", session.ExpiresAt.Add(time.Hour), sso.ErrNotFound},
		"an unknown session": {"s2", start, sso.ErrNotFound},
		"in another case":    {"S1", start, sso.ErrNotFound},
	} {
		gotSession, got, err := s.SessionUser(t.Context(), c.id, c.now)
		wantError(t, name, err, c.want)
		if c.want == nil {
			wantEqual(t, name, got, someUser("ann", "corp", "s-1"))
			wantEqual(t, name+", the session", gotSession, session)
		}
	}
}

func testExpiry(t *testing.T, open func(t *testing.T) store.Store) {
	t.Run("expired tokens are still told", func(t *testing.T) {
		s, token, past := withUser(t, open), sso.NewToken().Hash(), someSession("s1", "ann")
		past.ExpiresAt = start
		mustCreateSession(t, s, past, token)
		wantEqual(t, "expiry", mustToken(t, s, token).ExpiresAt, start)
	})
	t.Run("a new session removes what expired before", func(t *testing.T) { testRemoval(t, open) })
}

func testRemoval(t *testing.T, open func(t *testing.T) store.Store) {
	s := withUser(t, open)
	now := start.Add(time.Hour)
	past, edge, future := now.Add(-time.Millisecond), now, now.Add(time.Millisecond)
	tokens := map[time.Time]sso.TokenHash{}
	for _, at := range []time.Time{past, edge, future} {
		session := someSession("until "+at.String(), "ann")
		session.ExpiresAt, tokens[at] = at, sso.NewToken().Hash()
		mustCreateSession(t, s, session, tokens[at])
		mustSpend(t, s, sso.OnceID{Scope: "attempt", ID: at.String(), Until: at})
	}
	mustCreateSession(t, s, someSession("s8", "ann"), sso.NewToken().Hash())
	mustRotate(t, s, sso.Rotation{SessionID: "until " + future.String(), Old: tokens[future], New: sso.NewToken().Hash(), Now: now.AddDate(9, 0, 0), ExpiresAt: future})
	mustToken(t, s, tokens[past]) // nothing said that it may go
	later := someSession("s9", "ann")
	later.ExpiresAt = now.Add(time.Hour)
	if err := s.CreateSession(t.Context(), sso.NewSession{Session: later, Token: sso.NewToken().Hash(), RemoveBefore: now}); err != nil {
		t.Fatal(err)
	}
	_, err := s.SessionToken(t.Context(), tokens[past])
	wantError(t, "an expired token", err, sso.ErrNotFound)
	mustSpend(t, s, sso.OnceID{Scope: "attempt", ID: past.String(), Until: past})
	for _, at := range []time.Time{edge, future} {
		mustToken(t, s, tokens[at])
		err := s.Spend(t.Context(), sso.OnceID{Scope: "attempt", ID: at.String(), Until: at})
		wantError(t, "a once-ID that has not expired", err, sso.ErrSpent)
	}
}
