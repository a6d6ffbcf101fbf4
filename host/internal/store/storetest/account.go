package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/people"
	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/store"
)

func testOwnAccounts(t *testing.T, open func(t *testing.T) store.Store) {
	t.Run("what somebody sees", func(t *testing.T) { testOwnAccount(t, open) })
	t.Run("linking", func(t *testing.T) { testLinkOwn(t, open) })
	t.Run("a link of somebody else is never moved", func(t *testing.T) { testLinkOwnTaken(t, open) })
	t.Run("a refused link is final", func(t *testing.T) { testLinkOwnSpends(t, open) })
	t.Run("two who link the same at once", func(t *testing.T) { testLinkOwnAtOnce(t, open) })
	t.Run("unlinking", func(t *testing.T) { testUnlinkOwn(t, open) })
	t.Run("unlinking both at once", func(t *testing.T) { testUnlinkOwnAtOnce(t, open) })
	t.Run("ending all but one", func(t *testing.T) { testEndAllButOne(t, open) })
}

func mustOwnAccount(t *testing.T, s store.Store, user string, limit int) sso.Account {
	t.Helper()
	account, err := s.OwnAccount(t.Context(), user, start, limit)
	if err != nil {
		t.Fatal(err)
	}
	return account
}

func wantOwnLinks(t *testing.T, s store.Store, user string, want ...sso.LinkedIdentity) {
	t.Helper()
	wantEqual(t, "links of "+user, mustOwnAccount(t, s, user, 1).Links, want)
}

func testOwnAccount(t *testing.T, open func(t *testing.T) store.Store) {
	s := withUser(t, open)
	mustCreateUser(t, s, someUser("bob", "corp", "s-2"))
	mustLink(t, s, "ann", "corp", "S-1")
	mustLink(t, s, "ann", "abc", "\xff")
	tokens := map[string]sso.TokenHash{}
	for i, c := range []struct{ id, user string }{{"s1", "ann"}, {"s2", "ann"}, {"s3", "bob"}, {"s4", "ann"}, {"old", "ann"}} {
		session := someSession(c.id, c.user)
		session.CreatedAt = start.Add(-time.Duration(i) * time.Minute) // the order is that of storing
		if c.id == "old" {
			session.ExpiresAt = start
		}
		tokens[c.id] = sso.NewToken().Hash()
		mustCreateSession(t, s, session, tokens[c.id])
	}
	refreshed := start.Add(7 * time.Minute)
	mustRotate(t, s, sso.Rotation{SessionID: "s2", Old: tokens["s2"], New: sso.NewToken().Hash(), Now: refreshed, ExpiresAt: start.Add(2 * time.Hour), NotAfter: start.Add(48 * time.Hour)})

	all := mustOwnAccount(t, s, "ann", 3)
	want := []sso.LinkedIdentity{{Provider: "abc", Subject: "\xff"}, {Provider: "corp", Subject: "S-1"}, {Provider: "corp", Subject: "s-1"}}
	wantEqual(t, "links", all.Links, want)
	wantEqual(t, "more", all.More, false)
	var ids []string
	for _, session := range all.Sessions {
		ids = append(ids, session.ID)
		wantEqual(t, session.ID+" was refreshed", session.RefreshedAt.Equal(refreshed), session.ID == "s2")
	}
	wantEqual(t, "sessions", ids, []string{"s4", "s2", "s1"})
	first := all.Sessions[2]
	wantUTC(t, first.CreatedAt, first.ExpiresAt, first.NotAfter, all.Sessions[1].RefreshedAt)
	expected := someSession("s1", "")
	wantEqual(t, "what it says", [4]string{first.Provider, string(first.Kind), first.IP, first.UserAgent}, [4]string{"corp", "session", expected.IP, expected.UserAgent})
	wantEqual(t, "begun", first.CreatedAt.Equal(start) && first.ExpiresAt.Equal(expected.ExpiresAt) && first.NotAfter.Equal(expected.NotAfter), true)

	few := mustOwnAccount(t, s, "ann", 2)
	if len(few.Sessions) != 2 || few.Sessions[0].ID != "s4" || !few.More {
		t.Errorf("the first two: %+v", few)
	}
	_, err := s.OwnAccount(t.Context(), "nobody", start, 1)
	wantError(t, "nobody", err, sso.ErrNotFound)
}

// ownLink links ann through her session s1.
func ownLink(provider, subject string) sso.OwnLink {
	return sso.OwnLink{LinkedIdentity: sso.LinkedIdentity{Provider: provider, Subject: subject}, Alias: subject, SessionID: "s1", UserID: "ann", Now: start}
}

