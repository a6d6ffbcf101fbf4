package sso_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
)

var modes = []sso.Mode{sso.ModeSession, sso.ModeCookie, sso.ModeJSON}

// another is a second host on the same database.
func (h *house) another() *house {
	h.t.Helper()
	other := *h
	other.restart()
	return &other
}

func (h *house) wantSuccessor(what string, token sso.Token, mode sso.Mode, want sso.Token) {
	h.t.Helper()
	if got := h.refresh(token, mode); got.Token != want {
		h.t.Errorf("%s: a refresh gives another token", what)
	}
}

// wantOneCurrent checks that the session has one token that was not replaced.
func (h *house) wantOneCurrent(what, sessionID string, but ...sso.Token) {
	h.t.Helper()
	current := "session_tokens WHERE spent_at IS NULL AND session_pk = (SELECT pk FROM sessions WHERE id = '" + sessionID + "')"
	if n := h.count(current); n != 1 {
		h.t.Errorf("%s: %d current tokens", what, n)
	}
	for _, token := range but {
		if stored, err := h.store.SessionToken(h.t.Context(), token.Hash()); err != nil || stored.SpentAt.IsZero() {
			h.t.Errorf("%s: an old token is current, error %v", what, err)
		}
	}
}

// A hundred refreshes with one token, on two hosts, lead to one token.
func TestRefreshesAtOnceGetTheSameToken(t *testing.T) {
	for _, mode := range modes {
		t.Run(string(mode), func(t *testing.T) {
			h := newHouse(t)
			hosts := []*house{h, h.another()}
			first := h.signIn(sso.Start{Mode: mode}, alice())
			done := make([]*sso.SignedIn, 100)
			var tabs sync.WaitGroup
			for i := range done {
				tabs.Go(func() {
					var err error
					if done[i], err = hosts[i%2].Refresh(t.Context(), first.Token, mode); err != nil {
						t.Errorf("refreshing: %v", err)
					}
				})
			}
			tabs.Wait()
			h.wantOneCurrent("afterwards", first.Session.ID, first.Token)
			for _, got := range done {
				if got == nil || got.Token != done[0].Token || got.Mode != mode || (got.Access == "") != (mode == sso.ModeSession) {
					t.Fatalf("got %+v, first %+v", got, done[0])
				}
			}
			h.refresh(done[0].Token, mode)
		})
	}
}

// The tabs of one browser have one mode, but programs may mix json and cookie.
func TestRefreshesAtOnceInTwoModes(t *testing.T) {
	h := newHouse(t)
	first := h.signIn(sso.Start{Mode: sso.ModeJSON}, alice())
	var group sync.WaitGroup
	for i := range 8 {
		mode := modes[1+i%2]
		group.Go(func() {
			if done, err := h.Refresh(t.Context(), first.Token, mode); err != nil || done.Mode != mode {
				t.Errorf("%s: %+v, %v", mode, done, err)
			}
		})
	}
	group.Wait()
	h.wantOneCurrent("afterwards", first.Session.ID, first.Token)
}

func TestTokenWhoseSuccessorWasReplaced(t *testing.T) {
	for _, mode := range modes {
		t.Run(string(mode), func(t *testing.T) {
			h := newHouse(t)
			first := h.signIn(sso.Start{Mode: mode}, alice())
			second := h.refresh(first.Token, mode)
			h.wantToken("while its successor is current", first.Token, mode, nil)
			third := h.refresh(second.Token, mode)
			h.wantNoRefresh("the slow tab", first.Token, mode, sso.ErrSessionNotNow)
			wantErr(t, "Refreshable", h.Refreshable(t.Context(), first.Token, mode), sso.ErrSessionNotNow)
			h.wantSuccessor("the other one", second.Token, mode, third.Token)
			h.wantToken("the current token", third.Token, mode, nil)
			h.clock.advance(grace)
			h.wantToken("the current token after the grace", third.Token, mode, nil)
			h.wantNoRefresh("the slow tab after the grace", first.Token, mode, sso.ErrTokenReused)
			h.wantNoRefresh("the current token", third.Token, mode, sso.ErrSessionInvalid)
		})
	}
}

