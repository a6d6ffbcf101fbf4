package sso_test

import (
	"sync"
	"testing"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
)

// linking has three providers: p and q may link by verified addresses, r may not.
func linking(t *testing.T, change ...func(*sso.Provider)) *house {
	t.Helper()
	list := []sso.Provider{provider("p"), provider("q"), provider("r")}
	for i := range list[:2] {
		list[i].LinkByVerifiedEmail = true
	}
	for i := range list {
		for _, apply := range change {
			apply(&list[i])
		}
	}
	return newHouse(t, list...)
}

// at is an identity that the provider confirms.
func at(subject, email string, verified bool) sdk.Identity {
	return sdk.Identity{Subject: subject, Email: email, EmailVerified: verified}
}

func TestLinkByVerifiedEmail(t *testing.T) {
	const address = "ann@example.org"
	for _, tc := range []struct {
		name   string
		before map[string]sdk.Identity // by provider
		then   string                  // provider of the login
		as     sdk.Identity
		linked bool // to the user of p
	}{
		{"verified on both sides", map[string]sdk.Identity{"p": at("1", address, true)}, "q", at("2", address, true), true},
		{"in another case", map[string]sdk.Identity{"p": at("1", "Ann@Example.org", true)}, "q", at("2", "ANN@example.ORG", true), true},
		{"D03 not verified now", map[string]sdk.Identity{"p": at("1", address, true)}, "q", at("2", address, false), false},
		{"D03 an account whose address nobody verified", map[string]sdk.Identity{"p": at("1", address, false)}, "q", at("2", address, true), false},
		{"D02 an account whose address somebody else verified", map[string]sdk.Identity{"r": at("1", address, true)}, "q", at("2", address, true), false},
		{"D02 a provider that may not", map[string]sdk.Identity{"p": at("1", address, true)}, "r", at("2", address, true), false},
		{"no address", map[string]sdk.Identity{"p": at("1", "", true)}, "q", at("2", "", true), false},
		{"another address", map[string]sdk.Identity{"p": at("1", address, true)}, "q", at("2", "ann@example.com", true), false},
		{"a mailbox that was given to somebody else", map[string]sdk.Identity{"p": at("1", address, true)}, "p", at("2", address, true), false},
		{"one of two that nobody trusts does not count", map[string]sdk.Identity{"p": at("1", address, true), "r": at("1", address, true)}, "q", at("2", address, true), true},
		{"D04 two @", map[string]sdk.Identity{"p": at("1", "a@evil@example.org", true)}, "q", at("2", "a@evil@example.org", true), false},
		{"D04 quoted", map[string]sdk.Identity{"p": at("1", `"ann"@example.org`, true)}, "q", at("2", `"ann"@example.org`, true), false},
		{"D04 not ASCII", map[string]sdk.Identity{"p": at("1", "änn@example.org", true)}, "q", at("2", "änn@example.org", true), false},
		{"D04 the Kelvin sign", map[string]sdk.Identity{"p": at("1", "kim@example.org", true)}, "q", at("2", "\u212Aim@example.org", true), false},
		{"D04 a dot at the end", map[string]sdk.Identity{"p": at("1", "ann@example.org.", true)}, "q", at("2", "ann@example.org.", true), false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := linking(t)
			owner := ""
			for name, identity := range tc.before {
				id := h.signIn(sso.Start{Provider: name}, identity).User.ID
				if name == "p" || owner == "" {
					owner = id
				}
			}
			done := h.signIn(sso.Start{Provider: tc.then}, tc.as)
			if got := done.User.ID == owner; got != tc.linked || done.Linked != tc.linked {
				t.Errorf("leads to the account: %v, told %v, want %v", got, done.Linked, tc.linked)
			}
			again := h.signIn(sso.Start{Provider: tc.then}, tc.as)
			if again.User.ID != done.User.ID || again.Linked {
				t.Errorf("the next login: user %s, linked %v; want %s", again.User.ID, again.Linked, done.User.ID)
			}
		})
	}
}

// With registration closed, a link is the only way in, and the attempt is spent as usual.
func TestLinkWhereRegistrationIsClosed(t *testing.T) {
	h := linking(t)
	owner := h.signIn(sso.Start{Provider: "p"}, at("1", "ann@example.org", true)).User.ID
	closed := linking(t, func(p *sso.Provider) { p.AllowPublicRegistration = false })
	h.providers.configure(closed.providers.List()...)
	h.idp.vouchFor(at("2", "ann@example.org", true))
	answer := answerTo(h.begin(sso.Start{Provider: "q"}))
	if out, err := h.Continue(t.Context(), answer); err != nil || out.SignedIn.User.ID != owner {
		t.Fatalf("signing in: %+v, %v", out.SignedIn, err)
	}
	h.restart()
	if _, err := h.Continue(t.Context(), answer); err == nil {
		t.Error("the answer is good twice")
	}
	_, err := h.tryToSignIn(sso.Start{Provider: "q"}, at("3", "eve@example.org", true))
	wantErr(t, "a stranger", err, sso.ErrNotRegistered)
}

