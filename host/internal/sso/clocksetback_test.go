package sso_test

import (
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
)

// A replaced token stays valid for the grace. If the clock is set back in the meantime,
// the token must not stay valid for longer, and the session must not end: it continues,
// and then everything is as before.
func TestReplacedTokenWhileTheClockIsSetBack(t *testing.T) {
	for _, mode := range []sso.Mode{sso.ModeSession, sso.ModeCookie, sso.ModeJSON} {
		for _, tc := range []struct {
			name string
			back time.Duration
			want error // of the token that was replaced
		}{
			{"by what nobody notices", time.Second, nil},
			{"by more", 3 * time.Second, sso.ErrSessionNotNow},
			{"by minutes", 5 * time.Minute, sso.ErrSessionNotNow},
			{"by a day", 24 * time.Hour, sso.ErrSessionNotNow},
		} {
			t.Run(string(mode)+" "+tc.name, func(t *testing.T) { testSetBack(t, mode, tc.back, tc.want) })
		}
	}
}

func testSetBack(t *testing.T, mode sso.Mode, back time.Duration, want error) {
	h := newHouse(t)
	first := h.signIn(sso.Start{Mode: mode}, alice())
	h.clock.advance(time.Minute)
	second := h.refresh(first.Token, mode)
	replaced := h.clock.Now()
	h.clock.set(replaced.Add(-back))
	h.wantToken("the replaced token", first.Token, mode, want)
	h.wantToken("the current token", second.Token, mode, nil)
	if want == nil {
		h.wantSuccessor("the replaced token", first.Token, mode, second.Token)
	} else {
		h.wantNoRefresh("the replaced token", first.Token, mode, want)
	}
	h.wantToken("the current token after that", second.Token, mode, nil)
	h.clock.set(replaced.Add(time.Second))
	h.wantToken("within the grace", first.Token, mode, nil)
	h.wantToken("the current token within the grace", second.Token, mode, nil)
	h.clock.set(replaced.Add(grace + time.Millisecond))
	h.wantToken("after the grace", first.Token, mode, sso.ErrSessionInvalid)
	h.wantNoRefresh("after the grace", first.Token, mode, sso.ErrTokenReused)
}

// wantToken checks whether a token is valid in its mode.
func (h *house) wantToken(what string, token sso.Token, mode sso.Mode, want error) {
	h.t.Helper()
	wantErr(h.t, what+", Refreshable", h.Refreshable(h.t.Context(), token, mode), want)
	who, err := h.Holder(h.t.Context(), token)
	wantErr(h.t, what+", Holder", err, want)
	if (want == nil) != (who.User.ID != "") {
		h.t.Errorf("%s: principal %+v with error %v", what, who, err)
	}
	if mode == sso.ModeSession {
		h.wantSession(what, token, want)
	}
}

func TestTokenThatWasReplacedInTheFuture(t *testing.T) {
	h := newHouse(t)
	first := h.signIn(sso.Start{}, alice())
	begun := h.clock.Now()
	h.clock.advance(time.Hour) // set wrong
	second := h.refresh(first.Token, sso.ModeSession)
	h.clock.set(begun.Add(time.Minute))
	h.wantSession("the replaced token", first.Token, sso.ErrSessionNotNow)
	h.wantNoRefresh("the replaced token", first.Token, sso.ModeSession, sso.ErrSessionNotNow)
	third := h.refresh(second.Token, sso.ModeSession)
	h.wantSession("the current token", third.Token, nil)
}

// Without a grace, the clock does not matter: a token that is used again was stolen.
func TestReplacedTokenWithoutAGrace(t *testing.T) {
	for _, mode := range []sso.Mode{sso.ModeSession, sso.ModeCookie, sso.ModeJSON} {
		h := newHouse(t)
		h.grace = 0
		h.restart()
		first := h.signIn(sso.Start{Mode: mode}, alice())
		h.clock.advance(time.Minute)
		second := h.refresh(first.Token, mode)
		if n := h.count("session_tokens WHERE successor IS NOT NULL"); n != 0 {
			t.Errorf("%s: %d successors are stored", mode, n)
		}
		h.clock.advance(-30 * time.Second)
		h.wantNoRefresh("the thief", first.Token, mode, sso.ErrTokenReused)
		h.wantNoRefresh("the owner", second.Token, mode, sso.ErrSessionInvalid)
	}
}
