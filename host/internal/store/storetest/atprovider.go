package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/store"
)

func testAtProvider(t *testing.T, open func(t *testing.T) store.Store) {
	t.Run("what a session is called at its provider", func(t *testing.T) { testAtProviderRoundTrip(t, open) })
	t.Run("H32 F26 exactly the selected sessions end", func(t *testing.T) { testSelections(t, open) })
	t.Run("H32 a logout message that was spent ends nothing", func(t *testing.T) { testSpentLogout(t, open) })
}

func atProvider(subject, sessionID string) sso.AtProvider {
	return sso.AtProvider{Subject: "s-1", LogoutSubject: subject, SessionID: sessionID, SealedGrant: []byte("sealed \x00 grant")}
}

func testAtProviderRoundTrip(t *testing.T, open func(t *testing.T) store.Store) {
	s := withUser(t, open)
	for id, at := range map[string]sso.AtProvider{"s1": atProvider("n\x001", "i\x001"), "s2": {Subject: "only"}} {
		session := someSession(id, "ann")
		session.AtProvider = at
		mustCreateSession(t, s, session, sso.NewToken().Hash())
		got, err := s.AtProvider(t.Context(), id)
		wantError(t, "AtProvider", err, nil)
		wantEqual(t, "at the provider", got, at)
	}
	_, err := s.AtProvider(t.Context(), "s3")
	wantError(t, "an unknown session", err, sso.ErrNotFound)
}

// withSessions returns a store in which ann has signed in four times at two providers.
func withSessions(t *testing.T, open func(t *testing.T) store.Store) (store.Store, map[string]sso.TokenHash) {
	t.Helper()
	s, tokens := withUser(t, open), map[string]sso.TokenHash{}
	for id, c := range map[string]struct {
		provider string
		at       sso.AtProvider
	}{
		"corp n1 i1": {"corp", atProvider("n1", "i1")},
		"corp n1 i2": {"corp", atProvider("n1", "i2")},
		"corp n2 i1": {"corp", atProvider("n2", "i1")},
		"corp n1 -":  {"corp", atProvider("n1", "")},
		"else n1 i1": {"else", atProvider("n1", "i1")},
	} {
		session := someSession(id, "ann")
		session.Provider, session.AtProvider = c.provider, c.at
		tokens[id] = sso.NewToken().Hash()
		mustCreateSession(t, s, session, tokens[id])
	}
	return s, tokens
}

func testSelections(t *testing.T, open func(t *testing.T) store.Store) {
	for name, c := range map[string]struct {
		selection sso.Selection
		want      []string
	}{
		"by subject":           {sso.Selection{Provider: "corp", Subject: "n1"}, []string{"corp n1 -", "corp n1 i1", "corp n1 i2"}},
		"by session ID":        {sso.Selection{Provider: "corp", SessionIDs: []string{"i1"}}, []string{"corp n1 i1", "corp n2 i1"}},
		"by two session IDs":   {sso.Selection{Provider: "corp", SessionIDs: []string{"i1", "i2"}}, []string{"corp n1 i1", "corp n1 i2", "corp n2 i1"}},
		"by both":              {sso.Selection{Provider: "corp", Subject: "n1", SessionIDs: []string{"i1", "i3"}}, []string{"corp n1 i1"}},
		"the same ID twice":    {sso.Selection{Provider: "corp", Subject: "n2", SessionIDs: []string{"i1", "i1"}}, []string{"corp n2 i1"}},
		"in another case":      {sso.Selection{Provider: "corp", Subject: "N1"}, nil},
		"by an empty ID":       {sso.Selection{Provider: "corp", Subject: "n1", SessionIDs: []string{""}}, nil},
		"by nothing":           {sso.Selection{Provider: "corp"}, nil},
		"of another provider":  {sso.Selection{Provider: "else", Subject: "n1"}, []string{"else n1 i1"}},
		"of no provider":       {sso.Selection{Subject: "n1", SessionIDs: []string{"i1"}}, nil},
		"by an unknown person": {sso.Selection{Provider: "corp", Subject: "n9", SessionIDs: []string{"i1"}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s, tokens := withSessions(t, open)
			ended, err := s.EndProviderSessions(t.Context(), c.selection, sso.Event{})
			wantError(t, "EndProviderSessions", err, nil)
			var got []string
			for _, session := range ended {
				wantEqual(t, "user of an ended session", session.UserID, "ann")
				got = append(got, session.ID)
			}
			slices.Sort(got)
			wantEqual(t, "ended", got, c.want)
			for id, token := range tokens {
				want := error(nil)
				if slices.Contains(c.want, id) {
					want = sso.ErrNotFound
				}
				_, err := s.SessionToken(t.Context(), token)
				wantError(t, "session "+id, err, want)
			}
		})
	}
}

func testSpentLogout(t *testing.T, open func(t *testing.T) store.Store) {
	s, tokens := withSessions(t, open)
	once := sso.OnceID{Scope: "provider:corp", ID: "request-1", Until: start.Add(time.Hour)}
	_, err := s.EndProviderSessions(t.Context(), sso.Selection{Provider: "corp", Subject: "n2"}, sso.Event{}, once)
	wantError(t, "the first time", err, nil)
	_, err = s.EndProviderSessions(t.Context(), sso.Selection{Provider: "corp", Subject: "n1"}, sso.Event{}, once)
	wantError(t, "the second time", err, sso.ErrSpent)
	mustToken(t, s, tokens["corp n1 i1"])
}
