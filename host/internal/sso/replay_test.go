package sso_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
)

func TestAttemptsThatAreRefused(t *testing.T) {
	for _, tc := range []struct {
		name  string
		alter func(h *house, a *sso.Answer)
	}{
		{"A10 no attempt in the browser", func(_ *house, a *sso.Answer) { a.Sealed = "" }},
		{"A12 state of another browser", func(h *house, a *sso.Answer) { a.State = h.begin(sso.Start{}).Attempt.State }},
		{"A12 attempt of another browser", func(h *house, a *sso.Answer) { a.Sealed = h.begin(sso.Start{}).Sealed }},
		{"A13 begun at another provider", func(_ *house, a *sso.Answer) { a.Provider = "q" }},
		{"A14 no state", func(_ *house, a *sso.Answer) { a.State = "" }},
		{"A14 state of 10 KB", func(_ *house, a *sso.Answer) { a.State = strings.Repeat("s", 10<<10) }},
		{"A14 state in two", func(_ *house, a *sso.Answer) { a.State += "," + a.State }},
		{"G13 cut short", func(_ *house, a *sso.Answer) { a.Sealed = a.Sealed[:len(a.Sealed)-4] }},
		{"G13 too large", func(_ *house, a *sso.Answer) { a.Sealed += strings.Repeat("A", sso.MaxSealed) }},
		{"G13 expired", func(h *house, _ *sso.Answer) { h.clock.advance(loginTimeout) }},
		{"G12 a session token", func(h *house, a *sso.Answer) { a.Sealed = string(h.signIn(sso.Start{}, alice()).Token) }},
		{"G12 an access token", func(h *house, a *sso.Answer) { a.Sealed = h.signIn(sso.Start{Mode: sso.ModeJSON}, alice()).Access }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := newHouse(t, provider("p"), provider("q"))
			answer := answerTo(h.begin(sso.Start{}))
			tc.alter(h, &answer)
			before := len(h.idp.calls())
			out, err := h.Continue(t.Context(), answer)
			wantErr(t, "continuing", err, sso.ErrAttemptInvalid)
			if diff := cmp.Diff(sso.Outcome{}, out); diff != "" {
				t.Errorf("outcome (-want +got):\n%s", diff)
			}
			if len(h.idp.calls()) != before {
				t.Error("the mechanism was called")
			}
		})
	}
}

