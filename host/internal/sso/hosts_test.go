package sso_test

import (
	"context"
	"errors"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
)

// Each step of a login may arrive at another host.
func TestAttemptGoesOnAtAnotherHost(t *testing.T) {
	h := newHouse(t)
	hosts := h.hosts(2)
	h.idp.beginWith(credentials, nil)
	again := credentials
	again.Reason = sdk.ReasonBadCredentials
	h.idp.answer(func(_ context.Context, req sdk.ContinueRequest) (sdk.Step, error) {
		if req.Answers["password"] == "right" {
			return sdk.Authenticated{Identity: alice()}, nil
		}
		return again, nil
	})
	pending := hosts[0].begin(sso.Start{Redirect: "/after"})
	answer := func(host *house, password string) (sso.Outcome, error) {
		form := url.Values{"identifier": {"alice"}, "password": {password}}
		return host.Continue(t.Context(), sso.Answer{
			Provider: "p", State: pending.Attempt.State, Sealed: pending.Sealed, Response: sdk.InboundRequest{Method: "POST", Form: form},
		})
	}
	for i, password := range []string{"wrong", "wrong, too"} {
		out, err := answer(hosts[1-i], password)
		if err != nil || out.Pending == nil {
			t.Fatalf("%s: %+v, %v", password, out, err)
		}
		pending = *out.Pending
	}
	out, err := answer(hosts[1], "right")
	if err != nil || out.SignedIn == nil || out.Attempt.Redirect != "/after" {
		t.Fatalf("the right password: %+v, %v", out, err)
	}
	hosts[0].wantSession("at the other host", out.SignedIn.Token, nil)
	_, err = answer(hosts[0], "right")
	wantErr(t, "once more, at the other host", err, sso.ErrSpent)
}

// If two hosts get the same answer of a provider at the same moment, both ask the
// provider: each host remembers only the steps that it has seen. One completes the login.
func TestAttemptIsCompletedAtOneHost(t *testing.T) {
	assertion := alice()
	assertion.OnceUntil = start.Add(time.Hour)
	for name, once := range map[string]string{"by the attempt": "", "by the assertion": "_assertion"} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			hosts := h.hosts(3)
			if assertion.OnceID = once; once != "" {
				h.idp.vouchFor(assertion)
			}
			for round := 1; round <= 5; round++ {
				if once != "" {
					assertion.OnceID += "."
					h.idp.vouchFor(assertion)
				}
				answer := answerTo(h.begin(sso.Start{}))
				answers := []sso.Answer{answer, answer, answer}
				if once != "" { // one assertion in as many attempts
					for i := range answers {
						answers[i] = answerTo(h.begin(sso.Start{}))
					}
				}
				errs := make([]error, len(hosts))
				var group sync.WaitGroup
				for i, host := range hosts {
					group.Go(func() { _, errs[i] = host.Continue(t.Context(), answers[i]) })
				}
				group.Wait()
				good := 0
				for _, err := range errs {
					if err == nil {
						good++
						continue
					}
					wantErr(t, "at another host", err, sso.ErrSpent)
				}
				if good != 1 || h.count("sessions") != round {
					t.Fatalf("round %d: %d hosts signed in, %d sessions: %v", round, good, h.count("sessions"), errs)
				}
				if calls := len(h.idp.calls()); calls > round*len(hosts) {
					t.Fatalf("round %d: %d calls", round, calls)
				}
			}
		})
	}
}

// A logout that begins on one host comes back to another.
func TestLogoutGoesOnAtAnotherHost(t *testing.T) {
	h := newHouse(t)
	hosts := h.hosts(2)
	ada := h.signInAs("ada", "", "i1")
	ended, err := hosts[0].Logout(t.Context(), ada.Token)
	wantErr(t, "logout", err, nil)
	pending, ok, err := hosts[0].BeginLogout(t.Context(), ended, "", "/after")
	if err != nil || !ok {
		t.Fatalf("BeginLogout: %v, %v", ok, err)
	}
	h.idp.receiveWith(sdk.Logout{Outcome: sdk.LogoutPartial}, nil)
	done, err := hosts[1].ReceiveLogout(t.Context(), sso.LogoutMessage{Provider: "p", State: pending.Attempt.State, Sealed: pending.Sealed})
	if err != nil || done.Redirect != "/after" {
		t.Errorf("ReceiveLogout: %+v, %v", done, err)
	}
}

