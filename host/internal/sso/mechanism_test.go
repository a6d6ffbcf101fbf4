package sso_test

import (
	"context"
	"errors"
	"net/netip"
	"testing"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
)

// busy makes calls of a line fail with ErrBusy until free is called.
func (h *house) busy(line sso.Line) (free func()) {
	h.providers.wait(line, func(context.Context) error { return sso.ErrBusy })
	return func() { h.providers.wait(line, nil) }
}

// queued makes calls of a line wait until they are admitted, or their caller is gone. The
// first channel reports each waiting call.
func (h *house) queued(line sso.Line) (waits <-chan struct{}, letIn chan<- struct{}) {
	came, turn := make(chan struct{}, 10), make(chan struct{})
	h.providers.wait(line, func(ctx context.Context) error {
		came <- struct{}{}
		select {
		case <-turn:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	return came, turn
}

// A busy host must not skip the provider at a refresh: a user who was blocked there could
// stay by keeping the host busy.
func TestBusyRefreshIsNotExchangedUnasked(t *testing.T) {
	h, done := refreshing(t, provider("p"))
	h.idp.refreshWith(sdk.Refreshed{}, sdk.Denied(sdk.ReasonAccountDisabled, "disabled"))
	free := h.busy(sso.LineSessions)
	for range 2 { // the token stays good
		got, err := h.Refresh(t.Context(), done.Token, sso.ModeSession)
		wantErr(t, "refresh while busy", err, sso.ErrBusy)
		wantErr(t, "refresh while busy", err, sdk.ErrUnavailable)
		if got != nil || errors.Is(err, sso.ErrSessionInvalid) || len(h.idp.grants()) != 0 {
			t.Errorf("got %+v, %v, and the provider was asked %d times", got, err, len(h.idp.grants()))
		}
	}
	if _, err := h.Authenticate(t.Context(), done.Token); err != nil {
		t.Errorf("the session in the meantime: %v", err)
	}
	free()
	_, err := h.Refresh(t.Context(), done.Token, sso.ModeSession)
	wantErr(t, "refresh afterwards", err, sso.ErrSessionInvalid)
}

// A client that goes away while its refresh waits leaves the queue, and the token stays
// as it was.
func TestRefreshThatIsGivenUpWhileItWaits(t *testing.T) {
	h, done := refreshing(t, provider("p"))
	h.idp.refreshWith(sdk.Refreshed{Identity: withGrant("grant two")}, nil)
	waits, letIn := h.queued(sso.LineSessions)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { _, err := h.Refresh(ctx, done.Token, sso.ModeSession); ended <- err }()
	<-waits
	cancel()
	wantErr(t, "who gave up", <-ended, sso.ErrBusy)
	go func() { _, err := h.Refresh(t.Context(), done.Token, sso.ModeSession); ended <- err }()
	<-waits
	letIn <- struct{}{}
	wantErr(t, "who asks again", <-ended, nil)
	if n := len(h.idp.grants()); n != 1 {
		t.Errorf("the provider was asked %d times", n)
	}
}

// A login that waits for its turn loses nothing: the same answer can be repeated until
// its turn comes; then it is spent.
func TestBusyLoginIsNotSpent(t *testing.T) {
	h := newHouse(t)
	answer := answerTo(h.begin(sso.Start{}))
	ended := h.providers.done.Load()
	free := h.busy(sso.LineLogins)
	for range 2 {
		out, err := h.Continue(t.Context(), answer)
		wantErr(t, "while busy", err, sso.ErrBusy)
		if out.Spent || out.Attempt.State == "" {
			t.Errorf("while busy: %+v", out)
		}
	}
	_, err := h.Begin(t.Context(), sso.Start{Provider: "p"})
	wantErr(t, "beginning while busy", err, sso.ErrBusy)
	free()
	out, err := h.Continue(t.Context(), answer)
	if err != nil || out.SignedIn == nil {
		t.Fatalf("reloading the page: %+v, %v", out, err)
	}
	_, err = h.Continue(t.Context(), answer)
	wantErr(t, "once more", err, sso.ErrAttemptInvalid)
	// The last call also had its turn, and ended it.
	if n := h.providers.done.Load() - ended; n != 2 {
		t.Errorf("%d turns were given back, want 2", n)
	}
}

// A browser that goes away leaves the queue, and its answer is not lost.
func TestBrowserThatGoesAwayWhileItWaits(t *testing.T) {
	h := newHouse(t)
	answer := answerTo(h.begin(sso.Start{}))
	waits, letIn := h.queued(sso.LineLogins)
	ctx, cancel := context.WithCancel(t.Context())
	type result struct {
		out sso.Outcome
		err error
	}
	ended := make(chan result, 1)
	again := func(ctx context.Context) {
		out, err := h.Continue(ctx, answer)
		ended <- result{out, err}
	}
	go again(ctx)
	<-waits
	cancel()
	got := <-ended
	wantErr(t, "who went away", got.err, sso.ErrBusy)
	if got.out.Spent {
		t.Error("the attempt is spent")
	}
	go again(t.Context())
	<-waits
	letIn <- struct{}{}
	if got := <-ended; got.err != nil || got.out.SignedIn == nil {
		t.Errorf("who came back: %+v", got)
	}
}

// A logout message that waited in vain can be sent again, with its attempt.
func TestBusyLogoutIsNotSpent(t *testing.T) {
	h := newHouse(t)
	done := h.signIn(sso.Start{}, withGrant("grant"))
	ended, err := h.Logout(t.Context(), done.Token)
	wantErr(t, "logging out", err, nil)
	free := h.busy(sso.LineSessions)
	_, _, err = h.BeginLogout(t.Context(), ended, "", "/bye")
	wantErr(t, "beginning while busy", err, sso.ErrBusy)
	free()
	pending, ok, err := h.BeginLogout(t.Context(), ended, "", "/bye")
	if !ok || err != nil {
		t.Fatalf("beginning: %v %v", ok, err)
	}
	message := sso.LogoutMessage{Provider: "p", State: pending.Attempt.State, Sealed: pending.Sealed}
	h.idp.receiveWith(sdk.Logout{Outcome: sdk.LogoutDone}, nil)
	free = h.busy(sso.LineOthers)
	_, err = h.ReceiveLogout(t.Context(), message)
	wantErr(t, "while busy", err, sso.ErrBusy)
	_, err = h.Metadata(t.Context(), "p")
	wantErr(t, "metadata while busy", err, sso.ErrBusy)
	free()
	out, err := h.ReceiveLogout(t.Context(), message)
	if err != nil || out.Redirect != "/bye" {
		t.Errorf("the same message again: %+v, %v", out, err)
	}
	_, err = h.ReceiveLogout(t.Context(), message)
	wantErr(t, "once more", err, sso.ErrAttemptInvalid)
}

func TestClientAddress(t *testing.T) {
	want := netip.MustParseAddr("2001:db8::1")
	ctx := context.WithoutCancel(sso.WithRequest(t.Context(), sso.Request{Address: want}))
	if got := sso.ClientAddress(ctx); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := sso.ClientAddress(t.Context()); got.IsValid() {
		t.Errorf("an address from nowhere: %s", got)
	}
}
