package sso_test

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/people"
	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
)

// events returns the events in the audit.
func (h *house) events() []sso.Event {
	h.t.Helper()
	events, _, err := h.store.FindEvents(h.t.Context(), people.EventFilter{}, people.Part{Limit: 1000})
	if err != nil {
		h.t.Fatal(err)
	}
	return events
}

// wantEvents checks the events after the first n, as kind, actor, reason and detail.
func (h *house) wantEvents(what string, before int, want ...string) {
	h.t.Helper()
	var got []string
	for _, e := range h.events()[before:] {
		got = append(got, strings.TrimSpace(fmt.Sprintf("%s by %s %s %s", e.Kind, e.Actor, e.Reason, e.Detail)))
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		h.t.Errorf("%s:\n%s\nwant:\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestEventsOfLogins(t *testing.T) {
	p := provider("p")
	p.DefaultRole = "viewer"
	p.RoleMapping = []sso.RoleRule{{Group: "staff", Role: "editor"}}
	closed := provider("closed")
	closed.AllowPublicRegistration = false
	h := newHouse(t, p, closed)
	known := func() int { return len(h.events()) }

	n := known()
	first := h.signIn(sso.Start{}, alice())
	h.wantEvents("the first login", n, "role_added by host configuration viewer", "user_added by user first_login role viewer", "signed_in by user")

	n = known()
	again := h.signInReplacing(alice(), first.Token)
	h.wantEvents("a login that replaces a session", n, "session_ended by user replaced", "signed_in by user")
	if ended := h.events()[n]; ended.SessionID != first.Session.ID || ended.UserID != first.User.ID || ended.Provider != "p" {
		t.Errorf("the session that was replaced: %+v", ended)
	}

	n = known()
	staff := alice()
	staff.Groups = []string{"staff"}
	h.signIn(sso.Start{}, staff)
	h.wantEvents("a login with another role", n, "role_added by host configuration editor", "role_changed by provider  role editor, before: viewer", "signed_in by user")

	n = known()
	h.suspend(again.User.ID)
	for _, start := range []sso.Start{{}, {Provider: "closed"}} {
		if _, err := h.tryToSignIn(start, alice()); err == nil {
			t.Error("somebody signed in who may not")
		}
	}
	h.wantEvents("logins that are refused", n)
}

// The event of a login that takes a waiting account has the kind of claim.
func TestEventsOfClaims(t *testing.T) {
	h := closedHouse(t, func(p *sso.Provider) {
		p.LinkByVerifiedEmail = true
		p.RoleMapping = []sso.RoleRule{{Group: "staff", Role: "editor"}}
	})
	known := func() int { return len(h.events()) }
	who := func(subject string) sdk.Identity { return sdk.Identity{Subject: subject} }

	h.waiting("named", sso.UserActive, sso.IdentifierClaim("p", "old name"), mustEmailClaim(t, "p", "named@example.org"))
	named := who("named")
	named.Aliases = []string{"Old Name"}
	n := known()
	h.signIn(sso.Start{}, named)
	h.wantEvents("by an identifier", n, "user_linked by user imported", "role_changed by provider  no role, before: imported", "signed_in by user")
	linked := h.events()[n]
	if linked.UserID != "named" || linked.Provider != "p" || linked.Subject == "" || linked.SessionID == "" {
		t.Errorf("the link: %+v", linked)
	}
	n = known()
	h.signIn(sso.Start{}, named)
	h.wantEvents("once more", n, "signed_in by user")

	h.waiting("addressed", sso.UserActive, mustEmailClaim(t, "p", "alice@example.org"))
	n = known()
	h.signIn(sso.Start{}, alice())
	h.wantEvents("by an address", n, "user_linked by user verified_email", "role_changed by provider  no role, before: imported", "signed_in by user")

	h.waiting("invited", sso.UserInvited)
	token := h.invite("invited", start.Add(time.Hour))
	n = known()
	_, err := h.tryToSignIn(sso.Start{Invitation: token}, named)
	wantErr(t, "who has an account", err, sso.ErrInvitedOther)
	h.wantEvents("a login that is refused", n)
	h.signIn(sso.Start{Provider: "q", Invitation: token}, who("new"))
	h.wantEvents("by an invitation", n, "user_linked by user invitation", "user_activated by user invitation", "signed_in by user")
}

// An event has the actor, the address and the request, and neither the subject nor any
// claim.
func TestWhatAnEventTells(t *testing.T) {
	h := newHouse(t)
	ctx := sso.WithRequest(t.Context(), sso.Request{Address: netip.MustParseAddr("2001:db8::9"), ID: "0011223344556677"})
	answer := answerTo(h.begin(sso.Start{}))
	answer.Client = sso.Client{IP: "2001:db8::9", UserAgent: "Browser/1.0"}
	identity := alice()
	identity.Subject, identity.Email = "a-very-plain-subject", "plain@example.org"
	identity.Claims = map[string]any{"secret": "claim-of-alice"}
	h.idp.vouchFor(identity)
	out, err := h.Continue(ctx, answer)
	if err != nil {
		t.Fatal(err)
	}
	done := out.SignedIn
	e := h.events()[len(h.events())-1]
	hasher, err := sso.NewSubjectHasher(secret)
	if err != nil {
		t.Fatal(err)
	}
	want := sso.Event{
		ID: e.ID, At: start, Kind: sso.EventSignedIn, Actor: sso.ActorUser, Provider: "p", Subject: hasher.Hash("p", "a-very-plain-subject"),
		UserID: done.User.ID, SessionID: done.Session.ID, Address: "2001:db8::9", UserAgent: "Browser/1.0", RequestID: "0011223344556677",
	}
	if e != want {
		t.Errorf("event %+v\nwant  %+v", e, want)
	}
	for _, e := range h.events() {
		for _, secret := range []string{"plain", "claim", "Alice", string(done.Token)} {
			if strings.Contains(fmt.Sprintf("%+v", e), secret) {
				t.Errorf("%q is in %+v", secret, e)
			}
		}
	}
}

func TestSubjectHashes(t *testing.T) {
	one, err := sso.NewSubjectHasher(secret)
	if err != nil {
		t.Fatal(err)
	}
	other, err := sso.NewSubjectHasher([]byte("another secret that is long enough, for tests"))
	if err != nil {
		t.Fatal(err)
	}
	hash := one.Hash("a", "b:c")
	if len(hash) != 32 || hash != one.Hash("a", "b:c") {
		t.Errorf("hash %q", hash)
	}
	for what, another := range map[string]string{
		"D06 the colon elsewhere": one.Hash("a:b", "c"), "another provider": one.Hash("A", "b:c"), "another subject": one.Hash("a", "b:C"),
		"another SECRET": other.Hash("a", "b:c"), "no subject": one.Hash("a", ""), "nobody who hashes": (*sso.SubjectHasher)(nil).Hash("a", "b:c"),
	} {
		if another == hash {
			t.Errorf("%s: the same hash", what)
		}
	}
}

func TestEventsOfSessionsThatEnd(t *testing.T) {
	refuse := func(h *house, answer sdk.Refreshed, err error) func(*sso.SignedIn) {
		return func(done *sso.SignedIn) {
			h.idp.refreshWith(answer, err)
			if _, err := h.Refresh(t.Context(), done.Token, done.Mode); err == nil {
				t.Error("the refresh was not refused")
			}
		}
	}
	for name, c := range map[string]struct {
		end  func(h *house) func(*sso.SignedIn)
		want []string
	}{
		"a logout": {func(h *house) func(*sso.SignedIn) {
			return func(done *sso.SignedIn) { _, _ = h.Logout(t.Context(), done.Token) }
		}, []string{"session_ended by user logged_out"}},
		"a logout that is repeated": {func(h *house) func(*sso.SignedIn) {
			return func(done *sso.SignedIn) {
				for range 3 {
					_, _ = h.Logout(t.Context(), done.Token)
				}
			}
		}, []string{"session_ended by user logged_out"}},
		"a logout of all": {func(h *house) func(*sso.SignedIn) {
			return func(done *sso.SignedIn) {
				h.signIn(sso.Start{}, alice())
				_, _ = h.LogoutUser(t.Context(), done.User.ID)
			}
		}, []string{"signed_in by user", "session_ended by user logged_out_of_all", "session_ended by user logged_out_of_all"}},
		"a logout at the provider": {func(h *house) func(*sso.SignedIn) {
			return func(*sso.SignedIn) {
				h.idp.receiveWith(sdk.Logout{Subject: "alice"}, nil)
				_, _ = h.ReceiveLogout(t.Context(), sso.LogoutMessage{Provider: "p"})
			}
		}, []string{"session_ended by provider provider_logged_out"}},
		"the provider says no": {func(h *house) func(*sso.SignedIn) {
			return refuse(h, sdk.Refreshed{}, sdk.Denied(sdk.ReasonAccountDisabled, "gone"))
		}, []string{"session_ended by provider provider_refused account_disabled"}},
		"the provider tells of somebody else": {func(h *house) func(*sso.SignedIn) {
			return refuse(h, sdk.Refreshed{Identity: sdk.Identity{Subject: "eve"}}, nil)
		}, []string{"session_ended by provider other_subject"}},
		"a user who may not sign in": {func(h *house) func(*sso.SignedIn) {
			return func(done *sso.SignedIn) {
				h.suspend(done.User.ID)
				_, _ = h.Refresh(t.Context(), done.Token, done.Mode)
			}
		}, []string{"session_ended by host user_inactive"}},
		"a token that is used again": {func(h *house) func(*sso.SignedIn) {
			return func(done *sso.SignedIn) {
				h.idp.refreshWith(sdk.Refreshed{Identity: alice()}, nil)
				h.refresh(done.Token, done.Mode)
				h.clock.advance(2 * grace)
				_, _ = h.Refresh(t.Context(), done.Token, done.Mode)
			}
		}, []string{"session_ended by host token_reused"}},
		"a grant that was altered": {func(h *house) func(*sso.SignedIn) {
			return func(done *sso.SignedIn) {
				h.overwriteGrant(done.Session.ID, []byte("altered"))
				_, _ = h.Refresh(t.Context(), done.Token, done.Mode)
			}
		}, []string{"session_ended by host grant_unreadable"}},
		"refreshes": {func(h *house) func(*sso.SignedIn) {
			return func(done *sso.SignedIn) {
				h.idp.refreshWith(sdk.Refreshed{Identity: alice()}, nil)
				for range 3 {
					done = h.refresh(done.Token, done.Mode)
				}
			}
		}, nil},
		"a provider that is away": {func(h *house) func(*sso.SignedIn) {
			return func(done *sso.SignedIn) {
				h.idp.refreshWith(sdk.Refreshed{}, sdk.Unavailable("away", "away"))
				_, _ = h.Refresh(t.Context(), done.Token, done.Mode)
			}
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			identity := alice()
			identity.Grant = []byte("grant")
			done := h.signIn(sso.Start{}, identity)
			before := len(h.events())
			c.end(h)(done)
			h.wantEvents(name, before, c.want...)
		})
	}
}

// The client may have hung up: the event of the session's end is stored anyway.
func TestAnEventOfAClientThatWentAway(t *testing.T) {
	h := newHouse(t)
	done := h.signIn(sso.Start{}, alice())
	before := len(h.events())
	ctx, cancel := context.WithCancel(sso.WithRequest(t.Context(), sso.Request{ID: "r"}))
	cancel()
	if _, err := h.Logout(ctx, done.Token); err != nil {
		t.Fatal(err)
	}
	h.wantEvents("a logout", before, "session_ended by user logged_out")
	if e := h.events()[before]; e.RequestID != "r" {
		t.Errorf("request %q", e.RequestID)
	}
}

func TestEventsOfLinks(t *testing.T) {
	h := linking(t)
	first := h.signIn(sso.Start{Provider: "p"}, at("1", "ann@example.org", true))
	before := len(h.events())
	h.signIn(sso.Start{Provider: "q"}, at("2", "ann@example.org", true))
	h.wantEvents("a login that is linked", before, "user_linked by user verified_email", "signed_in by user")
	if e := h.events()[before]; e.UserID != first.User.ID || e.Provider != "q" || e.Subject == "" {
		t.Errorf("the link: %+v", e)
	}
}

func TestEventsOfRolesAtRefreshes(t *testing.T) {
	p := provider("p")
	p.DefaultRole, p.RoleMapping = "viewer", []sso.RoleRule{{Group: "staff", Role: "editor"}}
	h := newHouse(t, p)
	identity := alice()
	identity.Grant, identity.Groups = []byte("grant"), []string{"staff"}
	done := h.signIn(sso.Start{}, identity)
	before := len(h.events())
	identity.Groups = []string{"others"}
	h.idp.refreshWith(sdk.Refreshed{Identity: identity}, nil)
	done = h.refresh(done.Token, done.Mode)
	h.wantEvents("a refresh", before, "role_added by host configuration viewer", "role_changed by provider  role viewer, before: editor")
	if e := h.events()[before+1]; e.UserID != done.User.ID || e.SessionID != done.Session.ID {
		t.Errorf("the change: %+v", e)
	}
}
