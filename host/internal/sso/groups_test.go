package sso_test

import (
	"slices"
	"testing"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
)

func TestGroups(t *testing.T) {
	known := sso.NewGroups([]string{"staff", "admins", "staff", "a b", "Staff"})
	if want := []string{"staff", "admins", "a b", "Staff"}; !known.Known() || !slices.Equal(known.List(), want) {
		t.Errorf("known %v, %q, want %q", known.Known(), known.List(), want)
	}
	for group, want := range map[string]bool{
		"staff": true, "admins": true, "a b": true, "Staff": true,
		"": false, "STAFF": false, "staff ": false, "staf": false, "taff": false, "a": false, "b": false,
		"\n": false, "staff\n": false, "\nstaff": false, "staff\nadmins": false,
	} {
		if got := known.Has(group); got != want {
			t.Errorf("D12 is in %q: %v, want %v", group, got, want)
		}
	}
	for name, c := range map[string]struct {
		groups sso.Groups
		known  bool
	}{
		"none": {sso.NewGroups(nil), true}, "unknown": {"", false},
		"told to be unknown": {sso.GroupsOf(sdk.Identity{Groups: []string{"staff"}, GroupsUnknown: true}), false},
		"told to be none":    {sso.GroupsOf(sdk.Identity{}), true},
	} {
		if c.groups.Known() != c.known || c.groups.Has("staff") || c.groups.Has("") || len(c.groups.List()) != 0 {
			t.Errorf("%s: known %v, list %q", name, c.groups.Known(), c.groups.List())
		}
	}
}

// wantGroups checks the groups of the session of a token.
func (h *house) wantGroups(what string, token sso.Token, want sso.Groups) {
	h.t.Helper()
	who, err := h.Authenticate(h.t.Context(), token)
	if err != nil || who.Session.Groups != want {
		h.t.Errorf("%s: groups %q, error %v, want %q", what, who.Session.Groups, err, want)
	}
}

func TestGroupsAreKeptWithTheSession(t *testing.T) {
	h := newHouse(t)
	member := alice()
	member.Groups = []string{"staff", "admins"}
	cookie := h.signIn(sso.Start{Mode: sso.ModeSession}, member)
	h.wantGroups("after the login", cookie.Token, sso.NewGroups(member.Groups))
	bearer := h.signIn(sso.Start{Mode: sso.ModeJSON}, alice())
	if who, err := h.AuthenticateAccess(t.Context(), bearer.Access); err != nil || who.Session.Groups != sso.NewGroups(nil) || who.Session.ID != bearer.Session.ID {
		t.Errorf("by an access token: %+v, %v", who, err)
	}
	h.wantGroups("after a login elsewhere", cookie.Token, sso.NewGroups(member.Groups))
	unknown := alice()
	unknown.GroupsUnknown = true
	h.wantGroups("nobody knows them", h.signIn(sso.Start{Mode: sso.ModeSession}, unknown).Token, "")
}

// TestD13GroupsFollow: groups reported at a refresh replace the stored ones; groups that
// are not reported become unknown, and if the provider could not be asked, they stay.
func TestD13GroupsFollow(t *testing.T) {
	with := func(groups ...string) sdk.Identity {
		identity := withGrant("grant")
		identity.Groups = groups
		return identity
	}
	unknown := with("admins")
	unknown.GroupsUnknown = true
	for _, tc := range []struct {
		name  string
		rules []sso.RoleRule
		says  sdk.Refreshed
		err   error
		want  sso.Groups
	}{
		{"others", nil, sdk.Refreshed{Identity: with("guests")}, nil, sso.NewGroups([]string{"guests"})},
		{"none any more", nil, sdk.Refreshed{Identity: with()}, nil, sso.NewGroups(nil)},
		{"not known any more", nil, sdk.Refreshed{Identity: unknown}, nil, ""},
		{"not known any more, and a rule needs them", []sso.RoleRule{{Group: "admins", Role: "admin"}}, sdk.Refreshed{Identity: unknown}, nil, sso.NewGroups([]string{"staff"})},
		{"the provider is down", nil, sdk.Refreshed{}, sdk.Unavailable("down", "down"), sso.NewGroups([]string{"staff"})},
		{"the provider cannot decide", nil, sdk.Refreshed{Identity: with(), Undecided: sdk.Unavailable("down", "down")}, nil, sso.NewGroups([]string{"staff"})},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := provider("p")
			p.RoleMapping = tc.rules
			h := newHouse(t, p)
			h.idp.refreshWith(tc.says, tc.err)
			first := h.signIn(sso.Start{}, with("staff"))
			second, err := h.Refresh(t.Context(), first.Token, sso.ModeSession)
			if err != nil {
				t.Fatal(err)
			}
			h.wantGroups("after the refresh", second.Token, tc.want)
			h.wantGroups("by the token before, within the grace", first.Token, tc.want)
		})
	}
	t.Run("a session that nobody can be asked about", func(t *testing.T) {
		h, member := newHouse(t), alice()
		member.Groups = []string{"staff"}
		again := h.refresh(h.signIn(sso.Start{}, member).Token, sso.ModeSession)
		h.wantGroups("after the refresh", again.Token, sso.NewGroups(member.Groups))
	})
}

func TestUsernameIsKept(t *testing.T) {
	p := provider("p")
	for _, tc := range []struct {
		name        string
		sync        bool
		first, then string
		want        string
	}{
		{"of the first login", false, "ann", "anna", "ann"},
		{"of each login", true, "ann", "anna", "anna"},
		{"of somebody from before", false, "", "ann", "ann"},
		{"what is not told stays", true, "ann", "", "ann"},
	} {
		p.SyncUserInfo = tc.sync
		h := newHouse(t, p)
		for _, name := range []string{tc.first, tc.then} {
			h.signIn(sso.Start{}, sdk.Identity{Subject: "s", Username: name})
		}
		if got := h.user("p", "s").Username; got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}
