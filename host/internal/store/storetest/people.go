package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/people"
	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/store"
)

func testPeople(t *testing.T, open func(t *testing.T) store.Store) {
	t.Run("users are found by what they are", func(t *testing.T) { testFindUsers(t, open) })
	t.Run("a list goes on where it ended", func(t *testing.T) { testPages(t, open) })
	t.Run("a user with all links", func(t *testing.T) { testUserByID(t, open) })
	t.Run("an account without a link", func(t *testing.T) { testUnclaimed(t, open) })
	t.Run("what is taken is not added", func(t *testing.T) { testTaken(t, open) })
	t.Run("a change", func(t *testing.T) { testChangeUser(t, open) })
	t.Run("A06 suspending ends all sessions at once", func(t *testing.T) { testSuspend(t, open) })
	t.Run("a suspension and a login at once", func(t *testing.T) { testSuspendAndLogin(t, open) })
	t.Run("deleting", func(t *testing.T) { testDeleteUser(t, open) })
	t.Run("a link is never moved", func(t *testing.T) { testAddLink(t, open) })
	t.Run("unlinking ends what came by the link", func(t *testing.T) { testRemoveLink(t, open) })
	t.Run("sessions are found by what they are", func(t *testing.T) { testFindSessions(t, open) })
}

func ids(users []sso.User) (list []string) {
	for _, user := range users {
		list = append(list, user.ID)
	}
	return list
}

// mustLink links a user.
func mustLink(t *testing.T, s store.Store, id, provider, subject string) {
	t.Helper()
	if err := s.AddLink(t.Context(), id, people.Link{Provider: provider, Subject: subject}, sso.Event{}); err != nil {
		t.Fatalf("AddLink(%q): %v", id, err)
	}
}

func testFindUsers(t *testing.T, open func(t *testing.T) store.Store) {
	s := open(t)
	for i, user := range []sso.User{
		{ID: "ann", Provider: "corp", Subject: "S", Status: sso.UserActive, Email: "Ann@example.org", Role: "editor"},
		{ID: "bob", Provider: "other", Subject: "S", Status: sso.UserSuspended, Email: "ann@EXAMPLE.org"},
		{ID: "cas", Provider: "corp", Subject: "s", Status: sso.UserActive, Email: "%", Role: "editor"},
		{ID: "dan", Status: sso.UserInvited},
	} {
		user.CreatedAt = start.Add(-time.Duration(i) * time.Hour) // the order is that of storing
		if err := s.AddUser(t.Context(), user, sso.Event{}); err != nil {
			t.Fatal(err)
		}
	}
	mustLink(t, s, "cas", "other", "c")
	for name, c := range map[string]struct {
		filter people.UserFilter
		want   []string
	}{
		"all":                        {people.UserFilter{}, []string{"ann", "bob", "cas", "dan"}},
		"a provider":                 {people.UserFilter{Provider: "other"}, []string{"bob", "cas"}},
		"a subject, byte for byte":   {people.UserFilter{Provider: "corp", Subject: "S"}, []string{"ann"}},
		"a subject without provider": {people.UserFilter{Subject: "S"}, nil},
		"a status":                   {people.UserFilter{Status: sso.UserInvited}, []string{"dan"}},
		"an address in any case":     {people.UserFilter{Email: "ANN@example.ORG"}, []string{"ann", "bob"}},
		"a role":                     {people.UserFilter{Role: "editor"}, []string{"ann", "cas"}},
		"all of it":                  {people.UserFilter{Provider: "corp", Status: sso.UserActive, Email: "%", Role: "editor"}, []string{"cas"}},
		"a wildcard":                 {people.UserFilter{Email: "ann%"}, nil},
		"nobody":                     {people.UserFilter{Role: "Editor"}, nil},
	} {
		found, next, err := s.FindUsers(t.Context(), c.filter, people.Part{Limit: 10})
		wantError(t, name, err, nil)
		wantEqual(t, name, ids(found), c.want)
		wantEqual(t, name+": where to go on", next, "")
	}
	_, _, err := s.FindUsers(t.Context(), people.UserFilter{}, people.Part{After: "1 OR 1", Limit: 10})
	wantError(t, "a position that is none", err, people.ErrInvalid)
}

