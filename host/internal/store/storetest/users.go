package storetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/store"
)

func testUsers(t *testing.T, open func(t *testing.T) store.Store) {
	t.Run("a created user is found by its link", func(t *testing.T) {
		s, want := open(t), someUser("ann", "corp", "s-1")
		wantEqual(t, "CreateUser", mustCreateUser(t, s, want), want)
		got, err := userByLink(t, s, "corp", "s-1")
		if err != nil {
			t.Fatal(err)
		}
		wantEqual(t, "UserByLink", got, want)
		wantUTC(t, got.CreatedAt, got.LastAccess)
	})
	t.Run("times that are not set stay so", func(t *testing.T) {
		s := open(t)
		got := mustCreateUser(t, s, sso.User{ID: "ann", Provider: "corp", Subject: "s-1", Status: sso.UserActive})
		if !got.LastAccess.IsZero() || !got.CreatedAt.IsZero() {
			t.Errorf("created at %v, last access %v, want zero times", got.CreatedAt, got.LastAccess)
		}
	})
	t.Run("an unknown link is not found", func(t *testing.T) {
		_, err := userByLink(t, open(t), "corp", "s-1")
		wantError(t, "UserByLink", err, sso.ErrNotFound)
	})
	t.Run("a second user of the same link is not stored", func(t *testing.T) { testSecondUser(t, open) })
	t.Run("counted by provider", func(t *testing.T) {
		s := open(t)
		for i, provider := range []string{"corp", "corporation", "corp", "other"} {
			mustCreateUser(t, s, someUser(fmt.Sprint("u-", i), provider, fmt.Sprint("s-", i)))
		}
		for provider, want := range map[string]int{"corp": 2, "other": 1, "none": 0} {
			got, err := s.CountUsers(t.Context(), provider)
			if err != nil || got != want {
				t.Errorf("%s: %d users, %v; want %d", provider, got, err, want)
			}
		}
	})
	t.Run("two users of the same ID are an error", func(t *testing.T) {
		s := withUser(t, open)
		if _, err := s.CreateUser(t.Context(), someUser("ann", "corp", "s-2")); err == nil {
			t.Error("CreateUser with an ID that is taken: no error")
		}
		_, err := userByLink(t, s, "corp", "s-2")
		wantError(t, "the link of the refused user", err, sso.ErrNotFound)
	})
	t.Run("what a login changes", func(t *testing.T) { testUpdate(t, open) })
	t.Run("a suspended user stays suspended", func(t *testing.T) {
		s, suspended := open(t), someUser("ann", "corp", "s-1")
		suspended.Status = sso.UserSuspended
		wantEqual(t, "status", mustCreateUser(t, s, suspended).Status, sso.UserSuspended)
	})
}

// userByLink returns the user of a login by that link, and changes nothing.
func userByLink(t *testing.T, s store.Store, provider, subject string) (found sso.User, err error) {
	t.Helper()
	enough := errors.New("enough")
	session := sso.Session{ID: "none", Provider: provider, AtProvider: sso.AtProvider{Subject: subject}}
	err = s.CreateSession(t.Context(), sso.NewSession{Session: session, Decide: func(known *sso.User) (sso.User, error) {
		if known == nil {
			return sso.User{}, sso.ErrNotFound
		}
		found = *known
		return found, enough
	}})
	if errors.Is(err, enough) {
		err = nil
	}
	return found, err
}

func testSecondUser(t *testing.T, open func(t *testing.T) store.Store) {
	s := withUser(t, open)
	second := someUser("bob", "corp", "s-1")
	second.Role = "admin"
	wantEqual(t, "CreateUser", mustCreateUser(t, s, second), someUser("ann", "corp", "s-1"))
	_, _, err := s.UserByID(t.Context(), "bob")
	wantError(t, "the second user", err, sso.ErrNotFound)
}

func testUpdate(t *testing.T, open func(t *testing.T) store.Store) {
	s := withUser(t, open)
	mustCreateUser(t, s, someUser("bob", "corp", "s-2"))
	want := sso.User{
		ID: "ann", Provider: "corp", Subject: "s-1", Status: sso.UserActive, Role: "", Username: "anna", Email: "ann@example.com", EmailVerifiedBy: "other",
		FirstName: "Anna", LastName: "", Language: "en-GB", CreatedAt: start, LastAccess: start.Add(time.Hour),
	}
	change := want
	change.Provider, change.Subject, change.Language, change.CreatedAt = "elsewhere", "s-9", "xx", start.Add(time.Minute) // not to be stored
	login, _ := someLogin(sso.NewToken().Hash())
	login.Decide = func(*sso.User) (sso.User, error) { return change, nil }
	wantError(t, "a login", s.CreateSession(t.Context(), login), nil)
	got, err := userByLink(t, s, "corp", "s-1")
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "the updated user", got, want)
	other, err := userByLink(t, s, "corp", "s-2")
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "another user", other, someUser("bob", "corp", "s-2"))
}

