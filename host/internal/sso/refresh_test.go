package sso_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
)

func withGrant(grant string) sdk.Identity {
	identity := alice()
	identity.Grant = []byte(grant)
	return identity
}

// refreshing has alice signed in with a grant.
func refreshing(t *testing.T, p sso.Provider) (*house, *sso.SignedIn) {
	t.Helper()
	h := newHouse(t, p)
	return h, h.signIn(sso.Start{}, withGrant("grant one"))
}

// overwriteGrant is an attack by somebody who can write to the database.
func (h *house) overwriteGrant(sessionID string, sealed []byte) {
	h.t.Helper()
	at, err := h.store.AtProvider(h.t.Context(), sessionID)
	wantErr(h.t, "AtProvider", err, nil)
	wantErr(h.t, "SwapGrants", h.store.SwapGrants(h.t.Context(), []sso.GrantSwap{{SessionID: sessionID, Old: at.SealedGrant, New: sealed}}), nil)
}

func TestA06RefreshAsksTheProvider(t *testing.T) {
	t.Run("A06 a person whom the provider refuses loses the session", func(t *testing.T) {
		h, done := refreshing(t, provider("p"))
		h.idp.refreshWith(sdk.Refreshed{}, sdk.Denied(sdk.ReasonAccountDisabled, "disabled"))
		_, err := h.Refresh(t.Context(), done.Token, sso.ModeSession)
		wantErr(t, "refresh", err, sso.ErrSessionInvalid)
		if sdk.ReasonOf(err) != sdk.ReasonAccountDisabled {
			t.Errorf("reason %q", sdk.ReasonOf(err))
		}
		_, err = h.Authenticate(t.Context(), done.Token)
		wantErr(t, "session afterwards", err, sso.ErrSessionInvalid)
	})
	t.Run("the grant is that of the login, and then the new one", func(t *testing.T) {
		h, done := refreshing(t, provider("p"))
		h.idp.refreshWith(sdk.Refreshed{Identity: withGrant("grant two")}, nil)
		done, err := h.Refresh(t.Context(), done.Token, sso.ModeSession)
		wantErr(t, "first", err, nil)
		h.idp.refreshWith(sdk.Refreshed{Identity: alice()}, nil) // no new one: the old one stays
		for range 2 {
			done, err = h.Refresh(t.Context(), done.Token, sso.ModeSession)
			wantErr(t, "next", err, nil)
		}
		if got := h.idp.grants(); len(got) != 3 || got[0] != "grant one" || got[1] != "grant two" || got[2] != "grant two" {
			t.Errorf("grants %q", got)
		}
	})
	t.Run("groups and names follow", func(t *testing.T) {
		p := provider("p")
		p.SyncUserInfo, p.RoleMapping, p.DefaultRole = true, []sso.RoleRule{{Group: "admins", Role: "admin"}}, "none"
		h, done := refreshing(t, p)
		changed := alice()
		changed.GivenName, changed.Groups = "Alicia", []string{"admins"}
		h.idp.refreshWith(sdk.Refreshed{Identity: changed}, nil)
		done, err := h.Refresh(t.Context(), done.Token, sso.ModeSession)
		wantErr(t, "refresh", err, nil)
		who, err := h.Authenticate(t.Context(), done.Token)
		if err != nil || who.User.Role != "admin" || who.User.FirstName != "Alicia" || done.User.Role != "admin" {
			t.Errorf("user %+v, error %v", who.User, err)
		}
	})
	t.Run("D12 groups that nobody knows change no role", func(t *testing.T) {
		p := provider("p")
		p.RoleMapping, p.DefaultRole = []sso.RoleRule{{Group: "admins", Role: "admin"}}, "none"
		h, done := refreshing(t, p)
		unknown := withGrant("grant two")
		unknown.GroupsUnknown, unknown.Groups = true, []string{"admins"}
		h.idp.refreshWith(sdk.Refreshed{Identity: unknown}, nil)
		again, err := h.Refresh(t.Context(), done.Token, sso.ModeSession)
		if err != nil || again.Unasked == nil || again.User.Role != done.User.Role {
			t.Fatalf("refresh: %+v, %v", again, err)
		}
		if _, err = h.Refresh(t.Context(), again.Token, sso.ModeSession); err != nil || h.idp.grants()[1] != "grant two" {
			t.Errorf("the new grant is lost: %q, %v", h.idp.grants(), err)
		}
	})
	t.Run("D15 the answer about somebody else ends the session", func(t *testing.T) {
		h, done := refreshing(t, provider("p"))
		mallory := alice()
		mallory.Subject = "mallory"
		h.idp.refreshWith(sdk.Refreshed{Identity: mallory}, nil)
		_, err := h.Refresh(t.Context(), done.Token, sso.ModeSession)
		wantErr(t, "refresh", err, sso.ErrPluginFault)
		_, err = h.Authenticate(t.Context(), done.Token)
		wantErr(t, "session afterwards", err, sso.ErrSessionInvalid)
	})
	t.Run("D15 an undecided answer about somebody else ends the session", func(t *testing.T) {
		h, done := refreshing(t, provider("p"))
		mallory := withGrant("grant of mallory")
		mallory.Subject = "mallory"
		h.idp.refreshWith(sdk.Refreshed{Identity: mallory, Undecided: sdk.Unavailable("down", "down")}, nil)
		_, err := h.Refresh(t.Context(), done.Token, sso.ModeSession)
		wantErr(t, "refresh", err, sso.ErrPluginFault)
	})
	t.Run("E12 a grant that was replaced is kept, although the provider could not say more", func(t *testing.T) {
		p := provider("p")
		p.SyncUserInfo, p.RoleMapping, p.DefaultRole = true, []sso.RoleRule{{Group: "admins", Role: "admin"}}, "none"
		h, done := refreshing(t, p)
		role := done.User.Role
		h.idp.refreshWith(sdk.Refreshed{
			Identity: sdk.Identity{Subject: alice().Subject, Grant: []byte("grant two")}, Undecided: sdk.Unavailable("down", "no user info"),
		}, nil)
		h.clock.advance(time.Hour)
		again, err := h.Refresh(t.Context(), done.Token, sso.ModeSession)
		if err != nil || again.Unasked == nil || !again.Session.ExpiresAt.Equal(done.Session.ExpiresAt) || again.User.Role != role || again.User.FirstName != done.User.FirstName {
			t.Fatalf("refresh: %+v, %v", again, err)
		}
		h.idp.refreshWith(sdk.Refreshed{Identity: alice()}, nil)
		_, err = h.Refresh(t.Context(), again.Token, sso.ModeSession)
		wantErr(t, "next", err, nil)
		if got := h.idp.grants(); len(got) != 2 || got[1] != "grant two" {
			t.Errorf("grants %q", got)
		}
	})
	t.Run("a session without a grant is not asked about", func(t *testing.T) {
		h := newHouse(t)
		done := h.signIn(sso.Start{}, alice())
		if _, err := h.Refresh(t.Context(), done.Token, sso.ModeSession); err != nil || len(h.idp.grants()) != 0 {
			t.Errorf("error %v, asked %q", err, h.idp.grants())
		}
	})
}

