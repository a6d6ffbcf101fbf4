package sso_test

import (
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
)

const year = 365 * 24 * time.Hour

// Only a clock that runs evenly removes anything permanently.
func TestClock(t *testing.T) {
	type step struct {
		passes, setBy time.Duration
		removes       bool // what expired a day ago
		setLately     bool // within ten seconds
	}
	for name, steps := range map[string][]step{
		"even":                        {{0, 0, false, false}, {59 * time.Minute, 0, false, false}, {time.Minute, 0, true, false}, {year, 0, true, false}},
		"years ahead for a moment":    {{2 * time.Hour, 0, true, false}, {time.Second, 10 * year, false, true}, {time.Second, -10 * year, false, true}, {time.Hour, 0, true, false}},
		"years back for a moment":     {{2 * time.Hour, 0, true, false}, {time.Second, -50 * year, false, true}, {time.Second, 50 * year, false, true}, {time.Hour, 0, true, false}},
		"wrong at the start":          {{0, -50 * year, false, true}, {59 * time.Minute, 50 * year, false, true}, {59 * time.Minute, 0, false, false}, {time.Minute, 0, true, false}},
		"years ahead, and stays":      {{2 * time.Hour, 10 * year, false, true}, {59 * time.Minute, 0, false, false}, {time.Minute, 0, true, false}},
		"an hour ahead":               {{2 * time.Hour, time.Hour, true, true}, {10 * time.Second, 0, true, false}},
		"a little at a time":          {{2 * time.Hour, 8 * time.Hour, true, true}, {0, 8 * time.Hour, true, true}, {0, 8 * time.Hour, false, true}},
		"half a second, as clocks do": {{2 * time.Hour, time.Second / 2, true, false}, {0, -time.Second / 2, true, false}},
	} {
		t.Run(name, func(t *testing.T) {
			shown := &clock{now: start}
			c := sso.NewClock(shown.look)
			for i, s := range steps {
				shown.advance(s.passes)
				shown.setBy(s.setBy)
				before := c.RemoveBefore()
				if !before.IsZero() && !before.Equal(c.Now().Add(-24*time.Hour)) {
					t.Errorf("step %d: removes what expired before %v, at %v", i, before, c.Now())
				}
				if got := !before.IsZero(); got != s.removes {
					t.Errorf("step %d: removes %v, want %v", i, got, s.removes)
				}
				if got := c.SetWithin(10 * time.Second); got != s.setLately {
					t.Errorf("step %d: set lately %v, want %v", i, got, s.setLately)
				}
			}
		})
	}
}

func TestSystemClockGoesEvenly(t *testing.T) {
	c := sso.SystemClock()
	if now := c.Now(); time.Since(now).Abs() > time.Minute || c.SetWithin(time.Hour) || !c.RemoveBefore().IsZero() {
		t.Errorf("%v, set %v, removes before %v", now, c.SetWithin(time.Hour), c.RemoveBefore())
	}
}

// A clock that is wrong for a moment signs nobody out permanently.
func TestClockThatIsWrongForAMoment(t *testing.T) {
	for name, wrong := range map[string]time.Duration{"years ahead": 10 * year, "a day ahead": 25 * time.Hour, "years back": -50 * year} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			session, program := h.signIn(sso.Start{}, alice()), h.signIn(sso.Start{Mode: sso.ModeJSON}, alice())
			once := alice()
			once.OnceID, once.OnceUntil = "_assertion", start.Add(3*time.Hour)
			h.signIn(sso.Start{}, once)
			h.clock.advance(2 * time.Hour)
			h.refresh(session.Token, sso.ModeSession)
			h.clock.advance(time.Minute)
			h.clock.setBy(wrong)
			if _, err := h.Authenticate(t.Context(), session.Token); err == nil && wrong > 0 {
				t.Error("a replaced token is good by a clock that is ahead")
			}
			h.signIn(sso.Start{}, alice()) // logins remove what has expired
			h.signIn(sso.Start{}, alice())
			h.clock.setBy(-wrong)
			h.refresh(program.Token, sso.ModeJSON)
			_, err := h.tryToSignIn(sso.Start{}, once)
			wantErr(t, "H13 an assertion of before", err, sso.ErrSpent)
		})
	}
	t.Run("what has expired is told apart from what has ended", func(t *testing.T) {
		h := newHouse(t)
		done := h.signIn(sso.Start{}, alice())
		h.clock.setBy(10 * year)
		h.wantSession("by a clock years ahead", done.Token, sso.ErrSessionNotNow)
		wantErr(t, "Refreshable", h.Refreshable(t.Context(), done.Token, sso.ModeSession), sso.ErrSessionNotNow)
		h.wantNoRefresh("by a clock years ahead", done.Token, sso.ModeSession, sso.ErrSessionNotNow)
		h.clock.setBy(-10 * year)
		h.wantSession("when it is right again", done.Token, nil)
		h.wantSession("one that never was", sso.NewToken(), sso.ErrSessionInvalid)
	})
	t.Run("a second tab within the grace", func(t *testing.T) {
		h := newHouse(t)
		first := h.signIn(sso.Start{}, alice())
		second := h.refresh(first.Token, sso.ModeSession)
		h.clock.setBy(time.Minute)
		h.wantSession("the other tab", first.Token, sso.ErrSessionNotNow)
		h.wantNoRefresh("the other tab", first.Token, sso.ModeSession, sso.ErrSessionNotNow)
		h.wantSession("the first tab", second.Token, nil)
		h.clock.advance(grace)
		h.wantNoRefresh("the thief, later", first.Token, sso.ModeSession, sso.ErrTokenReused)
	})
	t.Run("A06 a refresh by a clock that is behind shortens nothing", func(t *testing.T) {
		h := newHouse(t)
		done := h.signIn(sso.Start{}, alice())
		h.clock.setBy(-50 * year)
		done = h.refresh(done.Token, sso.ModeSession)
		if done.TokenTTL != sessionEnd || done.ExpiresIn != sessionTTL {
			t.Errorf("the cookie lasts %v, the session %v", done.TokenTTL, done.ExpiresIn)
		}
		h.clock.setBy(50 * year)
		h.wantSession("when it is right again", done.Token, nil)
	})
}