// testPages: a user who is there all the time is on one page, once, whatever is added and
// removed.
func testPages(t *testing.T, open func(t *testing.T) store.Store) {
	s := open(t)
	for i := range 7 {
		mustCreateUser(t, s, someUser(fmt.Sprint("u", i), "corp", fmt.Sprint("s", i)))
	}
	var seen []string
	part := people.Part{Limit: 3}
	for page := 0; ; page++ {
		found, next, err := s.FindUsers(t.Context(), people.UserFilter{Provider: "corp"}, part)
		if err != nil || len(found) > 3 || page > 3 {
			t.Fatalf("page %d: %d users, %v", page, len(found), err)
		}
		seen = append(seen, ids(found)...)
		if next == "" {
			break
		}
		if page == 0 { // the one where the first page ended, and one that is seen
			for _, id := range []string{"u2", "u0"} {
				if _, err := s.DeleteUser(t.Context(), id, sso.Event{}); err != nil {
					t.Fatal(err)
				}
			}
			mustCreateUser(t, s, someUser("new", "corp", "new"))
		}
		part.After = next
	}
	wantEqual(t, "all pages", seen, []string{"u0", "u1", "u2", "u3", "u4", "u5", "u6", "new"})
}

func testUserByID(t *testing.T, open func(t *testing.T) store.Store) {
	s := withUser(t, open)
	mustLink(t, s, "ann", "other", "x")
	mustLink(t, s, "ann", "corp", "S-1")
	user, links, err := s.UserByID(t.Context(), "ann")
	wantError(t, "UserByID", err, nil)
	wantEqual(t, "user", user, someUser("ann", "corp", "s-1"))
	wantEqual(t, "links", links, []people.Link{{Provider: "corp", Subject: "S-1"}, {Provider: "corp", Subject: "s-1"}, {Provider: "other", Subject: "x"}})
	_, _, err = s.UserByID(t.Context(), "Ann")
	wantError(t, "in another case", err, sso.ErrNotFound)
}

func testUnclaimed(t *testing.T, open func(t *testing.T) store.Store) {
	s := open(t)
	for _, id := range []string{"one", "two"} { // as many as one likes
		if err := s.AddUser(t.Context(), sso.User{ID: id, Status: sso.UserInvited, Email: "ann@example.org", CreatedAt: start}, sso.Event{}); err != nil {
			t.Fatal(err)
		}
	}
	user, links, err := s.UserByID(t.Context(), "one")
	if err != nil || user.Linked() || len(links) > 0 {
		t.Errorf("got %+v with %v, %v", user, links, err)
	}
	if n, err := s.CountUsers(t.Context(), ""); err != nil || n != 0 {
		t.Errorf("%d have a link to no provider, %v", n, err)
	}
	mustLink(t, s, "one", "corp", "s-1")
	got, err := userByLink(t, s, "corp", "s-1")
	if err != nil || got.ID != "one" {
		t.Errorf("by its new link: %+v, %v", got, err)
	}
	if user, _, err = s.UserByID(t.Context(), "one"); err != nil || user.Provider != "corp" || user.Subject != "s-1" {
		t.Errorf("got %+v, %v; want the link as its own", user, err)
	}
}

func testTaken(t *testing.T, open func(t *testing.T) store.Store) {
	s := withUser(t, open)
	err := s.AddUser(t.Context(), someUser("bob", "corp", "s-1"), sso.Event{})
	if taken, ok := errors.AsType[*people.LinkTakenError](err); !ok || taken.User.ID != "ann" || !errors.Is(err, people.ErrTaken) {
		t.Errorf("the link of somebody else: %v", err)
	}
	_, _, err = s.UserByID(t.Context(), "bob")
	wantError(t, "the refused user", err, sso.ErrNotFound)
	wantError(t, "the ID of somebody else", s.AddUser(t.Context(), someUser("ann", "corp", "s-2"), sso.Event{}), people.ErrTaken)
	_, err = userByLink(t, s, "corp", "s-2")
	wantError(t, "the link of the refused user", err, sso.ErrNotFound)
	got := atOnce(8, func(i int) error {
		return s.AddUser(t.Context(), someUser(fmt.Sprint("u", i), "corp", "new"), sso.Event{})
	}, people.ErrTaken)
	wantEqual(t, "eight at once", got, map[string]int{"ok": 1, people.ErrTaken.Error(): 7})
}