func TestAttemptOfAnotherHost(t *testing.T) {
	h, stranger := newHouse(t), newHouse(t)
	other, err := sso.New(sso.Config{Secret: []byte("another secret, which is long enough too"), Clock: sso.NewClock(h.clock.look)},
		sso.Ports{Providers: stranger.providers})
	if err != nil {
		t.Fatal(err)
	}
	pending, err := other.Begin(t.Context(), sso.Start{Provider: "p"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = h.Continue(t.Context(), answerTo(pending))
	wantErr(t, "G12 sealed with another secret", err, sso.ErrAttemptInvalid)
}

func TestAttemptIsGoodUntilItExpires(t *testing.T) {
	h := newHouse(t)
	answer := answerTo(h.begin(sso.Start{}))
	h.clock.advance(loginTimeout - time.Millisecond)
	if _, err := h.Continue(t.Context(), answer); err != nil {
		t.Errorf("continuing at the last moment: %v", err)
	}
}

func TestA11AnAttemptIsContinuedOnce(t *testing.T) {
	h := newHouse(t)
	answer := answerTo(h.begin(sso.Start{Redirect: "/after"}))
	if _, err := h.Continue(t.Context(), answer); err != nil {
		t.Fatal(err)
	}
	out, err := h.Continue(t.Context(), answer)
	wantErr(t, "continuing twice", err, sso.ErrAttemptInvalid)
	if n := len(h.idp.calls()); n != 1 || out.SignedIn != nil {
		t.Errorf("the mechanism was called %d times, outcome %+v", n, out)
	}
	if out.Attempt.Redirect != "/after" {
		t.Errorf("the outcome does not name the attempt: %+v", out.Attempt)
	}
	h.restart()
	_, err = h.Continue(t.Context(), answer)
	wantErr(t, "continuing on another node", err, sso.ErrSpent)
}

func TestA11OneOfManyAtOnceSucceeds(t *testing.T) {
	h := newHouse(t)
	answer := answerTo(h.begin(sso.Start{}))
	var group sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		group.Go(func() { _, errs[i] = h.Continue(t.Context(), answer) })
	}
	group.Wait()
	good := 0
	for _, err := range errs {
		if err == nil {
			good++
		} else {
			wantErr(t, "continuing at once", err, sso.ErrAttemptInvalid)
		}
	}
	if good != 1 || len(h.idp.calls()) != 1 {
		t.Errorf("%d of %d succeeded, the mechanism was called %d times", good, len(errs), len(h.idp.calls()))
	}
}

func TestA16TwoTabs(t *testing.T) {
	h := newHouse(t)
	first, second := h.begin(sso.Start{Redirect: "/1"}), h.begin(sso.Start{Redirect: "/2"})
	if first.Attempt.State == second.Attempt.State {
		t.Fatal("two attempts share a state")
	}
	for _, tc := range []struct {
		pending  sso.Pending
		redirect string
	}{{second, "/2"}, {first, "/1"}} {
		out, err := h.Continue(t.Context(), answerTo(tc.pending))
		if err != nil || out.SignedIn == nil || out.Attempt.Redirect != tc.redirect {
			t.Errorf("tab to %s: %+v, %v", tc.redirect, out, err)
		}
	}
}

func TestFailedLoginIsOver(t *testing.T) {
	h := newHouse(t)
	h.idp.answer(func(context.Context, sdk.ContinueRequest) (sdk.Step, error) {
		return nil, sdk.Denied(sdk.ReasonCancelled, "the user said no")
	})
	answer := answerTo(h.begin(sso.Start{}))
	out, err := h.Continue(t.Context(), answer)
	wantErr(t, "denied", err, sdk.ErrDenied)
	if sdk.ReasonOf(err) != sdk.ReasonCancelled || out.Pending != nil || out.SignedIn != nil || out.Attempt.State != answer.State {
		t.Errorf("outcome: %+v, %v", out, err)
	}
	h.idp.vouchFor(alice())
	_, err = h.Continue(t.Context(), answer)
	wantErr(t, "again", err, sso.ErrAttemptInvalid)
}

// While a plugin is restarted the provider's code is still valid, so the user can reload
// the page.
func TestPluginThatIsDownDoesNotSpendTheAttempt(t *testing.T) {
	h := newHouse(t)
	answer := answerTo(h.begin(sso.Start{}))
	h.providers.setDown(sdk.Unavailable("plugin_down", "down"))
	_, err := h.Continue(t.Context(), answer)
	wantErr(t, "continuing while it is down", err, sdk.ErrUnavailable)
	_, err = h.Begin(t.Context(), sso.Start{Provider: "p"})
	wantErr(t, "beginning while it is down", err, sdk.ErrUnavailable)
	h.providers.setDown(nil)
	if _, err := h.Continue(t.Context(), answer); err != nil {
		t.Errorf("continuing afterwards: %v", err)
	}
}

// Unauthenticated requests must not write to the store.
func TestA15NothingUnauthenticatedWritesToTheStore(t *testing.T) {
	h := newHouse(t)
	h.signIn(sso.Start{}, alice())
	before := h.fingerprint()
	for range 20 {
		answer := answerTo(h.begin(sso.Start{}))
		h.idp.answer(func(context.Context, sdk.ContinueRequest) (sdk.Step, error) {
			return nil, sdk.InvalidResponse("bad_signature", "forged")
		})
		_, err := h.Continue(t.Context(), answer)
		wantErr(t, "forged", err, sdk.ErrInvalidResponse)
		_, err = h.Continue(t.Context(), answer)
		wantErr(t, "replayed", err, sso.ErrAttemptInvalid)
		_, err = h.Authenticate(t.Context(), sso.NewToken())
		wantErr(t, "guessed", err, sso.ErrSessionInvalid)
		_, err = h.Refresh(t.Context(), sso.NewToken(), sso.ModeJSON)
		wantErr(t, "guessed", err, sso.ErrSessionInvalid)
		if _, err := h.Logout(t.Context(), sso.NewToken()); err != nil {
			t.Error(err)
		}
		h.idp.vouchFor(sdk.Identity{Subject: "\x00"})
		_, err = h.Continue(t.Context(), answerTo(h.begin(sso.Start{})))
		wantErr(t, "an identity that does not hold", err, sdk.ErrInvalidResponse)
	}
	if h.fingerprint() != before {
		t.Error("the database was written to")
	}
	h.signIn(sso.Start{}, alice())
	if h.fingerprint() == before {
		t.Error("a login does not show in the fingerprint: this test shows nothing")
	}
}

// fingerprint changes when the database does.
func (h *house) fingerprint() [sha256.Size]byte {
	h.t.Helper()
	sum := sha256.New()
	for _, name := range []string{h.path, h.path + "-wal"} {
		data, err := os.ReadFile(name)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			h.t.Fatal(err)
		}
		sum.Write(data)
	}
	return [sha256.Size]byte(sum.Sum(nil))
}
