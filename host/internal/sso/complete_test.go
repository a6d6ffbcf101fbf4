package sso_test

import (
	"context"
	"database/sql" //nolint:depguard // tests look at the tables as an operator would
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
)

// database opens the database beside the store, as an operator would.
func (h *house) database() *sql.DB {
	h.t.Helper()
	db, err := sql.Open("sqlite", h.path+"?_pragma=busy_timeout(5000)")
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = db.Close() })
	return db
}

func (h *house) count(table string) int {
	h.t.Helper()
	var n int
	if err := h.database().QueryRow("SELECT count(*) FROM " + table).Scan(&n); err != nil {
		h.t.Fatal(err)
	}
	return n
}

func (h *house) suspend(userID string) {
	h.t.Helper()
	result, err := h.database().Exec("UPDATE users SET status = 'suspended' WHERE id = ?", userID)
	if err != nil {
		h.t.Fatal(err)
	}
	if n, _ := result.RowsAffected(); n != 1 {
		h.t.Fatalf("%d users were suspended", n)
	}
}

func (h *house) user(provider, subject string) sso.User {
	h.t.Helper()
	user, err := h.store.UserByLink(h.t.Context(), provider, subject)
	if err != nil {
		h.t.Fatalf("finding the user: %v", err)
	}
	return user
}

func TestFirstAndSecondLogin(t *testing.T) {
	h := newHouse(t)
	first := h.signIn(sso.Start{}, alice())
	want := sso.User{
		Provider: "p", Subject: "alice", Status: sso.UserActive, Email: "alice@example.org",
		FirstName: "Alice", LastName: "A", CreatedAt: start, LastAccess: start,
	}
	if diff := cmp.Diff(want, first.User, cmpopts.IgnoreFields(sso.User{}, "ID")); diff != "" {
		t.Errorf("user (-want +got):\n%s", diff)
	}
	h.clock.advance(time.Hour)
	second := h.signIn(sso.Start{}, alice())
	want.ID, want.LastAccess = first.User.ID, start.Add(time.Hour)
	if diff := cmp.Diff(want, h.user("p", "alice")); diff != "" {
		t.Errorf("user after the second login (-want +got):\n%s", diff)
	}
	if second.Session.ID == first.Session.ID {
		t.Error("two logins share a session")
	}
}

func TestWhoIsWho(t *testing.T) {
	type login struct{ provider, subject, email string }
	for _, tc := range []struct {
		name   string
		logins []login
	}{
		{"D01 one subject at two providers", []login{{"p", "1001", ""}, {"q", "1001", ""}}},
		{"D02 one e-mail address at two providers", []login{{"p", "a", "v@example.org"}, {"q", "b", "v@example.org"}}},
		{"D02 one e-mail address, two subjects", []login{{"p", "a", "v@example.org"}, {"p", "b", "v@example.org"}}},
		{"D02 an e-mail address as subject", []login{{"p", "a", "v@example.org"}, {"q", "v@example.org", ""}}},
		{"D05 case", []login{{"p", "U1", ""}, {"p", "u1", ""}}},
		{"D05 spaces", []login{{"p", "u1", ""}, {"p", " u1", ""}, {"p", "u1 ", ""}}},
		{"D05 width", []login{{"p", "u1", ""}, {"p", "ｕ１", ""}, {"p", "u\u200b1", ""}}},
		{"D05 composed and decomposed", []login{{"p", "é", ""}, {"p", "e\u0301", ""}}},
		{"D05 number or text", []login{{"p", "1", ""}, {"p", "01", ""}, {"p", "1.0", ""}}},
		{"D06 a border moved", []login{{"p", "q:x", ""}, {"p:q", "x", ""}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := newHouse(t, provider("p"), provider("q"), provider("p:q"))
			seen := map[string]login{}
			for range 2 {
				for _, l := range tc.logins {
					done := h.signIn(sso.Start{Provider: l.provider}, sdk.Identity{Subject: l.subject, Email: l.email, EmailVerified: true})
					if other, ok := seen[done.User.ID]; ok && other != l {
						t.Errorf("%+v is signed in as %+v", l, other)
					}
					seen[done.User.ID] = l
				}
			}
			if len(seen) != len(tc.logins) {
				t.Errorf("%d users, want %d", len(seen), len(tc.logins))
			}
		})
	}
}