func testChangeUser(t *testing.T, open func(t *testing.T) store.Store) {
	s, token := withUser(t, open), sso.NewToken().Hash()
	mustCreateSession(t, s, someSession("s1", "ann"), token)
	mustToken(t, s, token)
	want := someUser("ann", "corp", "s-1")
	want.Email, want.EmailVerifiedBy, want.FirstName, want.LastName, want.Language, want.Role, want.Username = "a@example.org", "other", "A", "B", "de-DE", "author", "anna"
	user, ended, err := s.ChangeUser(t.Context(), "ann", func(u *sso.User) ([]sso.Event, error) {
		u.Email, u.EmailVerifiedBy, u.FirstName, u.LastName, u.Language, u.Role, u.Username = want.Email, want.EmailVerifiedBy, want.FirstName, want.LastName, want.Language, want.Role, want.Username
		return nil, nil
	})
	wantError(t, "ChangeUser", err, nil)
	wantEqual(t, "returned", user, want)
	wantEqual(t, "sessions ended", ended, 0)
	wantEqual(t, "seen by the session", mustToken(t, s, token).User, want)

	refused := errors.New("refused")
	_, _, err = s.ChangeUser(t.Context(), "ann", func(u *sso.User) ([]sso.Event, error) {
		u.Email, u.Status = "x", sso.UserSuspended
		return nil, refused
	})
	wantError(t, "a change that is refused", err, refused)
	wantEqual(t, "afterwards", mustToken(t, s, token).User, want)
	_, _, err = s.ChangeUser(t.Context(), "bob", func(*sso.User) ([]sso.Event, error) { return nil, nil })
	wantError(t, "nobody", err, sso.ErrNotFound)
}