func testLinks(t *testing.T, open func(t *testing.T) store.Store) {
	for name, links := range map[string][]sso.User{
		"D01 same subject at two providers": {
			{Provider: "ldap", Subject: "1001"}, {Provider: "oidc", Subject: "1001"},
		},
		"D05 subjects that only look alike": {
			{Provider: "corp", Subject: "ann"}, {Provider: "corp", Subject: "Ann"}, {Provider: "corp", Subject: "ANN"},
			{Provider: "corp", Subject: " ann"}, {Provider: "corp", Subject: "ann "}, {Provider: "corp", Subject: "a nn"},
			{Provider: "corp", Subject: "ａｎｎ"}, {Provider: "corp", Subject: "a\u200bnn"}, {Provider: "corp", Subject: "аnn"},
			{Provider: "corp", Subject: "\u00e9"}, {Provider: "corp", Subject: "e\u0301"},
			{Provider: "corp", Subject: "ß"}, {Provider: "corp", Subject: "ss"}, {Provider: "corp", Subject: "SS"},
			{Provider: "corp", Subject: "7"}, {Provider: "corp", Subject: "07"}, {Provider: "corp", Subject: "7.0"},
			{Provider: "corp", Subject: "ann\x00"}, {Provider: "corp", Subject: "ann\x00x"}, {Provider: "corp", Subject: "\xff"}, {Provider: "corp", Subject: "\ufffd"},
			{Provider: "Corp", Subject: "ann"}, {Provider: "corp ", Subject: "ann"},
		},
		"D06 delimiters in the key": {
			{Provider: "a", Subject: "b:c"}, {Provider: "a:b", Subject: "c"}, {Provider: "a:b:c", Subject: ""}, {Provider: "", Subject: "a:b:c"},
			{Provider: "a", Subject: "b\x00c"}, {Provider: "a'--", Subject: "' OR 1=1 --"}, {Provider: "%", Subject: "%"}, {Provider: "_", Subject: "_"},
		},
		"D02 same e-mail address": {
			{Provider: "corp", Subject: "1", Email: "ann@example.org"}, {Provider: "corp", Subject: "2", Email: "ann@example.org"},
		},
	} {
		t.Run(name, func(t *testing.T) { testDistinct(t, open(t), links) })
	}
	t.Run("concurrent first logins make one user", func(t *testing.T) { testFirstLogins(t, open(t)) })
}

func testDistinct(t *testing.T, s store.Store, users []sso.User) {
	for i := range users {
		users[i].ID = fmt.Sprintf("user-%d", i)
		if got := mustCreateUser(t, s, users[i]); got.ID != users[i].ID {
			t.Errorf("(%q, %q) leads to the user of (%q, %q)", users[i].Provider, users[i].Subject, got.Provider, got.Subject)
		}
	}
	for _, want := range users {
		got, err := userByLink(t, s, want.Provider, want.Subject)
		if err != nil {
			t.Errorf("(%q, %q): %v", want.Provider, want.Subject, err)
		}
		wantEqual(t, "user", got, want)
	}
}

func testFirstLogins(t *testing.T, s store.Store) {
	const logins = 40
	var (
		mu   sync.Mutex
		seen = map[string]int{}
	)
	errs := atOnce(logins, func(i int) error {
		user, err := s.CreateUser(t.Context(), someUser(fmt.Sprintf("user-%d", i), "corp", "s-1"))
		mu.Lock()
		defer mu.Unlock()
		seen[user.ID]++
		return err
	})
	if diff := cmp.Diff(map[string]int{"ok": logins}, errs); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
	if len(seen) != 1 {
		t.Errorf("%d logins of one person made the users %v, want one user", logins, seen)
	}
}

func mustChange(t *testing.T, s store.Store, id string, change func(*sso.User)) {
	t.Helper()
	_, _, err := s.ChangeUser(t.Context(), id, func(u *sso.User) ([]sso.Event, error) {
		change(u)
		return nil, nil
	})
	wantError(t, "changing a user", err, nil)
}
