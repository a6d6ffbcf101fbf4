package storetest

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/people"
	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/store"
)

// someEvent has something in each of its members.
func someEvent(kind sso.EventKind) sso.Event {
	return sso.Event{
		At: start.UTC(), Kind: kind, Actor: sso.ActorKey, ActorName: "monitoring", Provider: "corp", Subject: "0123456789abcdef", UserID: "ann", SessionID: "s1",
		Address: "2001:db8::17", UserAgent: "Browser/1.0 (Ünï)", Reason: "reason", Detail: "detail, \"quoted\"", RequestID: "0011223344556677",
	}
}

func mustEvents(t *testing.T, s store.Store, filter people.EventFilter) []sso.Event {
	t.Helper()
	found, next, err := s.FindEvents(t.Context(), filter, people.Part{Limit: 1000})
	if err != nil || next != "" {
		t.Fatalf("FindEvents: %v, go on from %q", err, next)
	}
	for i := range found {
		if i > 0 && found[i].ID <= found[i-1].ID {
			t.Errorf("event %d comes after event %d", found[i].ID, found[i-1].ID)
		}
		wantUTC(t, found[i].At)
	}
	return found
}

// shortly is what a test compares of events.
func shortly(events []sso.Event) (list []string) {
	for _, e := range events {
		list = append(list, fmt.Sprintf("%s %s %s %s %s %d", e.Kind, e.Actor, e.Reason, e.UserID, e.SessionID, e.SessionsEnded))
	}
	return list
}

func testEvents(t *testing.T, open func(t *testing.T) store.Store) {
	t.Run("each change has its event", func(t *testing.T) { testEventOfEach(t, open) })
	t.Run("what is not changed has none", func(t *testing.T) { testNoEvents(t, open) })
	t.Run("an event comes back as it was", func(t *testing.T) { testEventRoundTrip(t, open) })
	t.Run("no text is longer than there is room for", func(t *testing.T) { testHostileEvents(t, open) })
	t.Run("events are found by what they are about", func(t *testing.T) { testFindEvents(t, open) })
	t.Run("a list goes on where it ended", func(t *testing.T) { testEventPages(t, open) })
	t.Run("old ones are removed in small steps", func(t *testing.T) { testRemoveEvents(t, open) })
}

// An act is something that is done to a store with ann and her session s1, and what is kept
// of it if the event is as given.
type act struct {
	do   func(e sso.Event) error
	want []string
}

func acts(t *testing.T, s store.Store) map[string]act {
	all := actsOnSessions(t, s)
	maps.Copy(all, actsOnOthers(t, s))
	return all
}

func only(_ int, err error) error { return err }

func actsOnSessions(t *testing.T, s store.Store) map[string]act {
	ctx := t.Context()
	return map[string]act{
		"EndSession":  {func(e sso.Event) error { return s.EndSession(ctx, "s1", e) }, []string{"x key reason ann s1 0"}},
		"EndSessions": {func(e sso.Event) error { return only(s.EndSessions(ctx, sso.SessionMatch{}, 10, e)) }, []string{"x key reason ann s1 0"}},
		"EndProviderSessions": {func(e sso.Event) error {
			_, err := s.EndProviderSessions(ctx, sso.Selection{Provider: "corp", Subject: "s-1"}, e, once("logout", "1"))
			return err
		}, []string{"x key reason ann s1 0"}},
		"CreateSession, which replaces one": {func(e sso.Event) error {
			login, _ := someLogin(sso.NewToken().Hash())
			login.Session.ID, login.Replaces, login.Replaced = "s2", []string{"s1", "s1", "gone"}, e
			return s.CreateSession(ctx, login)
		}, []string{"x key reason ann s1 0"}},
		"CreateSession": {func(e sso.Event) error {
			login, _ := someLogin(sso.NewToken().Hash())
			login.Session.ID = "s2"
			who, decide := "", login.Decide
			login.Decide = func(known *sso.User) (sso.User, error) {
				who = known.ID
				return decide(known)
			}
			login.Events = func() []sso.Event {
				e.UserID = who // which shows that it was decided before
				return []sso.Event{e, e}
			}
			return s.CreateSession(ctx, login)
		}, []string{"x key reason ann given 0", "x key reason ann given 0"}},
		"CreateSession, which takes who waits": {func(e sso.Event) error {
			login, who := claiming("s2", "S-9", sso.NewToken().Hash(), byInvite), ""
			claim := login.Claim
			login.Claim = func(waiting []sso.Claimant) (sso.User, error) {
				who = waiting[0].ID
				return claim(waiting)
			}
			login.Events = func() []sso.Event {
				e.UserID = who // which shows that it was decided before
				return []sso.Event{e, e}
			}
			return s.CreateSession(ctx, login)
		}, []string{"x key reason wait given 0", "x key reason wait given 0"}},
		"CreateSession, the first": {func(e sso.Event) error {
			login, _ := firstLogin("bob", "s2", sso.NewToken().Hash())
			login.Events = func() []sso.Event { return []sso.Event{e} }
			return s.CreateSession(ctx, login)
		}, []string{"x key reason given given 0"}},
	}
}