func TestD03RequireVerifiedEmail(t *testing.T) {
	for _, tc := range []struct {
		name     string
		required bool
		email    string
		verified bool
		want     error
	}{
		{"verified", true, "a@example.org", true, nil},
		{"not verified", true, "a@example.org", false, sso.ErrNotRegistered},
		{"verified, but none", true, "", true, sso.ErrNotRegistered},
		{"none", true, "", false, sso.ErrNotRegistered},
		{"not required, not verified", false, "a@example.org", false, nil},
		{"not required, none", false, "", false, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := provider("p")
			p.RequireVerifiedEmail = tc.required
			h := newHouse(t, p)
			_, err := h.tryToSignIn(sso.Start{}, sdk.Identity{Subject: "s", Email: tc.email, EmailVerified: tc.verified})
			wantErr(t, "signing in", err, tc.want)
			want := 1
			if tc.want != nil {
				want = 0
			}
			if n := h.count("users"); n != want {
				t.Errorf("%d users, want %d", n, want)
			}
		})
	}
}

func TestD03EmailIsNotExchangedForOneThatIsNotVerified(t *testing.T) {
	for _, required := range []bool{true, false} {
		p := provider("p")
		p.RequireVerifiedEmail, p.SyncUserInfo = required, true
		h := newHouse(t, p)
		h.signIn(sso.Start{}, alice())
		changed := alice()
		changed.Email, changed.EmailVerified, changed.GivenName = "victim@example.org", false, "Eve"
		got := h.signIn(sso.Start{}, changed).User
		want := "victim@example.org"
		if required {
			want = "alice@example.org"
		}
		if got.Email != want || h.user("p", "alice").Email != want || got.FirstName != "Eve" {
			t.Errorf("required %v: user %+v, want %s", required, got, want)
		}
		changed.EmailVerified = true
		if got := h.signIn(sso.Start{}, changed).User; got.Email != "victim@example.org" {
			t.Errorf("required %v: user %+v with a verified address", required, got)
		}
	}
}

func TestRegistrationIsClosed(t *testing.T) {
	h := newHouse(t)
	h.signIn(sso.Start{}, alice())
	closed := provider("p")
	closed.AllowPublicRegistration, closed.RequireVerifiedEmail = false, true
	h.providers.configure(closed)
	_, err := h.tryToSignIn(sso.Start{}, sdk.Identity{Subject: "bob", Email: "bob@example.org", EmailVerified: true})
	wantErr(t, "bob", err, sso.ErrNotRegistered)
	if h.count("users") != 1 || h.count("sessions") != 1 {
		t.Errorf("%d users, %d sessions", h.count("users"), h.count("sessions"))
	}
	// Whoever has an account stays able to sign in, whatever the rules are for
	// those who have none.
	known := alice()
	known.EmailVerified = false
	h.signIn(sso.Start{}, known)
}

func TestRoles(t *testing.T) {
	rules := []sso.RoleRule{{Group: "admins", Role: "admin"}, {Group: "staff", Role: "editor"}, {Group: "admins", Role: "never"}}
	for _, tc := range []struct {
		name   string
		rules  []sso.RoleRule
		groups []string
		want   string
	}{
		{"no rules", nil, []string{"admins"}, "default"},
		{"no group", rules, nil, "default"},
		{"another group", rules, []string{"guests"}, "default"},
		{"one", rules, []string{"staff"}, "editor"},
		{"the first rule wins, not the first group", rules, []string{"staff", "admins"}, "admin"},
		{"D12 case", rules, []string{"Admins", "ADMINS"}, "default"},
		{"D12 spaces", rules, []string{"admins ", " admins"}, "default"},
		{"D12 width", rules, []string{"ａdmins"}, "default"},
		{"D12 the same one twice", rules, []string{"staff", "staff"}, "editor"},
		{"D12 an empty group", []sso.RoleRule{{Group: "admins", Role: "admin"}}, []string{""}, "default"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := provider("p")
			p.DefaultRole, p.RoleMapping = "default", tc.rules
			h := newHouse(t, p)
			if got := h.signIn(sso.Start{}, sdk.Identity{Subject: "s", Groups: tc.groups}).User.Role; got != tc.want {
				t.Errorf("role %q, want %q", got, tc.want)
			}
		})
	}
}