// The provider is asked once for each replaced token, however many callers present it,
// and whether they come during the request or later.
func TestOneQuestionForEachToken(t *testing.T) {
	for _, mode := range modes {
		h := newHouse(t)
		done := h.signIn(sso.Start{Mode: mode}, withGrant("grant one"))
		arrived, release := make(chan struct{}, 1), make(chan struct{})
		var asked atomic.Int32
		h.idp.onRefresh(func(context.Context, []byte) (sdk.Refreshed, error) {
			asked.Add(1)
			arrived <- struct{}{}
			<-release
			return sdk.Refreshed{Identity: withGrant("grant two")}, nil
		})
		got := make([]*sso.SignedIn, 10)
		var tabs sync.WaitGroup
		refresh := func(i int) {
			var err error
			if got[i], err = h.Refresh(t.Context(), done.Token, mode); err != nil {
				t.Errorf("%s: %v", mode, err)
			}
		}
		tabs.Go(func() { refresh(0) })
		<-arrived
		for i := range got[2:] {
			tabs.Go(func() { refresh(i + 2) })
		}
		close(release)
		tabs.Wait()
		refresh(1)
		if n := asked.Load(); n != 1 {
			t.Errorf("%s: the provider was asked %d times", mode, n)
		}
		for _, one := range got {
			if one.Token != got[0].Token {
				t.Fatalf("%s: two successors", mode)
			}
		}
		h.wantOneCurrent(string(mode), done.Session.ID, done.Token)
	}
}

// A provider may take so long that a grace which began with the request would be over
// before its answer.
func TestGraceCountsFromTheReplacement(t *testing.T) {
	h := newHouse(t)
	first := h.signIn(sso.Start{Mode: sso.ModeJSON}, withGrant("grant"))
	h.idp.onRefresh(func(context.Context, []byte) (sdk.Refreshed, error) {
		h.clock.advance(grace)
		return sdk.Refreshed{Identity: alice()}, nil
	})
	second := h.refresh(first.Token, sso.ModeJSON)
	if second.ExpiresIn != accessTTL || !second.Session.ExpiresAt.Equal(h.clock.Now().Add(refreshTTL)) {
		t.Errorf("refreshed: %+v", second)
	}
	h.wantSuccessor("the second tab", first.Token, sso.ModeJSON, second.Token)
}

func TestSessionThatEndsWhileItsProviderIsAsked(t *testing.T) {
	h := newHouse(t)
	first := h.signIn(sso.Start{Mode: sso.ModeJSON}, withGrant("grant"))
	h.idp.onRefresh(func(context.Context, []byte) (sdk.Refreshed, error) {
		h.clock.set(first.Session.ExpiresAt)
		return sdk.Refreshed{}, sdk.Unavailable("down", "down")
	})
	h.wantNoRefresh("when its time is over", first.Token, sso.ModeJSON, sso.ErrSessionNotNow)
}

// While the provider is down, tabs get the same successors as usual, and the grant that
// an undecided provider returned is kept for the next request.
func TestSuccessorsWhileTheProviderCannotSay(t *testing.T) {
	for name, answer := range map[string]sdk.Refreshed{
		"down":      {},
		"undecided": {Identity: withGrant("grant two"), Undecided: sdk.Unavailable("down", "no user info")},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			first := h.signIn(sso.Start{Mode: sso.ModeJSON}, withGrant("grant one"))
			h.idp.refreshWith(sdk.Refreshed{Identity: alice()}, nil)
			second := h.refresh(first.Token, sso.ModeJSON)
			var fail error
			if answer.Undecided == nil {
				fail = sdk.Unavailable("down", "no answer")
			}
			h.idp.refreshWith(answer, fail)
			h.clock.advance(time.Hour)
			third := h.refresh(second.Token, sso.ModeJSON)
			if third.Unasked == nil || !third.Session.ExpiresAt.Equal(second.Session.ExpiresAt) {
				t.Errorf("while it cannot say: %+v", third)
			}
			h.wantSuccessor("the second tab", second.Token, sso.ModeJSON, third.Token)
			h.wantOneCurrent("then", first.Session.ID, first.Token, second.Token)
			h.idp.refreshWith(sdk.Refreshed{Identity: alice()}, nil)
			fourth := h.refresh(third.Token, sso.ModeJSON)
			if fourth.Unasked != nil || !fourth.Session.ExpiresAt.Equal(h.clock.Now().Add(refreshTTL)) {
				t.Errorf("when it can again: %+v", fourth)
			}
			want := "grant one grant one grant one"
			if answer.Undecided != nil {
				want = "grant one grant one grant two"
			}
			if got := strings.Join(h.idp.grants(), " "); got != want {
				t.Errorf("asked with %q, want %q", got, want)
			}
		})
	}
}