func withSession(t *testing.T, open func(t *testing.T) store.Store) store.Store {
	t.Helper()
	s := withUser(t, open)
	mustCreateUser(t, s, someUser("bob", "corp", "s-2"))
	mustCreateSession(t, s, someSession("s1", "ann"), sso.NewToken().Hash())
	mustCreateSession(t, s, someSession("s2", "bob"), sso.NewToken().Hash())
	return s
}

var annsOwn = sso.LinkedIdentity{Provider: "corp", Subject: "s-1"}

func testLinkOwn(t *testing.T, open func(t *testing.T) store.Store) {
	for name, c := range map[string]struct {
		change func(s store.Store, link *sso.OwnLink)
		err    error
	}{
		"theirs":        {func(store.Store, *sso.OwnLink) {}, nil},
		"no session":    {func(_ store.Store, l *sso.OwnLink) { l.SessionID = "s9" }, sso.ErrSessionInvalid},
		"another's":     {func(_ store.Store, l *sso.OwnLink) { l.SessionID = "s2" }, sso.ErrSessionInvalid},
		"nobody":        {func(_ store.Store, l *sso.OwnLink) { l.UserID = "nobody" }, sso.ErrSessionInvalid},
		"has expired":   {func(_ store.Store, l *sso.OwnLink) { l.Now = start.Add(time.Hour) }, sso.ErrSessionInvalid},
		"has ended":     {func(s store.Store, _ *sso.OwnLink) { _ = s.EndSession(t.Context(), "s1", sso.Event{}) }, sso.ErrSessionInvalid},
		"was suspended": {func(s store.Store, _ *sso.OwnLink) { setStatus(t, s, "ann", sso.UserSuspended) }, sso.ErrSessionInvalid},
		"was spent": {func(_ store.Store, l *sso.OwnLink) {
			l.Once = []sso.OnceID{{Scope: "x", ID: "1", Until: start}, {Scope: "x", ID: "1", Until: start}}
		}, sso.ErrSpent},
		"there are many": {func(s store.Store, _ *sso.OwnLink) { linkMany(t, s, people.MaxLinks-1) }, sso.ErrTooManyLinks},
		"not yet many":   {func(s store.Store, _ *sso.OwnLink) { linkMany(t, s, people.MaxLinks-2) }, nil},
		"not active, and the session is there": {func(s store.Store, _ *sso.OwnLink) {
			setStatus(t, s, "ann", sso.UserSuspended)
			mustCreateSession(t, s, someSession("s1", "ann"), sso.NewToken().Hash())
		}, sso.ErrUserInactive},
	} {
		t.Run(name, func(t *testing.T) {
			s, link := withSession(t, open), ownLink("mail", "M\xff")
			c.change(s, &link)
			wantError(t, "LinkOwn", s.LinkOwn(t.Context(), link), c.err)
			user, err := userByLink(t, s, "mail", "M\xff")
			if c.err == nil {
				wantEqual(t, "the user of the link", user.ID, "ann")
				wantError(t, "once more", s.LinkOwn(t.Context(), link), nil)
				return
			}
			wantEqual(t, "there is a link", err == nil && user.ID != "", false)
		})
	}
}

func linkMany(t *testing.T, s store.Store, n int) {
	t.Helper()
	for i := range n {
		mustLink(t, s, "ann", "more", fmt.Sprint(i))
	}
}

func testLinkOwnTaken(t *testing.T, open func(t *testing.T) store.Store) {
	s := withSession(t, open)
	wantError(t, "bob's", s.LinkOwn(t.Context(), ownLink("corp", "s-2")), sso.ErrLinkTaken)
	other := ownLink("corp", "x")
	other.Alias = "s-2"
	wantError(t, "bob's, by another name", s.LinkOwn(t.Context(), other), sso.ErrLinkTaken)
	wantOwnLinks(t, s, "ann", annsOwn)
	wantOwnLinks(t, s, "bob", sso.LinkedIdentity{Provider: "corp", Subject: "s-2"})
	wantError(t, "in another case", s.LinkOwn(t.Context(), ownLink("corp", "S-2")), nil)
	wantOwnLinks(t, s, "ann", sso.LinkedIdentity{Provider: "corp", Subject: "S-2"}, annsOwn)
}

// testLinkOwnSpends: a refusal spends the once-IDs, an error does not.
func testLinkOwnSpends(t *testing.T, open func(t *testing.T) store.Store) {
	s, link := withSession(t, open), ownLink("corp", "s-2")
	link.Once = []sso.OnceID{{Scope: "attempt", ID: "1", Until: start.Add(time.Hour)}}
	wantError(t, "taken", s.LinkOwn(t.Context(), link), sso.ErrLinkTaken)
	wantError(t, "once more", s.LinkOwn(t.Context(), link), sso.ErrSpent)
	free := ownLink("mail", "m")
	free.Once = link.Once
	wantError(t, "a link that would be good", s.LinkOwn(t.Context(), free), sso.ErrSpent)
	wantOwnLinks(t, s, "ann", annsOwn)
}

