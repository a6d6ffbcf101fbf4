package sso_test

import (
	"context"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
)

// waiting adds an account that waits for a login.
func (h *house) waiting(id string, status sso.UserStatus, claims ...sso.Claim) {
	h.t.Helper()
	user := sso.User{ID: id, Status: status, Role: "imported", FirstName: "Alice", CreatedAt: start}
	if err := h.store.AddUser(h.t.Context(), user, sso.Event{}, claims...); err != nil {
		h.t.Fatal(err)
	}
}

// closedHouse has providers with registration closed, unless change opens it.
func closedHouse(t *testing.T, change func(p *sso.Provider)) *house {
	p := provider("p")
	p.AllowPublicRegistration = false
	p.Spelled.AllowPublicRegistration = "AUTH_P_ALLOW_PUBLIC_REGISTRATION"
	if change != nil {
		change(&p)
	}
	other := provider("q")
	other.AllowPublicRegistration = false
	return newHouse(t, p, other)
}

func mustEmailClaim(t *testing.T, provider, email string) sso.Claim {
	t.Helper()
	claim, err := sso.EmailClaim(provider, email)
	if err != nil {
		t.Fatal(err)
	}
	return claim
}

// An imported identifier leads to the account once, at its provider, ignoring case.
func TestImportedAccountsAreClaimed(t *testing.T) {
	const dn = "uid=alice,ou=People,dc=example"
	trusts := func(p *sso.Provider) { p.LinkByVerifiedEmail = true }
	who := func(change func(i *sdk.Identity)) sdk.Identity {
		i := sdk.Identity{Subject: "6ba7b810", Aliases: []string{dn}, Email: "alice@example.org", EmailVerified: true}
		change(&i)
		return i
	}
	same := who(func(*sdk.Identity) {})
	for name, c := range map[string]struct {
		change     func(p *sso.Provider)
		identifier string
		identity   sdk.Identity
		want       error // nil: it is claimed
	}{
		"by an alias, which Directus stored in lower case": {nil, "uid=alice,ou=people,dc=example", same, nil},
		"by the subject in another case":                   {nil, "6BA7B810", same, nil},
		"by a name that is not ASCII":                      {nil, "uid=ÄLICE", who(func(i *sdk.Identity) { i.Aliases = []string{"uid=älice"} }), nil},
		"by a verified address, where that is trusted":     {trusts, "Alice@example.org", same, nil},
		"by an address where nobody says so":               {nil, "alice@example.org", same, sso.ErrNotRegistered},
		"D03 by an address that is not verified":           {trusts, "alice@example.org", who(func(i *sdk.Identity) { i.EmailVerified = false }), sso.ErrNotRegistered},
		"D04 by an odd address":                            {trusts, "a@b@example.org", who(func(i *sdk.Identity) { i.Email = "a@b@example.org" }), sso.ErrNotRegistered},
		"D05 by a letter that folds to an ASCII one":       {nil, "uid=kim", who(func(i *sdk.Identity) { i.Aliases = []string{"uid=\u212Aim"} }), sso.ErrNotRegistered},
		"D07 by the username":                              {nil, "alice", who(func(i *sdk.Identity) { i.Username = "alice" }), sso.ErrNotRegistered},
		"by a part of the name":                            {nil, "uid=alice", same, sso.ErrNotRegistered},
		"not at all":                                       {nil, "", same, sso.ErrNotRegistered},
	} {
		t.Run(name, func(t *testing.T) {
			h := closedHouse(t, c.change)
			h.waiting("imported", sso.UserActive, sso.IdentifierClaim("p", c.identifier))
			_, err := h.tryToSignIn(sso.Start{Provider: "q"}, c.identity)
			wantErr(t, "D01 at another provider", err, sso.ErrNotRegistered)
			done, err := h.tryToSignIn(sso.Start{}, c.identity)
			wantErr(t, "signing in", err, c.want)
			if c.want != nil {
				return
			}
			if done.User.ID != "imported" || !done.Claimed || done.User.Role != "imported" {
				t.Errorf("signed in: %+v", done)
			}
			foreign := c.identity
			foreign.Subject = "somebody else"
			_, err = h.tryToSignIn(sso.Start{}, foreign)
			wantErr(t, "another subject with the same names", err, sso.ErrNotRegistered)
			again := c.identity
			again.Aliases, again.Email = nil, "" // known by the subject alone from now on
			if done := h.signIn(sso.Start{}, again); done.User.ID != "imported" || done.Claimed {
				t.Errorf("once more: %+v", done)
			}
		})
	}
}