// A provider that is down signs nobody out, and extends no session.
func TestRefreshWhileTheProviderCannotSay(t *testing.T) {
	for name, fail := range map[string]error{
		"down":      sdk.Unavailable("down", "no answer"),
		"misset":    sdk.Misconfigured("client", "wrong secret"),
		"not valid": sdk.InvalidResponse("forged", "no good signature"),
		"fault":     errors.New("bug"),
	} {
		t.Run(name, func(t *testing.T) {
			h, done := refreshing(t, provider("p"))
			h.idp.refreshWith(sdk.Refreshed{}, fail)
			h.clock.advance(time.Hour)
			again, err := h.Refresh(t.Context(), done.Token, sso.ModeSession)
			if err != nil || again.Unasked == nil || !again.Session.ExpiresAt.Equal(done.Session.ExpiresAt) {
				t.Fatalf("refresh: %+v, %v", again, err)
			}
			h.clock.set(done.Session.ExpiresAt)
			_, err = h.Refresh(t.Context(), again.Token, sso.ModeSession)
			wantErr(t, "at the end of the session", err, sso.ErrSessionNotNow)
		})
	}
	t.Run("back again", func(t *testing.T) {
		h, done := refreshing(t, provider("p"))
		h.providers.setDown(sdk.Unavailable("plugin_down", "crashed"))
		h.clock.advance(time.Hour)
		done, err := h.Refresh(t.Context(), done.Token, sso.ModeSession)
		wantErr(t, "while down", err, nil)
		h.providers.setDown(nil)
		h.idp.refreshWith(sdk.Refreshed{Identity: alice()}, nil)
		done, err = h.Refresh(t.Context(), done.Token, sso.ModeSession)
		if err != nil || done.Unasked != nil || !done.Session.ExpiresAt.Equal(h.clock.Now().Add(sessionTTL)) {
			t.Errorf("refresh: %+v, %v", done, err)
		}
	})
}

