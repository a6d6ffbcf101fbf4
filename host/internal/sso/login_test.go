package sso_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
)

func TestLogin(t *testing.T) {
	for _, tc := range []struct {
		name      string
		asked     sso.Mode
		want      sso.Mode
		kind      sso.SessionKind
		expiresIn time.Duration
		tokenTTL  time.Duration
	}{
		{"mode of the provider", "", sso.ModeSession, sso.KindSession, sessionTTL, sessionTTL},
		{"session", sso.ModeSession, sso.ModeSession, sso.KindSession, sessionTTL, sessionTTL},
		{"cookie", sso.ModeCookie, sso.ModeCookie, sso.KindRefresh, accessTTL, refreshTTL},
		{"json", sso.ModeJSON, sso.ModeJSON, sso.KindRefresh, accessTTL, refreshTTL},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := newHouse(t)
			pending := h.begin(sso.Start{Mode: tc.asked, Redirect: "/after", RedirectAsked: true})
			answer := answerTo(pending)
			answer.Client = sso.Client{IP: "192.0.2.1", UserAgent: "test"}
			out, err := h.Continue(t.Context(), answer)
			if err != nil {
				t.Fatalf("continuing: %v", err)
			}
			if out.Attempt.Redirect != "/after" || !out.Attempt.RedirectAsked || out.Pending != nil {
				t.Errorf("outcome: %+v", out)
			}
			done := out.SignedIn
			if done.Mode != tc.want || done.Session.Kind != tc.kind || done.ExpiresIn != tc.expiresIn || done.TokenTTL != tc.tokenTTL {
				t.Errorf("signed in: %+v", done)
			}
			if done.Session.IP != "192.0.2.1" || done.Session.UserAgent != "test" || done.Session.Provider != "p" {
				t.Errorf("session: %+v", done.Session)
			}
			if tc.kind == sso.KindSession {
				who, err := h.Authenticate(t.Context(), done.Token)
				if err != nil || who.User.ID != done.User.ID || who.Session.ID != done.Session.ID || done.Access != "" {
					t.Errorf("authenticating: %+v, %v, access token %q", who, err, done.Access)
				}
				return
			}
			who, err := h.AuthenticateAccess(t.Context(), done.Access)
			if err != nil || who.User.ID != done.User.ID {
				t.Errorf("authenticating: %+v, %v", who, err)
			}
		})
	}
}

func TestMechanismGetsWhatCameBack(t *testing.T) {
	h := newHouse(t)
	pending := h.begin(sso.Start{})
	answer := answerTo(pending)
	if _, err := h.Continue(t.Context(), answer); err != nil {
		t.Fatal(err)
	}
	want := []sdk.ContinueRequest{{
		State: pending.Attempt.State, Memory: []byte("memory of " + pending.Attempt.State), Response: answer.Response,
	}}
	if diff := cmp.Diff(want, h.idp.calls()); diff != "" {
		t.Errorf("requests to the mechanism (-want +got):\n%s", diff)
	}
}