func TestWhoMayNotBeClaimed(t *testing.T) {
	claim := sso.IdentifierClaim("p", "alice")
	t.Run("two candidates", func(t *testing.T) {
		h := closedHouse(t, func(p *sso.Provider) { p.AllowPublicRegistration = true })
		h.waiting("one", sso.UserActive, claim)
		h.waiting("two", sso.UserSuspended, claim)
		_, err := h.tryToSignIn(sso.Start{}, alice())
		wantErr(t, "signing in", err, sso.ErrSeveralClaims)
		wantErr(t, "for people", err, sso.ErrNotRegistered)
	})
	for _, status := range []sso.UserStatus{"draft", sso.UserInvited, "unverified", sso.UserSuspended, "archived", "inactive-license", ""} {
		t.Run("status "+string(status), func(t *testing.T) {
			h := closedHouse(t, nil)
			h.waiting("one", status, claim)
			_, err := h.tryToSignIn(sso.Start{}, alice())
			wantErr(t, "signing in", err, sso.ErrUserInactive)
			claims, err := h.store.ClaimsOf(t.Context(), "one")
			if err != nil || len(claims) != 1 {
				t.Errorf("it waits for %v, %v", claims, err)
			}
		})
	}
	t.Run("who has an account", func(t *testing.T) {
		h := closedHouse(t, func(p *sso.Provider) { p.AllowPublicRegistration = true })
		own := h.signIn(sso.Start{}, alice()).User.ID
		h.waiting("one", sso.UserActive, claim)
		if done := h.signIn(sso.Start{}, alice()); done.User.ID != own || done.Claimed {
			t.Errorf("signed in: %+v", done)
		}
	})
}

// An account created with an address is taken by the user for whom the provider verifies
// it, if the operator allows that for the provider.
func TestClaimsByEmail(t *testing.T) {
	for name, c := range map[string]struct {
		trusted  bool
		verified bool
		want     error
	}{
		"trusted":        {true, true, nil},
		"not trusted":    {false, true, sso.ErrNotRegistered},
		"D03 unverified": {true, false, sso.ErrNotRegistered},
	} {
		t.Run(name, func(t *testing.T) {
			h := closedHouse(t, func(p *sso.Provider) { p.LinkByVerifiedEmail = c.trusted })
			h.waiting("one", sso.UserActive, mustEmailClaim(t, "p", "Alice@Example.org"))
			who := alice()
			who.EmailVerified = c.verified
			done, err := h.tryToSignIn(sso.Start{}, who)
			wantErr(t, "signing in", err, c.want)
			if c.want == nil && done.User.ID != "one" {
				t.Errorf("signed in: %+v", done.User)
			}
		})
	}
	for _, odd := range []string{"", "alice", "a@b@c", `"a"@b.org`, "a@b.org.", "ä@b.org", "a@b.org\x00"} {
		if _, err := sso.EmailClaim("p", odd); err == nil {
			t.Errorf("D04 a claim by %q", odd)
		}
	}
}

// A claim takes precedence over a link by e-mail address, and an address in another case
// is the same subject.
func TestClaimsBesideOtherWays(t *testing.T) {
	h := closedHouse(t, func(p *sso.Provider) { p.LinkByVerifiedEmail, p.IdentifierIgnoreCase = true, true })
	linkable := sso.User{ID: "linkable", Provider: "q", Subject: "x", Status: sso.UserActive, Email: "alice@example.org", EmailVerifiedBy: "p"}
	if err := h.store.AddUser(t.Context(), linkable, sso.Event{}); err != nil {
		t.Fatal(err)
	}
	h.waiting("one", sso.UserActive, sso.IdentifierClaim("p", "ALICE@example.org"))
	who := alice()
	who.Subject = "Alice@Example.org"
	if done := h.signIn(sso.Start{}, who); done.User.ID != "one" || !done.Claimed || done.Linked {
		t.Errorf("signed in: %+v", done)
	}
	who.Subject = "aliCE@example.org"
	if done := h.signIn(sso.Start{}, who); done.User.ID != "one" || done.Claimed {
		t.Errorf("in another case: %+v", done)
	}
}

// invite invites to an account until the given time.
func (h *house) invite(id string, until time.Time) sso.InvitationToken {
	h.t.Helper()
	token := sso.NewInvitationToken()
	claim := token.Claim()
	claim.ExpiresAt = until
	if err := h.store.AddClaim(h.t.Context(), id, claim, sso.Event{}); err != nil {
		h.t.Fatal(err)
	}
	return token
}