func TestRefreshesAtOnceSpendOneGrant(t *testing.T) {
	h, done := refreshing(t, provider("p"))
	arrived, release := make(chan struct{}, 10), make(chan struct{})
	var asked atomic.Int32
	h.idp.onRefresh(func(context.Context, []byte) (sdk.Refreshed, error) {
		asked.Add(1)
		arrived <- struct{}{}
		<-release
		return sdk.Refreshed{Identity: withGrant("grant two")}, nil
	})
	var tabs sync.WaitGroup
	refresh := func() {
		if _, err := h.Refresh(t.Context(), done.Token, sso.ModeSession); err != nil {
			t.Error(err)
		}
	}
	tabs.Go(refresh)
	<-arrived
	// A caller that comes now waits for the first one, or, later, finds the new grant.
	for range 5 {
		tabs.Go(refresh)
	}
	close(release)
	tabs.Wait()
	got := h.idp.grants()
	for i, grant := range got {
		if (i == 0) != (grant == "grant one") {
			t.Errorf("grants %q: each may be used once", got)
		}
	}
}

func TestReplayedRefreshTokenAsksNobody(t *testing.T) {
	h := newHouse(t)
	done := h.signIn(sso.Start{Mode: sso.ModeJSON}, withGrant("g"))
	h.idp.refreshWith(sdk.Refreshed{Identity: alice()}, nil)
	_, err := h.Refresh(t.Context(), done.Token, sso.ModeJSON)
	wantErr(t, "first", err, nil)
	h.wantOneCurrent("within the grace", done.Session.ID, done.Token)
	h.clock.advance(grace)
	_, err = h.Refresh(t.Context(), done.Token, sso.ModeJSON)
	wantErr(t, "replay", err, sso.ErrTokenReused)
	if got := h.idp.grants(); len(got) != 1 {
		t.Errorf("asked %d times", len(got))
	}
}

func TestGrantIsEncryptedAndBoundToItsSession(t *testing.T) {
	h := newHouse(t)
	one := h.signIn(sso.Start{}, withGrant("the secret grant of one"))
	two := h.signIn(sso.Start{}, withGrant("the secret grant of two"))
	for _, suffix := range []string{"", "-wal"} {
		content, err := os.ReadFile(h.path + suffix)
		if err != nil || bytes.Contains(content, []byte("secret grant")) {
			t.Errorf("file %q: error %v, or the grant is readable", suffix, err)
		}
	}
	at, err := h.store.AtProvider(t.Context(), two.Session.ID)
	wantErr(t, "AtProvider", err, nil)
	h.overwriteGrant(one.Session.ID, at.SealedGrant)
	h.wantNoRefresh("a grant moved from another session", one.Token, sso.ModeSession, sso.ErrSessionInvalid)
	h.wantSession("the session with the moved grant", one.Token, sso.ErrSessionInvalid)
	h.wantSession("the other session", two.Token, nil)
	if len(h.idp.grants()) != 0 {
		t.Errorf("asked with %q", h.idp.grants())
	}
}