func actsOnOthers(t *testing.T, s store.Store) map[string]act {
	ctx := t.Context()
	return map[string]act{
		"AddRole":       {func(e sso.Event) error { return s.AddRole(ctx, sso.Role{ID: "r", Name: "R"}, e) }, []string{"x key reason given given 0"}},
		"RenameRole":    {func(e sso.Event) error { return s.RenameRole(ctx, "role", "other", e) }, []string{"x key reason given given 0"}},
		"RemoveRole":    {func(e sso.Event) error { return only(s.RemoveRole(ctx, "role", nil, e)) }, []string{"x key reason given given 0"}},
		"AddUser":       {func(e sso.Event) error { return s.AddUser(ctx, someUser("bob", "corp", "s-2"), e) }, []string{"x key reason given given 0"}},
		"AddUser, bare": {func(e sso.Event) error { return s.AddUser(ctx, sso.User{ID: "bob", Status: sso.UserInvited}, e) }, []string{"x key reason given given 0"}},
		"AddUser, waiting": {func(e sso.Event) error {
			return s.AddUser(ctx, sso.User{ID: "bob", Status: sso.UserInvited}, e, byName, byEmail)
		}, []string{"x key reason given given 0"}},
		"AddClaim":       {func(e sso.Event) error { return s.AddClaim(ctx, "wait", byName, e) }, []string{"x key reason given given 0"}},
		"AddClaim, anew": {func(e sso.Event) error { return s.AddClaim(ctx, "wait", sso.NewInvitationToken().Claim(), e) }, []string{"x key reason given given 0"}},
		"ChangeUser": {func(e sso.Event) error {
			_, _, err := s.ChangeUser(ctx, "ann", func(*sso.User) ([]sso.Event, error) { return []sso.Event{e, e}, nil })
			return err
		}, []string{"x key reason given given 0", "x key reason given given 0"}},
		"ChangeUser, suspending": {func(e sso.Event) error {
			_, _, err := s.ChangeUser(ctx, "ann", func(u *sso.User) ([]sso.Event, error) {
				u.Status = sso.UserSuspended
				return []sso.Event{e}, nil
			})
			return err
		}, []string{"x key reason given given 1"}},
		"DeleteUser": {func(e sso.Event) error { return only(s.DeleteUser(ctx, "ann", e)) }, []string{"x key reason given given 1"}},
		"AddLink":    {func(e sso.Event) error { return s.AddLink(ctx, "ann", people.Link{Provider: "other", Subject: "a"}, e) }, []string{"x key reason given given 0"}},
		"RemoveLink": {func(e sso.Event) error {
			return only(s.RemoveLink(ctx, "ann", people.Link{Provider: "corp", Subject: "s-1"}, e))
		}, []string{"x key reason given given 1"}},
		"LinkByEmail": {func(e sso.Event) error {
			_, err := s.LinkByEmail(ctx, sso.EmailLink{Provider: "other", Subject: "a", Email: "ann@example.org", Trusted: []string{"corp"}, Event: e})
			return err
		}, []string{"x key reason ann given 0"}},
		"AddAdminKey": {func(e sso.Event) error {
			return s.AddAdminKey(ctx, people.Key{ID: "k", Name: "k"}, people.KeyHash{1}, e)
		}, []string{"x key reason given given 0"}},
		"RemoveAdminKey": {func(e sso.Event) error { return s.RemoveAdminKey(ctx, "key", e) }, []string{"x key reason given given 0"}},
		"AddSigningKey": {func(e sso.Event) error {
			return s.AddSigningKey(ctx, sso.SigningKey{ID: "k2", Sealed: []byte("x"), CreatedAt: start}, e)
		}, []string{"x key reason given given 0"}},
		"DeleteSigningKey": {func(e sso.Event) error { return s.DeleteSigningKey(ctx, "signing", e) }, []string{"x key reason given given 0"}},
		"ForgetSecret":     {func(e sso.Event) error { return s.ForgetSecret(ctx, e) }, []string{"x key reason given given 0"}},
	}
}

