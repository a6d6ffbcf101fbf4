package sso_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/host/internal/sso"
)

func TestEnded(t *testing.T) {
	h := newHouse(t)
	pending := h.begin(sso.Start{Redirect: "/after", RedirectAsked: true, Mode: sso.ModeCookie})
	ended := func(sealed string) (sso.Attempt, bool) { return h.Ended("p", pending.Attempt.State, sealed) }
	if got, ok := ended(pending.Sealed); ok || got.State != "" {
		t.Errorf("an attempt that goes on: %+v", got)
	}
	if got, ok := ended(h.begin(sso.Start{}).Sealed); ok || got.State != "" {
		t.Errorf("another attempt: %+v", got)
	}
	out, err := h.Continue(t.Context(), answerTo(pending))
	if err != nil {
		t.Fatal(err)
	}
	want := sso.Attempt{
		State: pending.Attempt.State, Provider: "p", Mode: sso.ModeCookie, Redirect: "/after", RedirectAsked: true,
		ExpiresAt: pending.Attempt.ExpiresAt, Over: true, Session: out.SignedIn.Session.ID,
	}
	got, ok := ended(out.Over)
	if diff := cmp.Diff(want, got); diff != "" || !ok {
		t.Errorf("a login that was completed (-want +got):\n%s", diff)
	}
	again := answerTo(pending)
	again.Sealed = out.Over
	_, err = h.Continue(t.Context(), again)
	wantErr(t, "continuing what is over", err, sso.ErrAttemptOver)
	h.clock.advance(2 * loginTimeout)
	want.Session = ""
	if got, ok = ended(pending.Sealed); cmp.Diff(want, got) != "" || !ok {
		t.Errorf("an expired attempt (-want +got):\n%s", cmp.Diff(want, got))
	}
}

func TestLoginThatIsOverLeavesLittle(t *testing.T) {
	h := newHouse(t)
	pending := h.begin(sso.Start{Redirect: "/" + strings.Repeat("r", 2000), RedirectAsked: true})
	out, err := h.Continue(t.Context(), answerTo(pending))
	if err != nil || len(out.Over) > 200 {
		t.Errorf("%d bytes, %v", len(out.Over), err)
	}
	if got, ok := h.Ended("p", pending.Attempt.State, out.Over); !ok || got.Session != out.SignedIn.Session.ID || got.Redirect != "" || got.RedirectAsked {
		t.Errorf("got %+v", got)
	}
}
