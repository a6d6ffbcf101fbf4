package sso_test

import (
	"testing"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
)

func TestD05IdentifiersInAnotherCase(t *testing.T) {
	for _, tc := range []struct {
		name          string
		ignore        bool
		first, second string
		same          bool
	}{
		{"as it is", false, "Ann@example.org", "ann@example.org", false},
		{"ignored", true, "Ann@Example.org", "ann@EXAMPLE.org", true},
		{"ignored, the small one first", true, "ann@example.org", "ANN@EXAMPLE.ORG", true},
		{"what is no address", true, "Ann", "ann", false},
		{"what is not ASCII", true, "Änn@example.org", "änn@example.org", false},
		{"the Kelvin sign", true, "kim@example.org", "\u212Aim@example.org", false},
		{"another address", true, "ann@example.org", "ann@example.com", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := provider("p")
			p.IdentifierIgnoreCase = tc.ignore
			h := newHouse(t, p)
			first := h.signIn(sso.Start{}, sdk.Identity{Subject: tc.first}).User.ID
			second := h.signIn(sso.Start{}, sdk.Identity{Subject: tc.second}).User.ID
			if (first == second) != tc.same {
				t.Errorf("one user: %v, want %v", first == second, tc.same)
			}
		})
	}
}

// A user who was stored with capitals in the address, before case was ignored, is still
// found.
func TestCaseIgnoredFromNowOn(t *testing.T) {
	p := provider("p")
	h := newHouse(t, p)
	before := h.signIn(sso.Start{}, sdk.Identity{Subject: "Ann@example.org"}).User.ID
	p.IdentifierIgnoreCase, p.AllowPublicRegistration = true, false
	h.providers.configure(p)
	if got := h.signIn(sso.Start{}, sdk.Identity{Subject: "Ann@example.org"}).User.ID; got != before {
		t.Error("the account of before is lost")
	}
	_, err := h.tryToSignIn(sso.Start{}, sdk.Identity{Subject: "Bob@example.org"})
	wantErr(t, "a stranger with capitals", err, sso.ErrNotRegistered)
}

// The provider may answer a refresh in another spelling than the login. If case matters
// again, that is refused, and ends nothing.
func TestRefreshInAnotherCase(t *testing.T) {
	p := provider("p")
	p.IdentifierIgnoreCase = true
	h := newHouse(t, p)
	spelled := func(subject string) sdk.Identity { return sdk.Identity{Subject: subject, Grant: []byte("grant")} }
	done := h.signIn(sso.Start{}, spelled("Ann@example.org"))
	h.idp.refreshWith(sdk.Refreshed{Identity: spelled("ANN@example.org")}, nil)
	done = h.refresh(done.Token, sso.ModeSession)
	p.IdentifierIgnoreCase = false
	h.providers.configure(p)
	_, err := h.Refresh(t.Context(), done.Token, sso.ModeSession)
	wantErr(t, "where case is heeded", err, sso.ErrSessionNotNow)
	h.wantSession("afterwards", done.Token, nil)
	h.idp.refreshWith(sdk.Refreshed{Identity: spelled("eve@example.org")}, nil)
	_, err = h.Refresh(t.Context(), done.Token, sso.ModeSession)
	wantErr(t, "somebody else", err, sso.ErrPluginFault)
}

// A logout message names people as the provider spells them.
func TestLogoutInTheSpellingOfTheProvider(t *testing.T) {
	p := provider("p")
	p.IdentifierIgnoreCase = true
	h := newHouse(t, p)
	done := h.signIn(sso.Start{}, sdk.Identity{Subject: "Ann@example.org"})
	ended, err := h.store.EndProviderSessions(t.Context(), sso.Selection{Provider: "p", Subject: "Ann@example.org"}, sso.Event{})
	if err != nil || len(ended) != 1 || ended[0].ID != done.Session.ID {
		t.Errorf("ended %v, %v", ended, err)
	}
}
