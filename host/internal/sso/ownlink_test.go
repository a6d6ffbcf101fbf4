package sso_test

import (
	"errors"
	"testing"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
)

// An attempt to link ends if the operator turns linking off, even if it began before, and
// on another host.
func TestLinkingSwitchedOffMeanwhile(t *testing.T) {
	h := newHouse(t)
	h.linking = true
	h.restart()
	ada := h.signIn(sso.Start{Mode: sso.ModeSession}, sdk.Identity{Subject: "ada"})
	h.idp.vouchFor(sdk.Identity{Subject: "second"})
	answer := answerTo(h.begin(sso.Start{LinkTo: ada.Session.ID, Mode: sso.ModeSession}))
	answer.MayLink, answer.Replaces = true, []sso.Token{ada.Token}

	h.linking = false
	h.restart()
	out, err := h.Continue(t.Context(), answer)
	if !errors.Is(err, sso.ErrLinkingOff) || out.Spent || out.Linked || out.SignedIn != nil {
		t.Fatalf("off: %+v, %v", out, err)
	}
	if _, err := h.Begin(t.Context(), sso.Start{Provider: "p", LinkTo: ada.Session.ID}); !errors.Is(err, sso.ErrLinkingOff) {
		t.Errorf("beginning while it is off: %v", err)
	}
	if _, err := h.Unlink(t.Context(), sso.Principal{User: ada.User, Session: ada.Session}, sso.LinkedIdentity{Provider: "p", Subject: "ada"}); !errors.Is(err, sso.ErrLinkingOff) {
		t.Errorf("unlinking while it is off: %v", err)
	}
	h.linking = true
	h.restart() // which forgets what was spent: as another host, that never knew
	out, err = h.Continue(t.Context(), answer)
	if err != nil || !out.Linked || out.SignedIn != nil {
		t.Fatalf("on again: %+v, %v", out, err)
	}
	h.restart()
	if _, err := h.Continue(t.Context(), answer); !errors.Is(err, sso.ErrSpent) {
		t.Errorf("once more at another host: %v", err)
	}
	if got := h.signIn(sso.Start{Mode: sso.ModeSession}, sdk.Identity{Subject: "second"}); got.User.ID != ada.User.ID {
		t.Errorf("the link leads to %s, not %s", got.User.ID, ada.User.ID)
	}
}
