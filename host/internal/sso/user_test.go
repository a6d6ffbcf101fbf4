package sso_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
)

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
	var user sso.User
	found := errors.New("found")
	err := h.store.CreateSession(h.t.Context(), sso.NewSession{
		Session: sso.Session{Provider: provider, AtProvider: sso.AtProvider{Subject: subject}},
		Decide: func(known *sso.User) (sso.User, error) { // so that nothing is written
			if known == nil {
				return user, sso.ErrNotFound
			}
			user = *known
			return user, found
		},
	})
	if !errors.Is(err, found) {
		h.t.Fatalf("finding the user: %v", err)
	}
	return user
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
	closed.Spelled.AllowPublicRegistration = "AUTH_P_ALLOW_PUBLIC_REGISTRATION"
	h.providers.configure(closed)
	_, err := h.tryToSignIn(sso.Start{}, sdk.Identity{Subject: "bob", Email: "bob@example.org", EmailVerified: true})
	wantErr(t, "bob", err, sso.ErrNotRegistered)
	for _, want := range []string{"provider p", `subject "bob"`, "set AUTH_P_ALLOW_PUBLIC_REGISTRATION to true"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
	if h.count("users") != 1 || h.count("sessions") != 1 {
		t.Errorf("%d users, %d sessions", h.count("users"), h.count("sessions"))
	}
	// Users with an account can still sign in, whatever the rules for new users are.
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

// TestD12UnknownGroups: if a rule needs groups, unknown groups are not treated as none.
func TestD12UnknownGroups(t *testing.T) {
	p := provider("p")
	p.DefaultRole, p.RoleMapping = "default", []sso.RoleRule{{Group: "suspended", Role: "none"}}
	h := newHouse(t, p)
	unknown := sdk.Identity{Subject: "s", GroupsUnknown: true}
	_, err := h.tryToSignIn(sso.Start{}, unknown)
	wantErr(t, "a rule needs them", err, sdk.ErrInvalidResponse)
	if reason := sdk.ReasonOf(err); reason != "groups_unknown" {
		t.Errorf("reason %s", reason)
	}
	p.RoleMapping = nil
	h.providers.configure(p)
	if got := h.signIn(sso.Start{}, unknown).User.Role; got != "default" {
		t.Errorf("nobody needs them: role %q", got)
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

func TestMaySignIn(t *testing.T) {
	for _, status := range append(sso.UserStatuses(), "", "of another version") {
		err := sso.User{Status: status}.MaySignIn()
		if inactive := errors.Is(err, sso.ErrUserInactive); inactive != (status != sso.UserActive) {
			t.Errorf("%q: %v", status, err)
		}
		if suspended := errors.Is(err, sso.ErrUserSuspended); suspended != (status == sso.UserSuspended) {
			t.Errorf("%q: %v", status, err)
		}
	}
}
