package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/store"
)

// someLogin is one of ann, who changes.
func someLogin(token sso.TokenHash) (login sso.NewSession, updated sso.User) {
	updated = someUser("ann", "corp", "s-1")
	updated.Role, updated.LastAccess = "viewer", start.Add(time.Hour)
	session := someSession("s1", "")
	session.AtProvider = sso.AtProvider{Subject: "s-1", LogoutSubject: "s-1"}
	return sso.NewSession{
		Session: session, Token: token, Once: []sso.OnceID{once("attempt", "a"), once("provider:corp", "assertion")},
		Known: func(known *sso.User) error {
			known.Role, known.LastAccess = updated.Role, updated.LastAccess
			return nil
		},
	}, updated
}

func testLogin(t *testing.T, open func(t *testing.T) store.Store) {
	t.Run("a login is written as a whole", func(t *testing.T) {
		s, token := withUser(t, open), sso.NewToken().Hash()
		login, updated := someLogin(token)
		if err := s.CreateSession(t.Context(), login); err != nil {
			t.Fatal(err)
		}
		wantEqual(t, "the user of the session", mustToken(t, s, token).User, updated)
		wantError(t, "the attempt again", s.Spend(t.Context(), login.Once[0]), sso.ErrSpent)
		wantError(t, "the assertion again", s.Spend(t.Context(), login.Once[1]), sso.ErrSpent)
	})
	refused := errors.New("refused")
	for name, c := range map[string]struct {
		prepare func(t *testing.T, s store.Store, login *sso.NewSession)
		want    error
		spent   int // of the once-IDs, before, from the last on
	}{
		"whoever may not sign in": {func(_ *testing.T, _ store.Store, login *sso.NewSession) {
			login.Known = func(known *sso.User) error {
				known.Role = "admin"
				return refused
			}
		}, refused, 0},
		"nobody known": {func(_ *testing.T, _ store.Store, login *sso.NewSession) {
			login.Session.AtProvider.Subject = "S-1"
		}, sso.ErrNotFound, 0},
		"a link of another provider": {func(_ *testing.T, _ store.Store, login *sso.NewSession) {
			login.Session.Provider = "corporation"
		}, sso.ErrNotFound, 0},
		"H13 an assertion that was accepted": {func(t *testing.T, s store.Store, login *sso.NewSession) {
			mustSpend(t, s, login.Once[1])
		}, sso.ErrSpent, 1},
	} {
		t.Run("nothing is written for "+name, func(t *testing.T) {
			s, token := withUser(t, open), sso.NewToken().Hash()
			login, _ := someLogin(token)
			c.prepare(t, s, &login)
			wantError(t, "CreateSession", s.CreateSession(t.Context(), login), c.want)
			_, err := s.SessionToken(t.Context(), token)
			wantError(t, "the token", err, sso.ErrNotFound)
			found, err := userByLink(t, s, "corp", "s-1")
			if err != nil {
				t.Fatal(err)
			}
			wantEqual(t, "the user", found, someUser("ann", "corp", "s-1"))
			mustSpend(t, s, login.Once[:len(login.Once)-c.spent]...)
		})
	}
}
