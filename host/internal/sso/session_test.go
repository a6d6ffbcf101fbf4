package sso_test

import (
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
)

// wantSession checks whether a session token is valid.
func (h *house) wantSession(what string, token sso.Token, want error) {
	h.t.Helper()
	who, err := h.Authenticate(h.t.Context(), token)
	wantErr(h.t, what, err, want)
	if (want == nil) != (who.User.ID != "") {
		h.t.Errorf("%s: principal %+v beside error %v", what, who, err)
	}
}

func (h *house) wantAccess(what, access string, want error) {
	h.t.Helper()
	who, err := h.AuthenticateAccess(h.t.Context(), access)
	wantErr(h.t, what, err, want)
	if (want == nil) != (who.User.ID != "") {
		h.t.Errorf("%s: principal %+v beside error %v", what, who, err)
	}
}

func (h *house) refresh(token sso.Token, mode sso.Mode) *sso.SignedIn {
	h.t.Helper()
	done, err := h.Refresh(h.t.Context(), token, mode)
	if err != nil {
		h.t.Fatalf("refreshing: %v", err)
	}
	return done
}

func (h *house) wantNoRefresh(what string, token sso.Token, mode sso.Mode, want error) {
	h.t.Helper()
	done, err := h.Refresh(h.t.Context(), token, mode)
	wantErr(h.t, what, err, want)
	if done != nil {
		h.t.Errorf("%s: signed in with an error: %+v", what, done)
	}
}

func TestA04Logout(t *testing.T) {
	for _, mode := range []sso.Mode{sso.ModeSession, sso.ModeCookie, sso.ModeJSON} {
		h := newHouse(t)
		done, other := h.signIn(sso.Start{Mode: mode}, alice()), h.signIn(sso.Start{}, alice())
		for range 2 {
			if _, err := h.Logout(t.Context(), done.Token); err != nil {
				t.Errorf("%s: logging out: %v", mode, err)
			}
		}
		h.wantNoRefresh(string(mode)+" after the logout", done.Token, mode, sso.ErrSessionInvalid)
		if mode == sso.ModeSession {
			h.wantSession("after the logout", done.Token, sso.ErrSessionInvalid)
		} else {
			h.wantAccess(string(mode)+" after the logout", done.Access, sso.ErrSessionInvalid)
		}
		h.wantSession("another session", other.Token, nil)
	}
}

func TestA04LogoutWithATokenThatWasReplaced(t *testing.T) {
	h := newHouse(t)
	first := h.signIn(sso.Start{}, alice())
	second := h.refresh(first.Token, sso.ModeSession)
	if _, err := h.Logout(t.Context(), first.Token); err != nil {
		t.Fatal(err)
	}
	h.wantSession("the session goes on", second.Token, sso.ErrSessionInvalid)
}

func TestA05Expiry(t *testing.T) {
	h := newHouse(t)
	session, refresh := h.signIn(sso.Start{}, alice()), h.signIn(sso.Start{Mode: sso.ModeJSON}, alice())
	h.clock.set(start.Add(accessTTL - time.Second))
	h.wantAccess("at the last moment", refresh.Access, nil)
	h.clock.set(start.Add(accessTTL))
	h.wantAccess("expired", refresh.Access, sso.ErrTokenExpired)
	h.clock.set(start.Add(sessionTTL - time.Millisecond))
	h.wantSession("at the last moment", session.Token, nil)
	h.clock.set(start.Add(sessionTTL))
	h.wantSession("idle for too long", session.Token, sso.ErrSessionNotNow)
	h.wantNoRefresh("idle for too long", session.Token, sso.ModeSession, sso.ErrSessionNotNow)
	h.clock.set(start.Add(refreshTTL))
	h.wantNoRefresh("idle for too long", refresh.Token, sso.ModeJSON, sso.ErrSessionNotNow)
}

func TestA05ActivityMovesTheExpiry(t *testing.T) {
	h := newHouse(t)
	token := h.signIn(sso.Start{}, alice()).Token
	for range 5 {
		h.clock.advance(sessionTTL - time.Second)
		done := h.refresh(token, sso.ModeSession)
		if done.ExpiresIn != sessionTTL || !done.Session.ExpiresAt.Equal(h.clock.Now().Add(sessionTTL)) {
			t.Errorf("refreshed: %+v", done)
		}
		token = done.Token
	}
	h.wantSession("the session", token, nil)
}