func TestNobodyIsLinkedToASuspendedUser(t *testing.T) {
	h := linking(t)
	h.suspend(h.signIn(sso.Start{Provider: "p"}, at("1", "ann@example.org", true)).User.ID)
	_, err := h.tryToSignIn(sso.Start{Provider: "q"}, at("2", "ann@example.org", true))
	wantErr(t, "signing in", err, sso.ErrUserInactive)
	if n := h.count("links"); n != 1 {
		t.Errorf("%d links, want 1", n)
	}
}

func TestNobodyIsLinkedToOneOfSeveral(t *testing.T) {
	h := linking(t)
	h.signIn(sso.Start{Provider: "p"}, at("1", "ann@example.org", true))
	h.signIn(sso.Start{Provider: "p"}, at("2", "ANN@example.org", true))
	_, err := h.tryToSignIn(sso.Start{Provider: "q"}, at("3", "ann@example.org", true))
	wantErr(t, "signing in", err, sso.ErrNotRegistered)
	wantErr(t, "signing in", err, sso.ErrSeveralUsers)
	if n := h.count("links"); n != 2 {
		t.Errorf("%d links, want 2", n)
	}
}

// The current setting decides: an address does not count if its provider is no longer
// trusted.
func TestLinkTrustIsThatOfNow(t *testing.T) {
	h := linking(t)
	owner := h.signIn(sso.Start{Provider: "p"}, at("1", "ann@example.org", true)).User.ID
	list := h.providers.List()
	list[0].LinkByVerifiedEmail = false
	h.providers.configure(list...)
	if got := h.signIn(sso.Start{Provider: "q"}, at("2", "ann@example.org", true)).User.ID; got == owner {
		t.Error("linked to an address that a provider without the option verified")
	}
}

// A new address is no longer verified by the provider that verified the old one.
func TestWhoVerifiedAnAddress(t *testing.T) {
	h := linking(t, func(p *sso.Provider) { p.SyncUserInfo = true })
	for _, step := range []struct {
		identity sdk.Identity
		want     string
	}{
		{at("1", "ann@example.org", false), ""},
		{at("1", "ann@example.org", true), "p"},
		{at("1", "", false), "p"},
		{at("1", "ann@example.org", false), ""},
		{at("1", "ann@example.org", true), "p"},
		{at("1", "victim@example.org", false), ""},
		{at("1", "victim@example.org", true), "p"},
	} {
		h.signIn(sso.Start{Provider: "p"}, step.identity)
		if got := h.user("p", "1").EmailVerifiedBy; got != step.want {
			t.Errorf("after %+v: verified by %q, want %q", step.identity, got, step.want)
		}
	}
}

// Another provider can replace a verified address only with a verified one.
func TestAnAddressIsExchangedByAnotherProvider(t *testing.T) {
	h := linking(t, func(p *sso.Provider) { p.SyncUserInfo = true })
	h.signIn(sso.Start{Provider: "p"}, at("1", "eve@example.org", true))
	h.signIn(sso.Start{Provider: "q"}, at("2", "eve@example.org", true)) // linked
	h.signIn(sso.Start{Provider: "p"}, at("1", "victim@example.org", false))
	if got := h.user("p", "1"); got.Email != "victim@example.org" || got.EmailVerifiedBy != "" {
		t.Errorf("%s, verified by %q", got.Email, got.EmailVerifiedBy)
	}
}

func TestLinksAtOnce(t *testing.T) {
	h := linking(t)
	owner := h.signIn(sso.Start{Provider: "p"}, at("1", "ann@example.org", true)).User.ID
	h.idp.vouchFor(at("2", "ann@example.org", true))
	var logins sync.WaitGroup
	for range 8 {
		pending := h.begin(sso.Start{Provider: "q"})
		logins.Go(func() {
			if out, err := h.Continue(t.Context(), answerTo(pending)); err != nil || out.SignedIn.User.ID != owner {
				t.Errorf("%+v, %v", out.SignedIn, err)
			}
		})
	}
	logins.Wait()
	if n := h.count("links"); n != 2 {
		t.Errorf("%d links, want 2", n)
	}
}

// A session belongs to its own provider: it continues if the provider that created the
// account is removed.
func TestSessionOfALinkOutlivesTheOtherProvider(t *testing.T) {
	h := linking(t)
	h.signIn(sso.Start{Provider: "p"}, at("1", "ann@example.org", true))
	done := h.signIn(sso.Start{Provider: "q", Mode: sso.ModeJSON}, at("2", "ann@example.org", true))
	h.providers.configure(h.providers.List()[1:]...)
	h.wantAccess("by an access token", done.Access, nil)
	h.refresh(done.Token, sso.ModeJSON)
}