func TestHintsReachTheMechanism(t *testing.T) {
	h := newHouse(t)
	var got sdk.BeginRequest
	h.idp.begin = func(_ context.Context, req sdk.BeginRequest) (sdk.Step, error) {
		got = req
		return sdk.Redirect{URL: "https://idp.test/"}, nil
	}
	pending := h.begin(sso.Start{LoginHint: "alice", Consent: true})
	if diff := cmp.Diff(sdk.BeginRequest{State: pending.Attempt.State, LoginHint: "alice", Consent: true}, got); diff != "" {
		t.Errorf("request to the mechanism (-want +got):\n%s", diff)
	}
	if len(got.State) != 43 || len(sso.AttemptID(got.State)) == 0 || strings.Contains(got.State, sso.AttemptID(got.State)) {
		t.Errorf("state %q, ID %q", got.State, sso.AttemptID(got.State))
	}
}

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
	other, err := sso.New(sso.Config{Secret: []byte("another secret, which is long enough too"), Now: h.clock.Now},
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

// While a plugin is started again the provider's code is still good, so the end
// user can reload the page.
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

func TestBrowserThatGoesAway(t *testing.T) {
	h := newHouse(t)
	answer := answerTo(h.begin(sso.Start{}))
	ctx, cancel := context.WithCancel(t.Context())
	h.idp.answer(func(context.Context, sdk.ContinueRequest) (sdk.Step, error) {
		cancel()
		return sdk.Authenticated{Identity: alice()}, nil
	})
	out, err := h.Continue(ctx, answer)
	if err != nil || out.SignedIn == nil {
		t.Errorf("continuing: %+v, %v", out, err)
	}
	_, err = h.Begin(ctx, sso.Start{Provider: "p"})
	wantErr(t, "beginning for nobody", err, context.Canceled)
}

func TestCallsToTheMechanismHaveADeadline(t *testing.T) {
	h := newHouse(t)
	var deadlines []time.Time
	note := func(ctx context.Context) {
		deadline, ok := ctx.Deadline()
		if !ok {
			t.Error("a call without a deadline")
		}
		deadlines = append(deadlines, deadline)
	}
	h.idp.begin = func(ctx context.Context, req sdk.BeginRequest) (sdk.Step, error) {
		note(ctx)
		return sdk.Redirect{URL: "https://idp.test/"}, nil
	}
	h.idp.next = func(ctx context.Context, req sdk.ContinueRequest) (sdk.Step, error) {
		note(ctx)
		return sdk.Authenticated{Identity: alice()}, nil
	}
	if _, err := h.Continue(t.Context(), answerTo(h.begin(sso.Start{}))); err != nil {
		t.Fatal(err)
	}
	if len(deadlines) != 2 || time.Until(deadlines[1]) > time.Minute {
		t.Errorf("deadlines: %v", deadlines)
	}
}

func TestUnknownProvider(t *testing.T) {
	h := newHouse(t)
	_, err := h.Begin(t.Context(), sso.Start{Provider: "nobody"})
	wantErr(t, "beginning", err, sso.ErrUnknownProvider)
	_, err = h.Continue(t.Context(), sso.Answer{Provider: "nobody"})
	wantErr(t, "continuing", err, sso.ErrUnknownProvider)
	_, err = h.Provider("nobody")
	wantErr(t, "looking up", err, sso.ErrUnknownProvider)
	answer := answerTo(h.begin(sso.Start{}))
	h.providers.configure(provider("q"))
	_, err = h.Continue(t.Context(), answer)
	wantErr(t, "continuing at a provider that was removed", err, sso.ErrUnknownProvider)
}

func TestStepsThatAreFaults(t *testing.T) {
	prompt := func(name string) sdk.Step {
		return sdk.Prompt{Fields: []sdk.PromptField{{Name: name, Kind: sdk.FieldText}}}
	}
	for _, tc := range []struct {
		name string
		step sdk.Step
	}{
		{"K04 redirect to a script", sdk.Redirect{URL: "javascript:alert(1)"}},
		{"K04 redirect to plain http", sdk.Redirect{URL: "http://idp.test/"}},
		{"K04 form to a script", sdk.FormPost{URL: "data:text/html,x"}},
		{"K04 prompt for the state", prompt("state")},
		{"too much memory", sdk.Redirect{URL: "https://idp.test/", Memory: make([]byte, sdk.MaxMemory+1)}},
		{"too much memory of a form", sdk.FormPost{URL: "https://idp.test/", Memory: make([]byte, sdk.MaxMemory+1)}},
		{"too much memory of a prompt", sdk.Prompt{Fields: prompt("x").(sdk.Prompt).Fields, Memory: make([]byte, sdk.MaxMemory+1)}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := newHouse(t)
			pending := h.begin(sso.Start{})
			h.idp.beginWith(tc.step, nil)
			got, err := h.Begin(t.Context(), sso.Start{Provider: "p"})
			wantErr(t, "beginning", err, sso.ErrPluginFault)
			if diff := cmp.Diff(sso.Pending{}, got); diff != "" {
				t.Errorf("pending (-want +got):\n%s", diff)
			}
			h.idp.answer(func(context.Context, sdk.ContinueRequest) (sdk.Step, error) { return tc.step, nil })
			out, err := h.Continue(t.Context(), answerTo(pending))
			wantErr(t, "continuing", err, sso.ErrPluginFault)
			if out.Pending != nil || out.SignedIn != nil {
				t.Errorf("outcome: %+v", out)
			}
		})
	}
}

func TestMechanismThatAsksNobody(t *testing.T) {
	h := newHouse(t)
	h.idp.beginWith(sdk.Authenticated{Identity: alice()}, nil)
	_, err := h.Begin(t.Context(), sso.Start{Provider: "p"})
	wantErr(t, "A23 signed in at the beginning", err, sso.ErrPluginFault)
}

func TestErrorsOfBegin(t *testing.T) {
	h := newHouse(t)
	h.idp.beginWith(nil, sdk.Misconfigured("no_client", "set client_id"))
	_, err := h.Begin(t.Context(), sso.Start{Provider: "p"})
	wantErr(t, "beginning", err, sdk.ErrMisconfigured)
	if sdk.ReasonOf(err) != "no_client" || !strings.Contains(err.Error(), "set client_id") {
		t.Errorf("the error loses what the mechanism said: %v", err)
	}
}

func TestAttemptMustFitIntoACookie(t *testing.T) {
	h := newHouse(t)
	h.idp.beginWith(sdk.Redirect{URL: "https://idp.test/", Memory: make([]byte, sdk.MaxMemory)}, nil)
	pending := h.begin(sso.Start{Redirect: "https://app.example.org/" + strings.Repeat("x", 1024)})
	if len(pending.Sealed) > sso.MaxSealed {
		t.Errorf("sealed attempt of %d bytes", len(pending.Sealed))
	}
	_, err := h.Begin(t.Context(), sso.Start{Provider: "p", Redirect: "/" + strings.Repeat("x", sso.MaxSealed)})
	wantErr(t, "a long redirect", err, sso.ErrAttemptTooLarge)
}