// breaking is a store that fails at a rotation, before or after it.
type breaking struct {
	sso.Sessions
	after bool
}

var errBroken = errors.New("the connection to the database is broken")

func (s breaking) RotateToken(ctx context.Context, r sso.Rotation) error {
	if s.after {
		if err := s.Sessions.RotateToken(ctx, r); err != nil {
			return err
		}
	}
	return errBroken
}

// A client that got no answer presents its old token again: because the answer was lost,
// because nobody knows whether the store has written, or because the host died in
// between.
func TestRefreshWithoutAnAnswer(t *testing.T) {
	for _, mode := range modes {
		for name, after := range map[string]bool{"before the rotation": false, "after it": true} {
			t.Run(string(mode)+" "+name, func(t *testing.T) {
				h := newHouse(t)
				first := h.signIn(sso.Start{Mode: mode}, withGrant("grant"))
				h.idp.refreshWith(sdk.Refreshed{Identity: alice()}, nil)
				h.sessions = breaking{h.store, after}
				h.restart()
				h.wantNoRefresh("a store that breaks down", first.Token, mode, errBroken)
				h.openStore() // the host died, and nothing was closed
				h.restart()
				h.clock.advance(grace / 2)
				second := h.refresh(first.Token, mode)
				h.wantOneCurrent("after the restart", first.Session.ID, first.Token)
				h.wantSuccessor("another tab", first.Token, mode, second.Token)
				h.refresh(second.Token, mode)
				want := 2 + map[bool]int{false: 1, true: 0}[after] // questions
				if got := len(h.idp.grants()); got != want {
					t.Errorf("the provider was asked %d times, want %d", got, want)
				}
			})
		}
	}
}

// No file of the store opens a successor, and after the grace not even the old token
// does.
func TestA03SuccessorsInTheStore(t *testing.T) {
	h := newHouse(t)
	first, other := h.signIn(sso.Start{Mode: sso.ModeJSON}, alice()), h.signIn(sso.Start{}, alice())
	second := h.refresh(first.Token, sso.ModeJSON)
	h.refresh(other.Token, sso.ModeSession)
	for _, suffix := range []string{"", "-wal"} {
		content, err := os.ReadFile(h.path + suffix)
		if err != nil || strings.Contains(string(content), string(second.Token)) || strings.Contains(string(content), string(first.Token)) {
			t.Errorf("file %q: error %v, or a token is readable", suffix, err)
		}
	}
	stored := func(what string, want int) {
		t.Helper()
		wantErr(t, what, h.ForgetSuccessors(t.Context()), nil)
		if n := h.count("session_tokens WHERE successor IS NOT NULL"); n != want {
			t.Errorf("%s: %d successors are stored, want %d", what, n, want)
		}
	}
	h.clock.advance(grace)
	stored("within the grace", 2)
	h.clock.setBy(time.Hour)
	stored("by a clock that was set", 2)
	h.clock.setBy(-time.Hour)
	h.wantNoRefresh("while nobody knows", first.Token, sso.ModeJSON, sso.ErrSessionNotNow)
	h.clock.advance(grace)
	stored("after the grace", 0)
	h.wantToken("the current token", second.Token, sso.ModeJSON, nil)
	h.wantNoRefresh("the old token", first.Token, sso.ModeJSON, sso.ErrTokenReused)
}

// An attacker who writes to the database cannot move a successor to a token of their own.
func TestSuccessorOfAnotherToken(t *testing.T) {
	h := newHouse(t)
	mine, other := h.signIn(sso.Start{}, alice()), h.signIn(sso.Start{}, alice())
	h.refresh(mine.Token, sso.ModeSession)
	h.refresh(other.Token, sso.ModeSession)
	to, from := mine.Token.Hash(), other.Token.Hash()
	if _, err := h.database().ExecContext(t.Context(), `UPDATE session_tokens SET successor =
		(SELECT successor FROM session_tokens WHERE hash = ?) WHERE hash = ?`, from[:], to[:]); err != nil {
		t.Fatal(err)
	}
	if done, err := h.Refresh(t.Context(), mine.Token, sso.ModeSession); err == nil || done != nil {
		t.Errorf("got %+v, %v", done, err)
	}
}