func TestA05ProviderBoundsTheSession(t *testing.T) {
	identity := alice()
	identity.ExpiresAt = start.Add(90 * time.Minute)
	for _, mode := range []sso.Mode{sso.ModeSession, sso.ModeJSON} {
		h := newHouse(t)
		done := h.signIn(sso.Start{Mode: mode}, identity)
		for range 8 {
			if done.TokenTTL != identity.ExpiresAt.Sub(h.clock.Now()) || done.ExpiresIn > done.TokenTTL || !done.Session.ExpiresAt.Equal(identity.ExpiresAt) {
				t.Errorf("%s after %v: %+v", mode, h.clock.Now().Sub(start), done)
			}
			h.clock.advance(11 * time.Minute)
			done = h.refresh(done.Token, mode)
		}
		h.clock.set(identity.ExpiresAt.Add(-time.Second))
		if mode == sso.ModeJSON {
			h.wantAccess("at the last moment", done.Access, nil)
		} else {
			h.wantSession("at the last moment", done.Token, nil)
		}
		h.clock.set(identity.ExpiresAt)
		h.wantNoRefresh("with constant activity", done.Token, mode, sso.ErrSessionNotNow)
		if mode == sso.ModeJSON {
			h.wantAccess("with constant activity", done.Access, sso.ErrTokenExpired)
		} else {
			h.wantSession("with constant activity", done.Token, sso.ErrSessionNotNow)
		}
	}
}

func TestA06UserThatIsSuspended(t *testing.T) {
	h := newHouse(t)
	session, refresh := h.signIn(sso.Start{}, alice()), h.signIn(sso.Start{Mode: sso.ModeJSON}, alice())
	h.suspend(session.User.ID)
	h.wantSession("suspended", session.Token, sso.ErrUserInactive)
	h.wantAccess("suspended", refresh.Access, sso.ErrUserInactive)
	h.wantNoRefresh("suspended", refresh.Token, sso.ModeJSON, sso.ErrUserInactive)
	h.wantNoRefresh("suspended", session.Token, sso.ModeSession, sso.ErrUserInactive)
	if n := h.count("sessions"); n != 0 {
		t.Errorf("%d sessions are left after refreshing", n)
	}
}

func TestG12KindsOfTokensAreNotMixedUp(t *testing.T) {
	h := newHouse(t)
	session, refresh := h.signIn(sso.Start{}, alice()), h.signIn(sso.Start{Mode: sso.ModeJSON}, alice())
	sealed := h.begin(sso.Start{}).Sealed
	for _, token := range []sso.Token{refresh.Token, sso.Token(refresh.Access), sso.Token(sealed), sso.Token(session.Session.ID), ""} {
		h.wantSession("as a session token", token, sso.ErrSessionInvalid)
		h.wantNoRefresh("as a session token", token, sso.ModeSession, sso.ErrSessionInvalid)
	}
	for _, token := range []sso.Token{session.Token, sso.Token(refresh.Access), sso.Token(sealed), sso.Token(refresh.Session.ID), ""} {
		h.wantNoRefresh("as a refresh token", token, sso.ModeJSON, sso.ErrSessionInvalid)
		h.wantNoRefresh("as a refresh token", token, sso.ModeCookie, sso.ErrSessionInvalid)
	}
	for _, token := range []sso.Token{session.Token, refresh.Token, sso.Token(sealed), ""} {
		h.wantAccess("as an access token", string(token), sso.ErrTokenInvalid)
	}
	h.wantSession("the session is unharmed", session.Token, nil)
	h.refresh(refresh.Token, sso.ModeJSON)
}

func TestAccessTokenOfAnotherUser(t *testing.T) {
	h := newHouse(t)
	mine, other := h.signIn(sso.Start{}, alice()), h.signIn(sso.Start{}, sdk.Identity{Subject: "bob"})
	access, err := h.tokens.Issue(t.Context(), sso.AccessClaims{
		UserID: other.User.ID, SessionID: mine.Session.ID, IssuedAt: start, ExpiresAt: start.Add(time.Minute),
	})
	if err != nil {
		t.Fatal(err)
	}
	h.wantAccess("with the session of somebody else", access, sso.ErrTokenInvalid)
}