var credentials = sdk.Prompt{
	Fields: []sdk.PromptField{{Name: "identifier", Kind: sdk.FieldUsername}, {Name: "password", Kind: sdk.FieldPassword}},
	Memory: []byte("first"),
}

func TestPrompt(t *testing.T) {
	h := newHouse(t)
	h.idp.beginWith(credentials, nil)
	again := credentials
	again.Reason, again.Memory = sdk.ReasonBadCredentials, []byte("second")
	h.idp.answer(func(_ context.Context, req sdk.ContinueRequest) (sdk.Step, error) {
		if req.Answers["password"] == "right" {
			return sdk.Authenticated{Identity: alice()}, nil
		}
		return again, nil
	})
	answers := func(p sso.Pending, form url.Values) sso.Answer {
		return sso.Answer{Provider: "p", State: p.Attempt.State, Sealed: p.Sealed, Response: sdk.InboundRequest{Method: "POST", Form: form, Query: url.Values{"q": {"1"}}}}
	}
	first := h.begin(sso.Start{Redirect: "/after"})
	wrong := url.Values{"identifier": {"alice"}, "password": {"wrong"}, "state": {"s"}, "role": {"admin"}, "groups": {"a", "b"}}
	out, err := h.Continue(t.Context(), answers(first, wrong))
	if err != nil || out.Pending == nil || out.SignedIn != nil {
		t.Fatalf("a wrong password: %+v, %v", out, err)
	}
	second := *out.Pending
	if diff := cmp.Diff(sdk.Step(again), second.Step); diff != "" {
		t.Errorf("second prompt (-want +got):\n%s", diff)
	}
	if second.Attempt.State != first.Attempt.State || second.Attempt.Step == first.Attempt.Step ||
		!second.Attempt.ExpiresAt.Equal(first.Attempt.ExpiresAt) || second.Attempt.Redirect != "/after" {
		t.Errorf("second attempt %+v after %+v", second.Attempt, first.Attempt)
	}
	right := url.Values{"identifier": {"alice"}, "password": {"right"}}
	_, err = h.Continue(t.Context(), answers(first, right))
	wantErr(t, "answering the first prompt again", err, sso.ErrAttemptInvalid)
	if out, err = h.Continue(t.Context(), answers(second, right)); err != nil || out.SignedIn == nil {
		t.Errorf("the right password: %+v, %v", out, err)
	}
	want := []sdk.ContinueRequest{
		{State: first.Attempt.State, Memory: []byte("first"), Answers: map[string]string{"identifier": "alice", "password": "wrong"}},
		{State: first.Attempt.State, Memory: []byte("second"), Answers: map[string]string{"identifier": "alice", "password": "right"}},
	}
	if diff := cmp.Diff(want, h.idp.calls()); diff != "" {
		t.Errorf("requests to the mechanism (-want +got):\n%s", diff)
	}
}

func TestAnswerThatIsGivenTwiceIsNoAnswer(t *testing.T) {
	h := newHouse(t)
	h.idp.beginWith(credentials, nil)
	pending := h.begin(sso.Start{})
	answer := answerTo(pending)
	answer.Response = sdk.InboundRequest{Method: "POST", Form: url.Values{"identifier": {"alice", "bob"}, "password": {"x"}}}
	if _, err := h.Continue(t.Context(), answer); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"password": "x"}, h.idp.calls()[0].Answers); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
}

// Several steps after another, as for an expired password: each has its own
// fields.
func TestConversation(t *testing.T) {
	h := newHouse(t)
	h.idp.beginWith(credentials, nil)
	steps := []sdk.Step{
		sdk.Prompt{Reason: sdk.ReasonPasswordExpired, Fields: []sdk.PromptField{{Name: "new", Kind: sdk.FieldNewPassword}}},
		sdk.Redirect{URL: "https://idp.test/terms"},
		sdk.FormPost{URL: "https://idp.test/post", Fields: []sdk.FormField{{Name: "a", Value: "b"}}},
		sdk.Authenticated{Identity: alice()},
	}
	h.idp.answer(func(context.Context, sdk.ContinueRequest) (sdk.Step, error) {
		step := steps[0]
		steps = steps[1:]
		return step, nil
	})
	pending := h.begin(sso.Start{})
	for _, fields := range [][]string{{"new"}, nil, nil} {
		out, err := h.Continue(t.Context(), answerTo(pending))
		if err != nil {
			t.Fatal(err)
		}
		pending = *out.Pending
		if diff := cmp.Diff(fields, pending.Attempt.Fields); diff != "" {
			t.Errorf("fields (-want +got):\n%s", diff)
		}
	}
	if out, err := h.Continue(t.Context(), answerTo(pending)); err != nil || out.SignedIn == nil {
		t.Errorf("the end: %+v, %v", out, err)
	}
}

// Nothing that is not signed in may write to the store.
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
		if err := h.Logout(t.Context(), sso.NewToken()); err != nil {
			t.Error(err)
		}
		h.idp.vouchFor(sdk.Identity{Subject: "\x00"})
		_, err = h.Continue(t.Context(), answerTo(h.begin(sso.Start{})))
		wantErr(t, "an identity that does not hold", err, sso.ErrPluginFault)
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