func testLinkOwnAtOnce(t *testing.T, open func(t *testing.T) store.Store) {
	s := withSession(t, open)
	atOnce(8, func(i int) error {
		link := ownLink("mail", "m")
		if i%2 == 1 {
			link.UserID, link.SessionID = "bob", "s2"
		}
		err := s.LinkOwn(t.Context(), link)
		if err != nil && !errors.Is(err, sso.ErrLinkTaken) {
			t.Errorf("LinkOwn: %v", err)
		}
		return nil
	})
	links := len(mustOwnAccount(t, s, "ann", 1).Links) + len(mustOwnAccount(t, s, "bob", 1).Links)
	wantEqual(t, "links of both", links, 3)
}

func testUnlinkOwn(t *testing.T, open func(t *testing.T) store.Store) {
	s := withSession(t, open)
	unlink := func(user, provider, subject string, providers ...string) error {
		_, err := s.UnlinkOwn(t.Context(), user, sso.LinkedIdentity{Provider: provider, Subject: subject}, providers, sso.Event{})
		return err
	}
	wantError(t, "the only one", unlink("ann", "corp", "s-1", "corp", "mail"), sso.ErrLastLink)
	mustLink(t, s, "ann", "mail", "m")
	wantError(t, "but for one of a provider that is gone", unlink("ann", "corp", "s-1", "corp"), sso.ErrLastLink)
	wantError(t, "another's", unlink("ann", "corp", "s-2", "corp", "mail"), sso.ErrNotFound)
	wantError(t, "of nobody", unlink("nobody", "corp", "s-2", "corp", "mail"), sso.ErrNotFound)
	token := sso.NewToken().Hash()
	session := someSession("s3", "ann")
	session.Provider, session.AtProvider.Subject = "mail", "m"
	mustCreateSession(t, s, session, token)
	mustToken(t, s, token)
	ended, err := s.UnlinkOwn(t.Context(), "ann", sso.LinkedIdentity{Provider: "mail", Subject: "m"}, []string{"corp"}, sso.Event{})
	wantError(t, "theirs", err, nil)
	wantEqual(t, "sessions that came by it", ended, 1)
	_, err = s.SessionToken(t.Context(), token)
	wantError(t, "the session", err, sso.ErrNotFound)
	wantOwnLinks(t, s, "ann", annsOwn)
	wantOwnLinks(t, s, "bob", sso.LinkedIdentity{Provider: "corp", Subject: "s-2"})
}

// testUnlinkOwnAtOnce: nobody is left without a way to sign in.
func testUnlinkOwnAtOnce(t *testing.T, open func(t *testing.T) store.Store) {
	s := withSession(t, open)
	mustLink(t, s, "ann", "mail", "m")
	links := []sso.LinkedIdentity{annsOwn, {Provider: "mail", Subject: "m"}}
	atOnce(8, func(i int) error {
		_, err := s.UnlinkOwn(t.Context(), "ann", links[i%2], []string{"corp", "mail"}, sso.Event{})
		if err != nil && !errors.Is(err, sso.ErrLastLink) && !errors.Is(err, sso.ErrNotFound) {
			t.Errorf("UnlinkOwn: %v", err)
		}
		return nil
	})
	wantEqual(t, "links that are left", len(mustOwnAccount(t, s, "ann", 1).Links), 1)
}

func testEndAllButOne(t *testing.T, open func(t *testing.T) store.Store) {
	s := withSession(t, open)
	for i := range 3 {
		mustCreateSession(t, s, someSession(fmt.Sprint("more", i), "ann"), sso.NewToken().Hash())
	}
	ended, err := s.EndSessions(t.Context(), sso.SessionMatch{User: "ann", Except: "s1"}, 100, sso.Event{})
	wantError(t, "EndSessions", err, nil)
	wantEqual(t, "ended", ended, 3)
	for user, id := range map[string]string{"ann": "s1", "bob": "s2"} {
		left := mustOwnAccount(t, s, user, 9).Sessions
		if len(left) != 1 || left[0].ID != id {
			t.Errorf("left of %s: %+v", user, left)
		}
	}
}

// callsOfAccounts are for testContext.
func callsOfAccounts(ctx context.Context, s store.Store) map[string]func() error {
	return map[string]func() error{
		"OwnAccount": func() error { _, err := s.OwnAccount(ctx, "ann", start, 1); return err },
		"LinkOwn":    func() error { return s.LinkOwn(ctx, ownLink("mail", "m")) },
		"UnlinkOwn":  func() error { _, err := s.UnlinkOwn(ctx, "ann", annsOwn, nil, sso.Event{}); return err },
	}
}
