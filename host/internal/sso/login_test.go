package sso_test

import (
	"context"
	"strings"
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
		{"mode of the provider", "", sso.ModeSession, sso.KindSession, sessionTTL, sessionEnd},
		{"session", sso.ModeSession, sso.ModeSession, sso.KindSession, sessionTTL, sessionEnd},
		{"cookie", sso.ModeCookie, sso.ModeCookie, sso.KindRefresh, accessTTL, refreshEnd},
		{"json", sso.ModeJSON, sso.ModeJSON, sso.KindRefresh, accessTTL, refreshEnd},
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
		CallbackURL: callbackURL,
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
	want := sdk.BeginRequest{
		State: pending.Attempt.State, LoginHint: "alice", Consent: true,
		CallbackURL: callbackURL, ReturnURL: callbackURL + "?state=" + pending.Attempt.State,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("request to the mechanism (-want +got):\n%s", diff)
	}
	if len(got.State) != 43 || len(sso.AttemptID(got.State)) == 0 || strings.Contains(got.State, sso.AttemptID(got.State)) {
		t.Errorf("state %q, ID %q", got.State, sso.AttemptID(got.State))
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