func TestD13RolesAreMappedAtEachLogin(t *testing.T) {
	p := provider("p")
	p.DefaultRole, p.RoleMapping = "default", []sso.RoleRule{{Group: "admins", Role: "admin"}}
	h := newHouse(t, p)
	for _, tc := range []struct {
		groups []string
		want   string
	}{{nil, "default"}, {[]string{"admins"}, "admin"}, {nil, "default"}} {
		got := h.signIn(sso.Start{}, sdk.Identity{Subject: "s", Groups: tc.groups}).User
		if got.Role != tc.want || h.user("p", "s").Role != tc.want {
			t.Errorf("groups %v: role %q, want %q", tc.groups, got.Role, tc.want)
		}
	}
	h.signIn(sso.Start{}, sdk.Identity{Subject: "s", Groups: []string{"admins"}})
	p.RoleMapping, p.DefaultRole = nil, "other"
	h.providers.configure(p)
	if got := h.signIn(sso.Start{}, sdk.Identity{Subject: "s"}).User.Role; got != "admin" {
		t.Errorf("without rules the role becomes %q", got)
	}
}

func TestSyncUserInfo(t *testing.T) {
	for _, tc := range []struct {
		name string
		sync bool
		told sdk.Identity
		want sso.User
	}{
		{"off", false, sdk.Identity{Email: "new@example.org", GivenName: "N", FamilyName: "M"},
			sso.User{Email: "alice@example.org", FirstName: "Alice", LastName: "A"}},
		{"on", true, sdk.Identity{Email: "new@example.org", GivenName: "N", FamilyName: "M"},
			sso.User{Email: "new@example.org", FirstName: "N", LastName: "M"}},
		{"what is not told stays", true, sdk.Identity{GivenName: "N"},
			sso.User{Email: "alice@example.org", FirstName: "N", LastName: "A"}},
		{"spaces are not told", true, sdk.Identity{GivenName: "  ", FamilyName: "  M "},
			sso.User{Email: "alice@example.org", FirstName: "Alice", LastName: "M"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := provider("p")
			p.SyncUserInfo = tc.sync
			h := newHouse(t, p)
			h.signIn(sso.Start{}, alice())
			tc.told.Subject = "alice"
			h.signIn(sso.Start{}, tc.told)
			got := h.user("p", "alice")
			if got.Email != tc.want.Email || got.FirstName != tc.want.FirstName || got.LastName != tc.want.LastName {
				t.Errorf("user: %+v", got)
			}
		})
	}
}

func TestInactiveUser(t *testing.T) {
	p := provider("p")
	p.SyncUserInfo = true
	h := newHouse(t, p)
	h.suspend(h.signIn(sso.Start{}, alice()).User.ID)
	before := h.user("p", "alice")
	h.clock.advance(time.Hour)
	changed := alice()
	changed.GivenName = "Eve"
	_, err := h.tryToSignIn(sso.Start{}, changed)
	wantErr(t, "signing in", err, sso.ErrUserInactive)
	if diff := cmp.Diff(before, h.user("p", "alice")); diff != "" {
		t.Errorf("the login changed the user (-before +after):\n%s", diff)
	}
	if n := h.count("sessions"); n != 1 {
		t.Errorf("%d sessions, want the one before", n)
	}
}

func TestOnceID(t *testing.T) {
	h := newHouse(t, provider("p"), provider("q"))
	assertion := alice()
	assertion.OnceID, assertion.OnceUntil = "_assertion1", start.Add(time.Hour)
	h.signIn(sso.Start{}, assertion)
	refused := func(what string) {
		t.Helper()
		before := h.count("sessions")
		done, err := h.tryToSignIn(sso.Start{}, assertion)
		wantErr(t, what, err, sso.ErrSpent)
		if done != nil || h.count("sessions") != before {
			t.Errorf("%s: signed in", what)
		}
	}
	refused("H13 the same assertion again")
	h.restart()
	refused("H13 on another node")
	if err := h.store.Close(); err != nil {
		t.Fatal(err)
	}
	h.openStore()
	h.restart()
	refused("H13 after a restart")
	stranger := assertion
	stranger.Subject = "mallory"
	_, err := h.tryToSignIn(sso.Start{}, stranger)
	wantErr(t, "H13 for another subject", err, sso.ErrSpent)
	h.signIn(sso.Start{Provider: "q"}, assertion)
	assertion.OnceID = "_assertion2"
	h.signIn(sso.Start{}, assertion)
}