// forActs is a store that all acts find something in.
func forActs(t *testing.T, open func(t *testing.T) store.Store) store.Store {
	t.Helper()
	s := withUser(t, open)
	session := someSession("s1", "ann")
	session.AtProvider = sso.AtProvider{Subject: "s-1", LogoutSubject: "s-1"}
	mustCreateSession(t, s, session, sso.NewToken().Hash())
	mustWait(t, s, "wait", byInvite)
	for _, err := range []error{
		s.AddRole(t.Context(), sso.Role{ID: "role", Name: "Role"}, sso.Event{}),
		s.AddAdminKey(t.Context(), people.Key{ID: "key", Name: "key"}, people.KeyHash{2}, sso.Event{}),
		s.AddSigningKey(t.Context(), sso.SigningKey{ID: "signing", Sealed: []byte("x"), CreatedAt: start}, sso.Event{}),
	} {
		wantError(t, "preparing", err, nil)
	}
	return s
}

func testEventOfEach(t *testing.T, open func(t *testing.T) store.Store) {
	names := acts(t, nil)
	for name := range names {
		s := forActs(t, open)
		act, event := acts(t, s)[name], someEvent("x")
		event.UserID, event.SessionID = "given", "given"
		wantError(t, name+" without an event", act.do(sso.Event{}), nil)
		wantEqual(t, name+" without an event", shortly(mustEvents(t, s, people.EventFilter{})), nil)

		s = forActs(t, open)
		act = acts(t, s)[name]
		wantError(t, name, act.do(event), nil)
		wantEqual(t, name, shortly(mustEvents(t, s, people.EventFilter{})), act.want)
	}
}

// testNoEvents does what comes to nothing.
func testNoEvents(t *testing.T, open func(t *testing.T) store.Store) {
	s, e := forActs(t, open), someEvent("x")
	mustCreateUser(t, s, someUser("bob", "corp", "s-2"))
	ctx := t.Context()
	wantError(t, "spending", s.Spend(ctx, once("logout", "spent"), once("attempt", "spent")), nil)
	login, _ := someLogin(sso.NewToken().Hash())
	login.Session.ID, login.Events, login.Replaces, login.Replaced = "s2", func() []sso.Event { return []sso.Event{e} }, []string{"s1"}, e
	refused, spent := login, login
	refused.Once, refused.Decide = nil, refuse
	spent.Once = []sso.OnceID{once("attempt", "spent")}
	changed := func(id string) error {
		_, _, err := s.ChangeUser(ctx, id, func(*sso.User) ([]sso.Event, error) { return []sso.Event{e}, nil })
		return err
	}
	for name, err := range map[string]error{
		"a session that is gone":     s.EndSession(ctx, "gone", e),
		"a role that is there":       s.AddRole(ctx, sso.Role{ID: "role", Name: "x"}, e),
		"a role that is not there":   s.RenameRole(ctx, "gone", "x", e),
		"a key that is there":        s.AddAdminKey(ctx, people.Key{ID: "key", Name: "x"}, people.KeyHash{3}, e),
		"a key that is not there":    s.RemoveAdminKey(ctx, "gone", e),
		"a signing key that is gone": s.DeleteSigningKey(ctx, "gone", e),
		"a user who is not there":    changed("gone"),
		"a user who is there":        s.AddUser(ctx, sso.User{ID: "ann", Status: sso.UserActive}, e),
		"a claim of nobody":          s.AddClaim(ctx, "gone", byName, e),
		"a claim of who has a link":  s.AddClaim(ctx, "ann", byName, e),
		"what they wait for already": s.AddClaim(ctx, "wait", byInvite, e),
		"a link of another":          s.AddLink(ctx, "bob", people.Link{Provider: "corp", Subject: "s-1"}, e),
		"a link of theirs":           s.AddLink(ctx, "ann", people.Link{Provider: "corp", Subject: "s-1"}, e),
		"a login that is refused":    s.CreateSession(ctx, refused),
		"a login that is repeated":   s.CreateSession(ctx, spent),
	} {
		t.Log(name, err)
	}
	_, err := s.EndProviderSessions(ctx, sso.Selection{Provider: "corp", Subject: "s-1"}, e, once("logout", "spent"))
	wantError(t, "a logout that is repeated", err, sso.ErrSpent)
	_, err = s.RemoveRole(ctx, "gone", nil, e)
	wantError(t, "a role that is gone", err, sso.ErrNotFound)
	_, err = s.DeleteUser(ctx, "gone", e)
	wantError(t, "a user who is gone", err, sso.ErrNotFound)
	_, err = s.RemoveLink(ctx, "ann", people.Link{Provider: "gone"}, e)
	wantError(t, "a link that is gone", err, sso.ErrNotFound)
	_, _, err = s.ChangeUser(ctx, "ann", func(*sso.User) ([]sso.Event, error) { return []sso.Event{e}, errRefused })
	wantError(t, "a change that is refused", err, errRefused)
	_, err = s.LinkByEmail(ctx, sso.EmailLink{Provider: "corp", Subject: "s-1", Email: "ann@example.org", Trusted: []string{"corp"}, Event: e})
	wantError(t, "a link by e-mail that is there", err, nil)
	wantEqual(t, "events", shortly(mustEvents(t, s, people.EventFilter{})), nil)
}

