package sso_test

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
)

const (
	editorID = "6c1f7d3e-0b1a-4c5e-9a55-3f0d2f3c9b11"
	adminID  = "0f0e7a52-7f9e-4d0c-8a2b-5d8f2a6f1c22"
)

func (h *house) addRoles(roles ...sso.Role) {
	h.t.Helper()
	for _, role := range roles {
		if err := h.store.AddRole(h.t.Context(), role, sso.Event{}); err != nil {
			h.t.Fatal(err)
		}
	}
}

func (h *house) wantRoles(want ...sso.Role) {
	h.t.Helper()
	got, err := h.store.Roles(h.t.Context())
	if err != nil || !slices.Equal(got, want) {
		h.t.Errorf("roles %v, %v, want %v", got, err, want)
	}
}

// An environment of Directus has UUIDs, and no table of roles.
func TestRolesOfAConfiguration(t *testing.T) {
	editors, admins := sso.Role{ID: editorID, Name: "Editors"}, sso.Role{ID: adminID, Name: "admins"}
	for _, tc := range []struct {
		name    string
		there   []sso.Role
		written string
		want    string
		after   []sso.Role
	}{
		{"a UUID that nobody knows is made", nil, editorID, editorID, []sso.Role{{ID: editorID, Name: editorID}}},
		{"in capitals", nil, strings.ToUpper(editorID), editorID, []sso.Role{{ID: editorID, Name: editorID}}},
		{"a name that nobody knows is made", nil, "editor", "editor", []sso.Role{{ID: "editor", Name: "editor"}}},
		{"found by its ID", []sso.Role{editors, admins}, editorID, editorID, []sso.Role{editors, admins}},
		{"found by its ID in capitals", []sso.Role{editors}, strings.ToUpper(editorID), editorID, []sso.Role{editors}},
		{"found by its name", []sso.Role{editors, admins}, "admins", adminID, []sso.Role{editors, admins}},
		{"an ID comes before a name", []sso.Role{editors, {ID: adminID, Name: editorID + " "}, {ID: "other", Name: editorID}}, editorID, editorID, nil},
		{"D12 a name in another case is another", []sso.Role{editors}, "editors", "editors", []sso.Role{editors, {ID: "editors", Name: "editors"}}},
		{"none", []sso.Role{editors}, "", "", []sso.Role{editors}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := provider("p")
			p.RoleMapping = []sso.RoleRule{{Group: "g", Role: "other"}}
			p.DefaultRole = tc.written
			h := newHouse(t, p)
			h.addRoles(tc.there...)
			for range 2 {
				if got := h.signIn(sso.Start{}, alice()).User.Role; got != tc.want {
					t.Errorf("role %q, want %q", got, tc.want)
				}
			}
			if tc.after != nil {
				h.wantRoles(tc.after...)
			}
		})
	}
}

// Renaming a role changes nothing for its users, or for a configuration that names its
// ID.
func TestRenamedRole(t *testing.T) {
	p := provider("p")
	p.DefaultRole = editorID
	h := newHouse(t, p)
	h.signIn(sso.Start{}, alice())
	if err := h.store.RenameRole(t.Context(), editorID, "Editors", sso.Event{}); err != nil {
		t.Fatal(err)
	}
	if got := h.signIn(sso.Start{}, sdk.Identity{Subject: "bob"}).User.Role; got != editorID {
		t.Errorf("role of the next one: %q", got)
	}
	h.wantRoles(sso.Role{ID: editorID, Name: "Editors"})
	p.DefaultRole, p.RoleMapping = "", []sso.RoleRule{{Group: "g", Role: "Editors"}}
	for name, want := range map[string][]string{"Editors": {"p"}, "Others": nil} {
		if got := (sso.Role{ID: editorID, Name: name}).NamedBy([]sso.Provider{p, provider("q")}); !slices.Equal(got, want) {
			t.Errorf("named by %v, want %v", got, want)
		}
	}
}

func TestRolesMadeAtOnce(t *testing.T) {
	p := provider("p")
	p.DefaultRole = editorID
	h := newHouse(t, p)
	h.idp.vouchFor(alice())
	var logins sync.WaitGroup
	for range 8 {
		pending := h.begin(sso.Start{})
		logins.Go(func() {
			if out, err := h.Continue(t.Context(), answerTo(pending)); err != nil || out.SignedIn.User.Role != editorID {
				t.Errorf("%+v, %v", out.SignedIn, err)
			}
		})
	}
	logins.Wait()
	h.wantRoles(sso.Role{ID: editorID, Name: editorID})
}