// If one host ends a session, another host that answers from memory refuses it at most a
// second later.
func TestRevocationWithinASecond(t *testing.T) {
	const within = time.Second // cacheFor of package store
	for name, c := range map[string]struct {
		end  func(t *testing.T, h *house, ada *sso.SignedIn)
		want error
	}{
		"logout": {func(t *testing.T, h *house, ada *sso.SignedIn) {
			t.Helper()
			_, err := h.Logout(t.Context(), ada.Token)
			wantErr(t, "logout", err, nil)
		}, sso.ErrSessionInvalid},
		"by the operator": {func(t *testing.T, h *house, _ *sso.SignedIn) {
			t.Helper()
			n, err := sso.EndSessions(t.Context(), h.sessions, sso.SessionMatch{Provider: "p"}, sso.Event{})
			if err != nil || n != 1 {
				t.Errorf("ended %d, %v", n, err)
			}
		}, sso.ErrSessionInvalid},
		"by the provider": {func(t *testing.T, h *house, _ *sso.SignedIn) {
			t.Helper()
			h.idp.receiveWith(sdk.Logout{Subject: "ada", OnceID: "message", OnceUntil: start.Add(time.Hour)}, nil)
			_, err := h.ReceiveLogout(t.Context(), sso.LogoutMessage{Provider: "p"})
			wantErr(t, "ReceiveLogout", err, nil)
		}, sso.ErrSessionInvalid},
		"the user is suspended": {func(_ *testing.T, h *house, ada *sso.SignedIn) { h.suspend(ada.User.ID) }, sso.ErrUserInactive},
		"the token is replaced": {func(_ *testing.T, h *house, ada *sso.SignedIn) {
			h.refresh(ada.Token, sso.ModeSession)
			h.clock.advance(grace)
		}, sso.ErrSessionInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			hosts := h.hosts(2)
			ada := h.signInAs("ada", "", "i1")
			hosts[1].wantSession("before", ada.Token, nil)
			c.end(t, hosts[0], ada)
			ended := time.Now()
			for {
				asked := time.Now()
				_, err := hosts[1].Authenticate(t.Context(), ada.Token)
				if err != nil {
					wantErr(t, "afterwards", err, c.want)
					break
				}
				if late := asked.Sub(ended); late > within {
					t.Fatalf("still good %v afterwards", late)
				}
			}
			if _, err := hosts[0].Authenticate(t.Context(), ada.Token); !errors.Is(err, c.want) {
				t.Errorf("at the host that ended it: error %v", err)
			}
		})
	}
}

// The grace of a token begins by the clock of one host, and is judged by the clock of
// another.
func TestClocksThatDiffer(t *testing.T) {
	for name, c := range map[string]struct {
		ahead time.Duration
		want  error
	}{
		"behind by 2 s":           {-2 * time.Second, nil},
		"behind by more":          {-2*time.Second - time.Millisecond, sso.ErrSessionNotNow},
		"ahead by less":           {grace - time.Millisecond, nil},
		"ahead by as the grace":   {grace, sso.ErrTokenReused},
		"behind before the login": {-time.Hour, sso.ErrSessionNotNow},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			first := h.signIn(sso.Start{Mode: sso.ModeJSON}, alice())
			second := h.refresh(first.Token, sso.ModeJSON)
			other := *h
			other.clock = &clock{now: h.clock.Now().Add(c.ahead)}
			other.restart()
			again, err := other.Refresh(t.Context(), first.Token, sso.ModeJSON)
			wantErr(t, "the replaced token", err, c.want)
			if c.want == nil && again.Token != second.Token {
				t.Error("another successor")
			}
			left := 1
			if errors.Is(c.want, sso.ErrSessionInvalid) {
				left = 0
			}
			if n := h.count("sessions"); n != left {
				t.Errorf("%d sessions are left", n)
			}
		})
	}
}