func testEventRoundTrip(t *testing.T, open func(t *testing.T) store.Store) {
	s, full, empty := open(t), someEvent(sso.EventRoleAdded), sso.Event{At: start.UTC(), Kind: sso.EventRoleAdded}
	for i, e := range []sso.Event{full, empty} {
		wantError(t, "AddRole", s.AddRole(t.Context(), sso.NewRole(fmt.Sprint("r", i)), e), nil)
	}
	got := mustEvents(t, s, people.EventFilter{})
	for i := range got {
		got[i].ID = 0
	}
	wantEqual(t, "events", got, []sso.Event{full, empty})
}

func testHostileEvents(t *testing.T, open func(t *testing.T) store.Store) {
	s := open(t)
	for i, text := range []string{strings.Repeat("x", 100_000), strings.Repeat("ü", 1000), "\xff\xfe", "a\x00b", "\x1b[2J\r\n'; DROP TABLE events; --"} {
		e := sso.Event{
			At: start.UTC(), Kind: sso.EventRoleAdded, ActorName: text, Provider: text, Subject: text, UserID: text, SessionID: text,
			Address: text, UserAgent: text, Reason: text, Detail: text, RequestID: text,
		}
		if err := s.AddRole(t.Context(), sso.NewRole(fmt.Sprint("r", i)), e); err != nil {
			t.Errorf("an event with %.20q: %v", text, err)
		}
	}
	for _, e := range mustEvents(t, s, people.EventFilter{}) {
		for _, text := range []string{e.ActorName, e.Provider, e.Subject, e.UserID, e.SessionID, e.Address, e.UserAgent, e.Reason, e.Detail, e.RequestID} {
			if len(text) > 256 || strings.ToValidUTF8(text, "") != text {
				t.Errorf("stored %d bytes: %.40q", len(text), text)
			}
		}
	}
}

// keep stores an event by itself.
func keep(t *testing.T, s store.Store, e sso.Event) {
	t.Helper()
	if err := s.AddRole(t.Context(), sso.NewRole(sso.NewUUID()), e); err != nil {
		t.Fatal(err)
	}
}