func TestRolesByGroupName(t *testing.T) {
	roles := []sso.Role{{ID: "1", Name: "Admins"}, {ID: "2", Name: "Editors"}, {ID: "3", Name: "ÄRZTE"}, {ID: "4", Name: editorID}}
	for _, tc := range []struct {
		name   string
		groups []string
		want   string
	}{
		{"its group", []string{"others", "Editors"}, "2"},
		{"in any case", []string{"EDITORS"}, "2"},
		{"in any case, not only ASCII", []string{"ärzte"}, "3"},
		{"of several the first by name", []string{"Editors", "admins"}, "1"},
		{"no group of that name", []string{"Editors ", "Editor", ""}, "default"},
		{"no group", nil, "default"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := provider("p")
			p.RolesByGroupName, p.DefaultRole = true, "default"
			h := newHouse(t, p)
			h.addRoles(roles...)
			if got := h.signIn(sso.Start{}, sdk.Identity{Subject: "s", Groups: tc.groups}).User.Role; got != tc.want {
				t.Errorf("role %q, want %q", got, tc.want)
			}
		})
	}
	t.Run("D13 at each login and each refresh", func(t *testing.T) {
		p := provider("p")
		p.RolesByGroupName, p.DefaultRole = true, "default"
		h := newHouse(t, p)
		h.addRoles(roles...)
		editor, nobody := withGrant("grant"), withGrant("grant")
		editor.Groups = []string{"editors"}
		for _, step := range []struct {
			identity sdk.Identity
			want     string
		}{{nobody, "default"}, {editor, "2"}, {nobody, "default"}} {
			if got := h.signIn(sso.Start{}, step.identity).User.Role; got != step.want {
				t.Errorf("at a login: role %q, want %q", got, step.want)
			}
		}
		h.idp.refreshWith(sdk.Refreshed{Identity: nobody}, nil)
		if got := h.refresh(h.signIn(sso.Start{}, editor).Token, sso.ModeSession).User.Role; got != "default" {
			t.Errorf("at a refresh: role %q", got)
		}
	})
	t.Run("a mapping comes before", func(t *testing.T) {
		p := provider("p")
		p.RolesByGroupName, p.RoleMapping = true, []sso.RoleRule{{Group: "staff", Role: "Editors"}}
		h := newHouse(t, p)
		h.addRoles(roles...)
		if got := h.signIn(sso.Start{}, sdk.Identity{Subject: "s", Groups: []string{"admins", "staff"}}).User.Role; got != "2" {
			t.Errorf("role %q", got)
		}
	})
	t.Run("D12 unknown groups", func(t *testing.T) {
		p := provider("p")
		p.RolesByGroupName, p.Spelled.RolesByGroupName = true, "AUTH_P_ROLES_BY_GROUP_NAME"
		_, err := newHouse(t, p).tryToSignIn(sso.Start{}, sdk.Identity{Subject: "s", GroupsUnknown: true})
		wantErr(t, "signing in", err, sdk.ErrInvalidResponse)
		if sdk.ReasonOf(err) != "groups_unknown" || !strings.Contains(err.Error(), "AUTH_P_ROLES_BY_GROUP_NAME") {
			t.Errorf("refused with %v", err)
		}
	})
}

func TestCheckRole(t *testing.T) {
	for text, ok := range map[string]bool{
		"editor": true, "Éditeurs et amis": true, editorID: true, strings.Repeat("x", sso.MaxRole): true,
		"": false, strings.Repeat("x", sso.MaxRole+1): false, "a\nb": false, "a\x00": false, "\xff": false,
	} {
		if err := sso.CheckRole(text); (err == nil) != ok {
			t.Errorf("%.20q: %v", text, err)
		}
	}
	if a, b := sso.NewRole("x"), sso.NewRole("x"); a.ID == b.ID || a.Name != "x" || !a.CanBeGroup() || (sso.Role{ID: a.ID, Name: a.ID}).CanBeGroup() {
		t.Errorf("new roles %+v, %+v", a, b)
	}
}
