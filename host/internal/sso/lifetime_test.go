package sso_test

import (
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
)

// refreshUntil refreshes at intervals until the first refresh after that time.
func (h *house) refreshUntil(done *sso.SignedIn, end time.Time) *sso.SignedIn {
	h.t.Helper()
	mode := done.Mode
	for each := done.Session.ExpiresAt.Sub(h.clock.Now()) - time.Minute; h.clock.Now().Add(each).Before(end); {
		h.clock.advance(each)
		done = h.refresh(done.Token, mode)
		if want := end.Sub(h.clock.Now()); done.TokenTTL != want || done.ExpiresIn > want || done.Session.ExpiresAt.After(end) {
			h.t.Fatalf("%v before the end: %+v", want, done)
		}
	}
	return done
}

func TestA05AbsoluteExpiryWithConstantActivity(t *testing.T) {
	for _, mode := range modes {
		t.Run(string(mode), func(t *testing.T) {
			h, end := newHouse(t), start.Add(refreshEnd)
			if mode == sso.ModeSession {
				end = start.Add(sessionEnd)
			}
			done := h.signIn(sso.Start{Mode: mode}, alice())
			if !done.Session.NotAfter.Equal(end) || done.TokenTTL != end.Sub(start) {
				t.Errorf("signed in: %+v", done)
			}
			done = h.refreshUntil(done, end)
			h.clock.set(end.Add(-time.Millisecond))
			h.wantToken("at the last moment", done.Token, mode, nil)
			h.clock.set(end)
			h.wantToken("at the end", done.Token, mode, sso.ErrSessionNotNow)
			h.wantNoRefresh("at the end", done.Token, mode, sso.ErrSessionNotNow)
		})
	}
}

// The current setting shortens sessions that had more left, and extends none.
func TestAbsoluteLifetimeThatIsChanged(t *testing.T) {
	h := newHouse(t)
	done := h.signIn(sso.Start{}, alice())
	h.clock.advance(time.Hour)
	h.sessionEnd = 2 * sessionEnd
	h.restart()
	if done = h.refresh(done.Token, sso.ModeSession); !done.Session.NotAfter.Equal(start.Add(sessionEnd)) {
		t.Errorf("a longer one: it ends at %v", done.Session.NotAfter)
	}
	h.sessionEnd = 3 * time.Hour
	h.restart()
	want := h.clock.Now().Add(h.sessionEnd)
	for range 2 {
		if done = h.refresh(done.Token, sso.ModeSession); !done.Session.NotAfter.Equal(want) || !done.Session.ExpiresAt.Equal(want) {
			t.Errorf("a shorter one: it ends at %v, want %v", done.Session.NotAfter, want)
		}
		h.clock.advance(time.Hour)
	}
}

// A session from before there were absolute lifetimes gets one with its next refresh, and
// nobody is signed out before.
func TestSessionFromBeforeAbsoluteLifetimes(t *testing.T) {
	for _, mode := range modes {
		t.Run(string(mode), func(t *testing.T) {
			h := newHouse(t)
			done := h.signIn(sso.Start{Mode: mode}, alice())
			// The session is two years old.
			if _, err := h.database().Exec(`UPDATE sessions SET not_after = NULL, created_at = ?`, start.AddDate(-2, 0, 0).UnixMilli()); err != nil {
				t.Fatal(err)
			}
			h.wantToken("before a refresh", done.Token, mode, nil)
			h.clock.advance(time.Hour)
			end := h.clock.Now().Add(refreshEnd)
			if mode == sso.ModeSession {
				end = h.clock.Now().Add(sessionEnd)
			}
			done = h.refresh(done.Token, mode)
			if !done.Session.NotAfter.Equal(end) || done.TokenTTL != end.Sub(h.clock.Now()) {
				t.Errorf("refreshed: %+v", done)
			}
			done = h.refreshUntil(done, end)
			h.clock.set(end)
			h.wantToken("at the end", done.Token, mode, sso.ErrSessionNotNow)
		})
	}
}

// A clock that is years behind must not shorten the session: that would stay when the
// clock is right again.
func TestAbsoluteLifetimeByAClockThatIsWrong(t *testing.T) {
	h := newHouse(t)
	done := h.signIn(sso.Start{}, alice())
	h.clock.setBy(-50 * 365 * 24 * time.Hour)
	done = h.refresh(done.Token, sso.ModeSession)
	if !done.Session.NotAfter.Equal(start.Add(sessionEnd)) || done.TokenTTL != sessionEnd {
		t.Errorf("refreshed: %+v", done)
	}
}