func testFindEvents(t *testing.T, open func(t *testing.T) store.Store) {
	s := open(t)
	for i, e := range []sso.Event{
		{Kind: sso.EventSignedIn, UserID: "ann", SessionID: "s1", Provider: "corp"},
		{Kind: sso.EventSignedIn, UserID: "bob", SessionID: "s2", Provider: "corp"},
		{Kind: sso.EventSessionEnded, UserID: "ann", SessionID: "s1", Provider: "other"},
		{Kind: sso.EventRoleAdded},
	} {
		e.At, e.RequestID = start.Add(time.Duration(i)*time.Second).UTC(), fmt.Sprint(i)
		keep(t, s, e)
	}
	all := mustEvents(t, s, people.EventFilter{})
	for name, c := range map[string]struct {
		filter people.EventFilter
		want   string
	}{
		"all":                {people.EventFilter{}, "0123"},
		"since a moment":     {people.EventFilter{Since: start.Add(time.Second)}, "123"},
		"since just after":   {people.EventFilter{Since: start.Add(time.Second + time.Millisecond)}, "23"},
		"a user":             {people.EventFilter{User: "ann"}, "02"},
		"a session":          {people.EventFilter{Session: "s2"}, "1"},
		"a provider":         {people.EventFilter{Provider: "corp"}, "01"},
		"a kind":             {people.EventFilter{Kind: sso.EventSignedIn}, "01"},
		"after an ID":        {people.EventFilter{After: all[1].ID}, "23"},
		"all of it":          {people.EventFilter{Since: start, User: "ann", Session: "s1", Provider: "other", Kind: sso.EventSessionEnded, After: all[0].ID}, "2"},
		"nobody":             {people.EventFilter{User: "Ann"}, ""},
		"what is a wildcard": {people.EventFilter{Provider: "%"}, ""},
	} {
		got := ""
		for _, e := range mustEvents(t, s, c.filter) {
			got += e.RequestID
		}
		wantEqual(t, name, got, c.want)
	}
	last, err := s.LastEvents(t.Context(), people.EventFilter{Provider: "corp"}, 1)
	if err != nil || len(last) != 1 || last[0].RequestID != "1" {
		t.Errorf("the last of a provider: %+v, %v", last, err)
	}
	last, err = s.LastEvents(t.Context(), people.EventFilter{}, 3)
	if err != nil || len(last) != 3 || last[0].RequestID != "1" || last[2].RequestID != "3" {
		t.Errorf("the last three: %+v, %v", last, err)
	}
}

func testEventPages(t *testing.T, open func(t *testing.T) store.Store) {
	s, seen := open(t), ""
	for i := range 5 {
		keep(t, s, sso.Event{At: start, Kind: sso.EventSignedIn, RequestID: fmt.Sprint(i)})
	}
	part := people.Part{Limit: 2}
	for range 10 {
		found, next, err := s.FindEvents(t.Context(), people.EventFilter{}, part)
		wantError(t, "FindEvents", err, nil)
		for _, e := range found {
			seen += e.RequestID
		}
		if part.After = next; next == "" {
			break
		}
	}
	wantEqual(t, "all pages", seen, "01234")
	_, _, err := s.FindEvents(t.Context(), people.EventFilter{}, people.Part{After: "1 OR 1", Limit: 10})
	wantError(t, "a position that is none", err, people.ErrInvalid)
}

func testRemoveEvents(t *testing.T, open func(t *testing.T) store.Store) {
	s := open(t)
	n, err := s.RemoveEvents(t.Context(), start, 10)
	wantEqual(t, "removed of none", n, 0)
	wantError(t, "removing of none", err, nil)
	for i := range 5 {
		keep(t, s, sso.Event{At: start.Add(time.Duration(i) * time.Second), Kind: sso.EventSignedIn, RequestID: fmt.Sprint(i)})
	}
	before := mustEvents(t, s, people.EventFilter{})
	for _, c := range []struct {
		before time.Time
		limit  int
		want   int
	}{{start, 10, 0}, {start.Add(4 * time.Second), 3, 3}, {start.Add(4 * time.Second), 3, 1}, {start.Add(time.Hour), 3, 0}} {
		n, err := s.RemoveEvents(t.Context(), c.before, c.limit)
		wantError(t, "RemoveEvents", err, nil)
		wantEqual(t, "how many were removed", n, c.want)
	}
	keep(t, s, sso.Event{At: start, Kind: sso.EventSignedIn})
	left := mustEvents(t, s, people.EventFilter{})
	if len(left) != 2 || left[0].RequestID != "4" || left[1].ID <= before[4].ID {
		t.Errorf("left: %+v; want the newest, and one with a higher ID", left)
	}
}

func callsOfAudit(ctx context.Context, s store.Store) map[string]func() error {
	return map[string]func() error{
		"FindEvents":    func() error { _, _, err := s.FindEvents(ctx, people.EventFilter{}, people.Part{Limit: 1}); return err },
		"LastEvents":    func() error { _, err := s.LastEvents(ctx, people.EventFilter{}, 1); return err },
		"AddRefusals":   func() error { return s.AddRefusals(ctx, start, []sso.RefusalSum{{N: 1}}, start) },
		"FindRefusals":  func() error { _, _, err := s.FindRefusals(ctx, start, people.Part{Limit: 1}); return err },
		"CountSessions": func() error { _, err := s.CountSessions(ctx, start); return err },
		"RemoveEvents":  func() error { _, err := s.RemoveEvents(ctx, start, 1); return err },
	}
}
