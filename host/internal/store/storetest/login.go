package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/store"
)

// someLogin is a login of ann that changes her record.
func someLogin(token sso.TokenHash) (login sso.NewSession, updated sso.User) {
	updated = someUser("ann", "corp", "s-1")
	updated.Role, updated.LastAccess = "viewer", start.Add(time.Hour)
	session := someSession("s1", "")
	session.AtProvider = sso.AtProvider{Subject: "s-1", LogoutSubject: "s-1"}
	return sso.NewSession{
		Session: session, Token: token, Once: []sso.OnceID{once("attempt", "a"), once("provider:corp", "assertion")},
		Decide: func(known *sso.User) (sso.User, error) {
			if known == nil {
				return sso.User{}, errors.New("ann is not known")
			}
			user := *known
			user.Role, user.LastAccess = updated.Role, updated.LastAccess
			return user, nil
		},
	}, updated
}

// firstLogin is the first login of an unknown user.
func firstLogin(id, session string, token sso.TokenHash) (login sso.NewSession, made sso.User) {
	login, _ = someLogin(token)
	made = someUser(id, "corp", "s-2")
	login.Session.ID, login.Session.AtProvider.Subject, login.Once = session, "s-2", nil
	login.Decide = func(known *sso.User) (sso.User, error) {
		if known != nil {
			return *known, nil
		}
		return made, nil
	}
	return login, made
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
	t.Run("nobody becomes somebody else", func(t *testing.T) {
		s, token := withUser(t, open), sso.NewToken().Hash()
		mustCreateUser(t, s, someUser("bob", "corp", "s-2"))
		login, _ := someLogin(token)
		login.Decide = func(*sso.User) (sso.User, error) { return someUser("bob", "corp", "s-2"), nil }
		if err := s.CreateSession(t.Context(), login); err != nil {
			t.Fatal(err)
		}
		if got := mustToken(t, s, token).User.ID; got != "ann" {
			t.Errorf("the session of subject s-1 is that of %s", got)
		}
	})
	t.Run("nothing is written", func(t *testing.T) { testLoginOfNobody(t, open) })
	t.Run("first", func(t *testing.T) { testFirstLogin(t, open) })
	t.Run("A02 sessions that it replaces", func(t *testing.T) { testReplaces(t, open) })
}

var errRefused = errors.New("refused")

func refuse(known *sso.User) (sso.User, error) {
	if known == nil {
		return sso.User{}, errRefused
	}
	known.Role = "admin"
	return *known, errRefused
}

func testLoginOfNobody(t *testing.T, open func(t *testing.T) store.Store) {
	for name, c := range map[string]struct {
		prepare func(t *testing.T, s store.Store, login *sso.NewSession)
		want    error // nil: some error
		spent   []int // which of the once-IDs
	}{
		"for whoever may not sign in": {func(_ *testing.T, _ store.Store, login *sso.NewSession) {
			login.Decide = refuse
		}, errRefused, []int{0, 1}},
		"for nobody known": {func(_ *testing.T, _ store.Store, login *sso.NewSession) {
			login.Decide, login.Session.AtProvider.Subject = refuse, "S-1"
		}, errRefused, []int{0, 1}},
		"for a link of another provider": {func(_ *testing.T, _ store.Store, login *sso.NewSession) {
			login.Session.Provider = "corporation"
		}, nil, []int{0, 1}},
		"H13 for an assertion that was accepted": {func(t *testing.T, s store.Store, login *sso.NewSession) {
			mustSpend(t, s, login.Once[1])
		}, sso.ErrSpent, []int{1}},
		"for a session that is there": {func(t *testing.T, s store.Store, login *sso.NewSession) {
			mustCreateSession(t, s, someSession(login.Session.ID, "ann"), sso.NewToken().Hash())
		}, nil, nil},
		"for a new user whose ID is taken": {func(_ *testing.T, _ store.Store, login *sso.NewSession) {
			login.Session.AtProvider.Subject = "s-2"
			login.Decide = func(*sso.User) (sso.User, error) { return someUser("ann", "corp", "s-2"), nil }
		}, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s, token := withUser(t, open), sso.NewToken().Hash()
			mustCreateSession(t, s, someSession("kept", "ann"), sso.NewToken().Hash())
			login, _ := someLogin(token)
			login.Replaces = []string{"kept"}
			c.prepare(t, s, &login)
			if err := s.CreateSession(t.Context(), login); err == nil || c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("CreateSession: error %v, want %v", err, c.want)
			}
			_, err := s.SessionToken(t.Context(), token)
			wantError(t, "the token", err, sso.ErrNotFound)
			found, err := userByLink(t, s, "corp", "s-1")
			wantError(t, "the user", err, nil)
			wantEqual(t, "the user", found, someUser("ann", "corp", "s-1"))
			_, err = userByLink(t, s, "corp", "s-2")
			wantError(t, "a new user", err, sso.ErrNotFound)
			_, _, err = s.SessionUser(t.Context(), "kept", start)
			wantError(t, "the session that it would have replaced", err, nil)
			wantSpent(t, s, login.Once, c.spent)
		})
	}
}