func TestOnceIDIsSpentOnceByMany(t *testing.T) {
	h := newHouse(t)
	assertion := alice()
	assertion.OnceID, assertion.OnceUntil = "_assertion1", start.Add(time.Hour)
	h.idp.vouchFor(assertion)
	var group sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		answer := answerTo(h.begin(sso.Start{}))
		group.Go(func() { _, errs[i] = h.Continue(t.Context(), answer) })
	}
	group.Wait()
	good := 0
	for _, err := range errs {
		if err == nil {
			good++
		} else {
			wantErr(t, "the same assertion", err, sso.ErrSpent)
		}
	}
	if good != 1 || h.count("sessions") != 1 {
		t.Errorf("%d logins and %d sessions with one assertion", good, h.count("sessions"))
	}
}

// The ID of an assertion must not be mistaken for that of an attempt.
func TestOnceIDThatIsAnAttempt(t *testing.T) {
	h := newHouse(t)
	victim := h.begin(sso.Start{})
	assertion := alice()
	assertion.OnceID, assertion.OnceUntil = sso.AttemptID(victim.Attempt.State), start.Add(time.Hour)
	h.signIn(sso.Start{}, assertion)
	h.idp.vouchFor(alice())
	if _, err := h.Continue(t.Context(), answerTo(victim)); err != nil {
		t.Errorf("the login of somebody else: %v", err)
	}
}

func TestFirstLoginsAtOnceMakeOneUser(t *testing.T) {
	h := newHouse(t)
	const tabs = 8
	var together sync.WaitGroup
	together.Add(tabs)
	h.idp.answer(func(context.Context, sdk.ContinueRequest) (sdk.Step, error) {
		together.Done()
		together.Wait()
		return sdk.Authenticated{Identity: alice()}, nil
	})
	var group sync.WaitGroup
	ids := make([]string, tabs)
	for i := range ids {
		answer := answerTo(h.begin(sso.Start{}))
		group.Go(func() {
			out, err := h.Continue(t.Context(), answer)
			if err != nil {
				t.Errorf("signing in: %v", err)
				return
			}
			ids[i] = out.SignedIn.User.ID
		})
	}
	group.Wait()
	for _, id := range ids {
		if id == "" || id != ids[0] {
			t.Errorf("users %v", ids)
		}
	}
	if h.count("users") != 1 || h.count("sessions") != tabs {
		t.Errorf("%d users, %d sessions", h.count("users"), h.count("sessions"))
	}
}

func TestIdentitiesThatAreFaults(t *testing.T) {
	for name, identity := range map[string]sdk.Identity{
		"D05 no subject":     {Email: "alice@example.org", EmailVerified: true},
		"D05 a long subject": {Subject: fmt.Sprintf("%256d", 1)},
		"D05 NUL":            {Subject: "alice\x00"},
		"D12 many groups":    {Subject: "alice", Groups: make([]string, sdk.MaxGroups+1)},
		"expired":            {Subject: "alice", ExpiresAt: start},
		"once-ID too long":   {Subject: "alice", OnceID: "o", OnceUntil: start.AddDate(1, 0, 0)},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			done, err := h.tryToSignIn(sso.Start{}, identity)
			wantErr(t, "signing in", err, sso.ErrPluginFault)
			if done != nil || h.count("users")+h.count("sessions")+h.count("once") != 0 {
				t.Errorf("signed in %+v, or written to the store", done)
			}
		})
	}
}

func TestL10StoreThatFails(t *testing.T) {
	h := newHouse(t)
	done := h.signIn(sso.Start{}, alice())
	answer := answerTo(h.begin(sso.Start{}))
	if err := h.store.Close(); err != nil {
		t.Fatal(err)
	}
	out, err := h.Continue(t.Context(), answer)
	if err == nil || out.SignedIn != nil {
		t.Errorf("signing in: %+v, %v", out, err)
	}
	who, err := h.Authenticate(t.Context(), done.Token)
	if err == nil || errors.Is(err, sso.ErrSessionInvalid) || who.User.ID != "" {
		t.Errorf("authenticating: %+v, %v", who, err)
	}
	if refreshed, err := h.Refresh(t.Context(), done.Token, sso.ModeSession); err == nil || refreshed != nil {
		t.Errorf("refreshing: %+v, %v", refreshed, err)
	}
	if err := h.Logout(t.Context(), done.Token); err == nil {
		t.Error("a logout that did not happen is no error")
	}
}