func TestInvitations(t *testing.T) {
	h := closedHouse(t, nil)
	h.waiting("one", sso.UserInvited)
	token := h.invite("one", start.Add(24*time.Hour))
	for range 3 { // opening it does not use it up, nor does beginning a login
		if user, err := h.Invited(t.Context(), token); err != nil || user.ID != "one" {
			t.Fatalf("opened: %+v, %v", user, err)
		}
		h.begin(sso.Start{Invitation: token})
	}
	h.idp.answer(func(context.Context, sdk.ContinueRequest) (sdk.Step, error) {
		return nil, sdk.Denied(sdk.ReasonCancelled, "no")
	})
	if _, err := h.Continue(t.Context(), answerTo(h.begin(sso.Start{Invitation: token}))); err == nil {
		t.Fatal("a cancelled login")
	}
	bob := sdk.Identity{Subject: "bob"}
	_, err := h.tryToSignIn(sso.Start{}, bob)
	wantErr(t, "a login that was not started from it", err, sso.ErrNotRegistered)

	late := h.begin(sso.Start{Invitation: token})
	done := h.signIn(sso.Start{Invitation: token, Provider: "q"}, alice())
	if done.User.ID != "one" || !done.Claimed || done.User.Status != sso.UserActive || done.User.Provider != "q" {
		t.Errorf("signed in: %+v", done)
	}
	h.idp.vouchFor(bob)
	_, err = h.Continue(t.Context(), answerTo(late))
	wantErr(t, "who comes second", err, sso.ErrInvitation)
	_, err = h.Invited(t.Context(), token)
	wantErr(t, "opened again", err, sso.ErrInvitation)
	_, err = h.Begin(t.Context(), sso.Start{Provider: "p", Invitation: token})
	wantErr(t, "begun again", err, sso.ErrInvitation)
	if done := h.signIn(sso.Start{Provider: "q"}, alice()); done.User.ID != "one" || done.Claimed {
		t.Errorf("without it: %+v", done)
	}
}

// A user who finishes in two windows is signed in in both.
func TestInvitationInTwoWindows(t *testing.T) {
	h := closedHouse(t, nil)
	h.waiting("one", sso.UserInvited)
	token := h.invite("one", time.Time{})
	first, second := h.begin(sso.Start{Invitation: token}), h.begin(sso.Start{Invitation: token})
	for _, pending := range []sso.Pending{first, second} {
		if out, err := h.Continue(t.Context(), answerTo(pending)); err != nil || out.SignedIn.User.ID != "one" {
			t.Errorf("signed in: %+v, %v", out.SignedIn, err)
		}
	}
}

func TestInvitationsThatDoNotHold(t *testing.T) {
	open := func(p *sso.Provider) { p.AllowPublicRegistration, p.LinkByVerifiedEmail = true, true }
	t.Run("expired before", func(t *testing.T) {
		h := closedHouse(t, open)
		h.waiting("one", sso.UserInvited)
		_, err := h.Begin(t.Context(), sso.Start{Provider: "p", Invitation: h.invite("one", start)})
		wantErr(t, "begun", err, sso.ErrInvitation)
	})
	t.Run("expired meanwhile", func(t *testing.T) {
		h := closedHouse(t, open)
		h.waiting("one", sso.UserInvited)
		pending := h.begin(sso.Start{Invitation: h.invite("one", start.Add(time.Second))})
		h.clock.advance(2 * time.Second)
		_, err := h.Continue(t.Context(), answerTo(pending))
		wantErr(t, "where registration is open", err, sso.ErrInvitation)
	})
	t.Run("who has an account", func(t *testing.T) {
		h := closedHouse(t, open)
		own := h.signIn(sso.Start{}, alice()).User.ID
		h.waiting("one", sso.UserInvited)
		token := h.invite("one", time.Time{})
		_, err := h.tryToSignIn(sso.Start{Invitation: token}, alice())
		wantErr(t, "signing in", err, sso.ErrInvitedOther)
		if user, err := h.Invited(t.Context(), token); err != nil || user.ID != "one" {
			t.Errorf("it is not used: %+v, %v", user, err)
		}
		if done := h.signIn(sso.Start{}, alice()); done.User.ID != own {
			t.Errorf("signed in: %+v", done.User)
		}
	})
	t.Run("suspended", func(t *testing.T) {
		h := closedHouse(t, open)
		h.waiting("one", sso.UserSuspended)
		_, err := h.Begin(t.Context(), sso.Start{Provider: "p", Invitation: h.invite("one", time.Time{})})
		wantErr(t, "begun", err, sso.ErrUserInactive)
	})
	for _, token := range []sso.InvitationToken{"x", sso.NewInvitationToken(), sso.NewInvitationToken() + "x"} {
		_, err := closedHouse(t, open).Begin(t.Context(), sso.Start{Provider: "p", Invitation: token})
		wantErr(t, "one that was never made", err, sso.ErrInvitation)
	}
	if token := sso.NewInvitationToken(); token.String() == string(token) {
		t.Error("a log would show the token")
	}
}