// wantSpent tries to spend each ID, to see which ones were spent.
func wantSpent(t *testing.T, s store.Store, ids []sso.OnceID, spent []int) {
	t.Helper()
	var got []int
	for i, id := range ids {
		if err := s.Spend(t.Context(), id); errors.Is(err, sso.ErrSpent) {
			got = append(got, i)
		}
	}
	wantEqual(t, "the once-IDs that are spent", got, spent)
}

func testFirstLogin(t *testing.T, open func(t *testing.T) store.Store) {
	t.Run("it makes the user", func(t *testing.T) {
		s, token := withUser(t, open), sso.NewToken().Hash()
		login, made := firstLogin("bob", "s1", token)
		if err := s.CreateSession(t.Context(), login); err != nil {
			t.Fatal(err)
		}
		wantEqual(t, "the user of the session", mustToken(t, s, token).User, made)
		found, err := userByLink(t, s, "corp", "s-2")
		wantError(t, "the user of the link", err, nil)
		wantEqual(t, "the user of the link", found, made)
	})
	t.Run("the link is that of the session", func(t *testing.T) {
		s, token := withUser(t, open), sso.NewToken().Hash()
		login, made := firstLogin("bob", "s1", token)
		made.Subject = "s-1" // ann's
		login.Decide = func(*sso.User) (sso.User, error) { return made, nil }
		if err := s.CreateSession(t.Context(), login); err != nil {
			t.Fatal(err)
		}
		wantEqual(t, "the subject", mustToken(t, s, token).User.Subject, "s-2")
	})
	t.Run("many at once make one user", func(t *testing.T) {
		const logins = 10
		s := withUser(t, open)
		tokens := make([]sso.TokenHash, logins)
		got := atOnce(logins, func(i int) error {
			tokens[i] = sso.NewToken().Hash()
			login, _ := firstLogin(fmt.Sprint("user-", i), fmt.Sprint("s", i), tokens[i])
			return s.CreateSession(t.Context(), login)
		})
		wantEqual(t, "outcomes", got, map[string]int{"ok": logins})
		found, err := userByLink(t, s, "corp", "s-2")
		wantError(t, "the user", err, nil)
		for _, token := range tokens {
			wantEqual(t, "the user of a session", mustToken(t, s, token).User, found)
		}
		n, err := s.CountUsers(t.Context(), "corp")
		if n != 2 || err != nil {
			t.Errorf("%d users, %v, want ann and one other", n, err)
		}
	})
	t.Run("A11 many with one attempt sign in one", func(t *testing.T) {
		const logins = 10
		s := withUser(t, open)
		got := atOnce(logins, func(i int) error {
			login, _ := firstLogin(fmt.Sprint("user-", i), fmt.Sprint("s", i), sso.NewToken().Hash())
			login.Once = []sso.OnceID{once("attempt", "a")}
			return s.CreateSession(t.Context(), login)
		}, sso.ErrSpent)
		if diff := cmp.Diff(map[string]int{"ok": 1, sso.ErrSpent.Error(): logins - 1}, got); diff != "" {
			t.Errorf("outcomes (-want +got):\n%s", diff)
		}
	})
}

func testReplaces(t *testing.T, open func(t *testing.T) store.Store) {
	s := withUser(t, open)
	mustCreateUser(t, s, someUser("bob", "corp", "s-2"))
	old, others, kept := sso.NewToken().Hash(), sso.NewToken().Hash(), sso.NewToken().Hash()
	mustCreateSession(t, s, someSession("old", "ann"), old)
	mustCreateSession(t, s, someSession("others", "bob"), others)
	mustCreateSession(t, s, someSession("kept", "ann"), kept)
	for _, token := range []sso.TokenHash{old, others, kept} {
		mustToken(t, s, token) // so that caches have it
	}
	token := sso.NewToken().Hash()
	login, _ := someLogin(token)
	login.Replaces = []string{"old", "others", "old", "gone"}
	if err := s.CreateSession(t.Context(), login); err != nil {
		t.Fatal(err)
	}
	for _, ended := range []sso.TokenHash{old, others} {
		_, err := s.SessionToken(t.Context(), ended)
		wantError(t, "the token of a session that was replaced", err, sso.ErrNotFound)
	}
	mustToken(t, s, kept)
	mustToken(t, s, token)
}
