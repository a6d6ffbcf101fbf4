package sso_test

import (
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
)

// A session token that was replaced is good for a grace from that moment. A clock
// that is set back meanwhile must not make it good for longer, and must not end the
// session either: it goes on, and then everything is as it was.
func TestReplacedTokenWhileTheClockIsSetBack(t *testing.T) {
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
		t.Run(tc.name, func(t *testing.T) {
			h := newHouse(t)
			first := h.signIn(sso.Start{}, alice())
			h.clock.advance(time.Minute)
			second := h.refresh(first.Token, sso.ModeSession)
			replaced := h.clock.Now()
			h.clock.set(replaced.Add(-tc.back))
			h.wantSession("the replaced token", first.Token, tc.want)
			h.wantSession("the current token", second.Token, nil)
			if tc.want == nil {
				h.refresh(first.Token, sso.ModeSession)
			} else {
				h.wantNoRefresh("the replaced token", first.Token, sso.ModeSession, tc.want)
			}
			h.wantSession("the current token after that", second.Token, nil)
			h.clock.set(replaced.Add(time.Second))
			h.wantSession("within the grace", first.Token, nil)
			h.wantSession("the current token within the grace", second.Token, nil)
			h.clock.set(replaced.Add(grace + time.Millisecond))
			h.wantSession("after the grace", first.Token, sso.ErrSessionInvalid)
			h.wantNoRefresh("after the grace", first.Token, sso.ModeSession, sso.ErrTokenReused)
		})
	}
}

func TestTokenThatWasReplacedInTheFuture(t *testing.T) {
	h := newHouse(t)
	first := h.signIn(sso.Start{}, alice())
	begun := h.clock.Now()
	h.clock.advance(time.Hour) // by mistake
	second := h.refresh(first.Token, sso.ModeSession)
	h.clock.set(begun.Add(time.Minute))
	h.wantSession("the replaced token", first.Token, sso.ErrSessionNotNow)
	h.wantNoRefresh("the replaced token", first.Token, sso.ModeSession, sso.ErrSessionNotNow)
	third := h.refresh(second.Token, sso.ModeSession)
	h.wantSession("the current token", third.Token, nil)
}

// A refresh token has no grace, so the clock has no say: used again, it was stolen.
func TestReplacedRefreshTokenWhileTheClockIsSetBack(t *testing.T) {
	h := newHouse(t)
	first := h.signIn(sso.Start{Mode: sso.ModeJSON}, alice())
	h.clock.advance(time.Minute)
	h.refresh(first.Token, sso.ModeJSON)
	h.clock.advance(-30 * time.Second)
	h.wantNoRefresh("the thief", first.Token, sso.ModeJSON, sso.ErrTokenReused)
}