func setStatus(t *testing.T, s store.Store, id string, status sso.UserStatus) (ended int) {
	t.Helper()
	_, ended, err := s.ChangeUser(t.Context(), id, func(u *sso.User) ([]sso.Event, error) {
		u.Status = status
		return nil, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return ended
}

func testSuspend(t *testing.T, open func(t *testing.T) store.Store) {
	s := withUser(t, open)
	mustCreateUser(t, s, someUser("bob", "corp", "s-2"))
	tokens := map[string]sso.TokenHash{}
	for id, user := range map[string]string{"s1": "ann", "s2": "ann", "s3": "bob"} {
		tokens[id] = sso.NewToken().Hash()
		mustCreateSession(t, s, someSession(id, user), tokens[id])
		mustToken(t, s, tokens[id])
	}
	wantEqual(t, "sessions ended", setStatus(t, s, "ann", sso.UserSuspended), 2)
	for _, id := range []string{"s1", "s2"} {
		_, err := s.SessionToken(t.Context(), tokens[id])
		wantError(t, "a session of the suspended user", err, sso.ErrNotFound)
	}
	mustToken(t, s, tokens["s3"])

	// As if the session had begun at the same time as the suspension: it must not come
	// back.
	late := sso.NewToken().Hash()
	mustCreateSession(t, s, someSession("s4", "ann"), late)
	wantEqual(t, "sessions ended by activating", setStatus(t, s, "ann", sso.UserActive), 1)
	_, err := s.SessionToken(t.Context(), late)
	wantError(t, "a session of a user who is active again", err, sso.ErrNotFound)
}

// testSuspendAndLogin: in either order, a suspended user has no session.
func testSuspendAndLogin(t *testing.T, open func(t *testing.T) store.Store) {
	s, inactive := withUser(t, open), errors.New("inactive")
	login := func(i int) error {
		session := someSession(fmt.Sprint("s", i), "")
		session.AtProvider.Subject = "s-1"
		return s.CreateSession(t.Context(), sso.NewSession{Session: session, Token: sso.NewToken().Hash(), Decide: func(known *sso.User) (sso.User, error) {
			if known.Status != sso.UserActive {
				return sso.User{}, inactive
			}
			return *known, nil
		}})
	}
	atOnce(16, func(i int) error {
		if i == 7 {
			setStatus(t, s, "ann", sso.UserSuspended)
			return nil
		}
		return login(i)
	}, inactive)
	wantError(t, "a login afterwards", login(99), inactive)
	left, _, err := s.FindSessions(t.Context(), people.SessionFilter{User: "ann", Now: start}, people.Part{Limit: 100})
	if err != nil || len(left) != 0 {
		t.Errorf("%d sessions of a suspended user, %v", len(left), err)
	}
}

func testDeleteUser(t *testing.T, open func(t *testing.T) store.Store) {
	s, token := withUser(t, open), sso.NewToken().Hash()
	mustCreateSession(t, s, someSession("s1", "ann"), token)
	mustToken(t, s, token)
	ended, err := s.DeleteUser(t.Context(), "ann", sso.Event{})
	wantError(t, "DeleteUser", err, nil)
	wantEqual(t, "sessions ended", ended, 1)
	_, err = s.SessionToken(t.Context(), token)
	wantError(t, "the session", err, sso.ErrNotFound)
	_, err = userByLink(t, s, "corp", "s-1")
	wantError(t, "the link", err, sso.ErrNotFound)
	_, err = s.DeleteUser(t.Context(), "ann", sso.Event{})
	wantError(t, "once more", err, sso.ErrNotFound)
}

func testAddLink(t *testing.T, open func(t *testing.T) store.Store) {
	s := withUser(t, open)
	mustCreateUser(t, s, someUser("bob", "corp", "s-2"))
	mustLink(t, s, "ann", "other", "x")
	mustLink(t, s, "ann", "other", "x") // as it was
	err := s.AddLink(t.Context(), "bob", people.Link{Provider: "other", Subject: "x"}, sso.Event{})
	if taken, ok := errors.AsType[*people.LinkTakenError](err); !ok || taken.User.ID != "ann" {
		t.Errorf("moving a link: %v", err)
	}
	got, err := userByLink(t, s, "other", "x")
	if err != nil || got.ID != "ann" || got.Subject != "x" {
		t.Errorf("the link: %+v, %v", got, err)
	}
	if user, _, err := s.UserByID(t.Context(), "ann"); err != nil || user.Subject != "s-1" {
		t.Errorf("%+v, %v: another link took the place of the first", user, err)
	}
	for i := range people.MaxLinks - 2 {
		mustLink(t, s, "ann", "other", fmt.Sprint(i))
	}
	wantError(t, "one link too many", s.AddLink(t.Context(), "ann", people.Link{Provider: "other", Subject: "z"}, sso.Event{}), people.ErrFull)
	mustLink(t, s, "ann", "other", "7") // as it was
	wantError(t, "nobody", s.AddLink(t.Context(), "cas", people.Link{Provider: "other", Subject: "y"}, sso.Event{}), sso.ErrNotFound)
}

func testRemoveLink(t *testing.T, open func(t *testing.T) store.Store) {
	s := withUser(t, open)
	mustLink(t, s, "ann", "other", "x")
	mustLink(t, s, "ann", "corp", "s-9")
	if _, _, err := s.ChangeUser(t.Context(), "ann", func(u *sso.User) ([]sso.Event, error) { u.EmailVerifiedBy = "corp"; return nil, nil }); err != nil {
		t.Fatal(err)
	}
	tokens := map[string]sso.TokenHash{}
	for id, link := range map[string]people.Link{"s1": {Provider: "corp", Subject: "s-1"}, "s2": {Provider: "corp", Subject: "s-9"}, "s3": {Provider: "other", Subject: "x"}} {
		session := someSession(id, "ann")
		session.Provider, session.AtProvider.Subject = link.Provider, link.Subject
		tokens[id] = sso.NewToken().Hash()
		mustCreateSession(t, s, session, tokens[id])
		mustToken(t, s, tokens[id])
	}
	ended, err := s.RemoveLink(t.Context(), "ann", people.Link{Provider: "corp", Subject: "s-1"}, sso.Event{})
	wantError(t, "RemoveLink", err, nil)
	wantEqual(t, "sessions ended", ended, 1)
	_, err = s.SessionToken(t.Context(), tokens["s1"])
	wantError(t, "the session of the link", err, sso.ErrNotFound)
	mustToken(t, s, tokens["s2"])
	mustToken(t, s, tokens["s3"])
	_, err = userByLink(t, s, "corp", "s-1")
	wantError(t, "the link", err, sso.ErrNotFound)
	user, links, err := s.UserByID(t.Context(), "ann")
	if err != nil || user.Provider != "corp" || user.Subject != "s-9" || user.EmailVerifiedBy != "" || len(links) != 2 {
		t.Errorf("left: %+v, %v, %v; want another link in its place, and an address that nobody has verified", user, links, err)
	}
	for _, link := range links {
		if _, err := s.RemoveLink(t.Context(), "ann", link, sso.Event{}); err != nil {
			t.Fatal(err)
		}
	}
	if user, _, err = s.UserByID(t.Context(), "ann"); err != nil || user.Linked() {
		t.Errorf("without a link: %+v, %v", user, err)
	}
	mustCreateUser(t, s, someUser("bob", "corp", "s-2"))
	_, err = s.RemoveLink(t.Context(), "ann", people.Link{Provider: "corp", Subject: "s-2"}, sso.Event{})
	wantError(t, "the link of somebody else", err, sso.ErrNotFound)
	if _, err := userByLink(t, s, "corp", "s-2"); err != nil {
		t.Errorf("the link of somebody else: %v", err)
	}
}

func testFindSessions(t *testing.T, open func(t *testing.T) store.Store) {
	s := withUser(t, open)
	mustCreateUser(t, s, someUser("bob", "corp", "s-2"))
	for _, session := range []sso.Session{
		someSession("s1", "ann"), someSession("s2", "bob"), someSession("s3", "ann"), someSession("s4", "ann"),
	} {
		switch session.ID {
		case "s3":
			session.Provider = "other"
		case "s4":
			session.ExpiresAt = start
		}
		mustCreateSession(t, s, session, sso.NewToken().Hash())
	}
	for name, c := range map[string]struct {
		filter people.SessionFilter
		want   []string
	}{
		"all":         {people.SessionFilter{Now: start}, []string{"s1", "s2", "s3"}},
		"expired yet": {people.SessionFilter{Now: start.Add(-time.Millisecond)}, []string{"s1", "s2", "s3", "s4"}},
		"a user":      {people.SessionFilter{User: "ann", Now: start}, []string{"s1", "s3"}},
		"a provider":  {people.SessionFilter{Provider: "other", Now: start}, []string{"s3"}},
		"nobody's":    {people.SessionFilter{User: "ann@example.org", Now: start}, nil},
	} {
		found, _, err := s.FindSessions(t.Context(), c.filter, people.Part{Limit: 10})
		wantError(t, name, err, nil)
		var list []string
		for _, one := range found {
			list = append(list, one.Session.ID)
		}
		wantEqual(t, name, list, c.want)
	}
	first, next, err := s.FindSessions(t.Context(), people.SessionFilter{Now: start}, people.Part{Limit: 2})
	wantError(t, "the first page", err, nil)
	want := someSession("s1", "ann")
	want.Groups, want.AskedAt = "", time.Time{} // which nobody lists
	wantEqual(t, "a session", first[0], people.StoredSession{Session: want, Email: "ann@example.org"})
	rest, end, err := s.FindSessions(t.Context(), people.SessionFilter{Now: start}, people.Part{After: next, Limit: 2})
	if err != nil || len(rest) != 1 || rest[0].Session.ID != "s3" || end != "" {
		t.Errorf("the second page: %v, %q, %v", rest, end, err)
	}
}

func testAdminKeys(t *testing.T, open func(t *testing.T) store.Store) {
	s := open(t)
	key := people.Key{ID: "k1", Name: "sync", Scopes: []people.Scope{people.UsersRead, people.RolesWrite}, CreatedAt: start, ExpiresAt: start.Add(time.Hour)}
	hash, other := people.KeyHash(sso.NewToken().Hash()), people.KeyHash(sso.NewToken().Hash())
	wantError(t, "AddAdminKey", s.AddAdminKey(t.Context(), key, hash, sso.Event{}), nil)
	got, err := s.AdminKey(t.Context(), hash)
	wantError(t, "AdminKey", err, nil)
	wantEqual(t, "key", got, key)
	wantUTC(t, got.CreatedAt, got.ExpiresAt)
	_, err = s.AdminKey(t.Context(), other)
	wantError(t, "another hash", err, sso.ErrNotFound)

	for name, twin := range map[string]people.Key{"the same name": {ID: "k2", Name: "sync"}, "the same ID": {ID: "k1", Name: "else"}} {
		wantError(t, name, s.AddAdminKey(t.Context(), twin, other, sso.Event{}), people.ErrTaken)
		_, err = s.AdminKey(t.Context(), other)
		wantError(t, name, err, sso.ErrNotFound)
	}
	wantError(t, "AdminKeyUsed", s.AdminKeyUsed(t.Context(), "k1", start.Add(time.Minute)), nil)
	key.LastUsed = start.Add(time.Minute)
	never := people.Key{ID: "k2", Name: "never", Scopes: []people.Scope{people.AuditRead}, CreatedAt: start}
	wantError(t, "a second key", s.AddAdminKey(t.Context(), never, other, sso.Event{}), nil)

	first, next, err := s.FindAdminKeys(t.Context(), people.Part{Limit: 1})
	wantError(t, "FindAdminKeys", err, nil)
	second, end, err := s.FindAdminKeys(t.Context(), people.Part{After: next, Limit: 1})
	wantError(t, "FindAdminKeys", err, nil)
	wantEqual(t, "all keys", slices.Concat(first, second), []people.Key{key, never})
	wantEqual(t, "the end", end, "")

	wantError(t, "by ID", s.RemoveAdminKey(t.Context(), "k1", sso.Event{}), nil)
	_, err = s.AdminKey(t.Context(), hash)
	wantError(t, "a removed key", err, sso.ErrNotFound)
	wantError(t, "once more", s.RemoveAdminKey(t.Context(), "k1", sso.Event{}), sso.ErrNotFound)
	wantError(t, "by name", s.RemoveAdminKey(t.Context(), "never", sso.Event{}), nil)
}

// callsOfPeople are for testContext.
func callsOfPeople(ctx context.Context, s store.Store) map[string]func() error {
	return map[string]func() error{
		"FindUsers": func() error { _, _, err := s.FindUsers(ctx, people.UserFilter{}, people.Part{Limit: 1}); return err },
		"UserByID":  func() error { _, _, err := s.UserByID(ctx, "ann"); return err },
		"AddUser":   func() error { return s.AddUser(ctx, someUser("bob", "corp", "s-2"), sso.Event{}) },
		"ChangeUser": func() error {
			_, _, err := s.ChangeUser(ctx, "ann", func(*sso.User) ([]sso.Event, error) { return nil, nil })
			return err
		},
		"DeleteUser": func() error { _, err := s.DeleteUser(ctx, "ann", sso.Event{}); return err },
		"AddLink":    func() error { return s.AddLink(ctx, "ann", people.Link{Provider: "corp", Subject: "s-2"}, sso.Event{}) },
		"RemoveLink": func() error {
			_, err := s.RemoveLink(ctx, "ann", people.Link{Provider: "corp", Subject: "s-1"}, sso.Event{})
			return err
		},
		"FindSessions": func() error {
			_, _, err := s.FindSessions(ctx, people.SessionFilter{}, people.Part{Limit: 1})
			return err
		},
		"AddAdminKey":    func() error { return s.AddAdminKey(ctx, people.Key{ID: "k"}, people.KeyHash{}, sso.Event{}) },
		"AdminKey":       func() error { _, err := s.AdminKey(ctx, people.KeyHash{}); return err },
		"AdminKeyUsed":   func() error { return s.AdminKeyUsed(ctx, "k", start) },
		"FindAdminKeys":  func() error { _, _, err := s.FindAdminKeys(ctx, people.Part{Limit: 1}); return err },
		"RemoveAdminKey": func() error { return s.RemoveAdminKey(ctx, "k", sso.Event{}) },
	}
}
