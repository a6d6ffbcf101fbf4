package sso_test

import (
	"context"
	"strings"
	"testing"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/plugin"
	"github.com/doorward/doorward/sdk/plugintest"
)

// allowedURL is a public URL of the house in addition to its first.
const allowedURL = "https://intern.test/sso"

// undescribed is the mechanism of an idp without the document that describes us.
type undescribed struct {
	sdk.Mechanism
	sdk.LogoutBeginner
}

// undescribedHouse has a provider that takes the callback of each login, and writes down
// what it was asked.
func undescribedHouse(t *testing.T) (h *house, asked func() []sdk.BeginRequest) {
	t.Helper()
	h = newHouse(t)
	open := func(context.Context, sdk.Env, struct{}) (sdk.Mechanism, error) { return undescribed{h.idp, h.idp}, nil }
	client := plugintest.ServeUnchecked(t, plugin.Description{Mechanism: "undescribed", Version: "1.0.0"}, open)
	req := plugintest.Request(nil)
	req.Provider = "p"
	opened, err := client.Open(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	noted := &noting{Mechanism: opened, LogoutBeginner: opened, capabilities: opened.Capabilities()}
	h.providers.mechanisms["p"] = noted
	return h, func() []sdk.BeginRequest { return noted.begun }
}

// noting is what the Service calls, and what it was called with.
type noting struct {
	sdk.Mechanism
	sdk.LogoutBeginner
	capabilities []sdk.Capability
	begun        []sdk.BeginRequest
	continued    []sdk.ContinueRequest
	left         []sdk.LogoutRequest
}

func (n *noting) Capabilities() []sdk.Capability { return n.capabilities }

func (n *noting) Begin(ctx context.Context, req sdk.BeginRequest) (sdk.Step, error) {
	n.begun = append(n.begun, req)
	return n.Mechanism.Begin(ctx, req)
}

func (n *noting) Continue(ctx context.Context, req sdk.ContinueRequest) (sdk.Step, error) {
	n.continued = append(n.continued, req)
	return n.Mechanism.Continue(ctx, req)
}

func (n *noting) BeginLogout(ctx context.Context, req sdk.LogoutRequest) (sdk.Step, error) {
	n.left = append(n.left, req)
	return n.LogoutBeginner.BeginLogout(ctx, req)
}

// A login comes back to the public URL where it began, and the mechanism is told so at
// both ends, by what was sealed.
func TestLoginAtEachPublicURL(t *testing.T) {
	for url, callback := range map[string]string{
		"":                      callbackURL,
		"https://doorward.test": callbackURL,
		allowedURL:              allowedURL + "/auth/login/p/callback",
	} {
		h, asked := undescribedHouse(t)
		h.idp.vouchFor(sdk.Identity{Subject: "ada"})
		pending := h.begin(sso.Start{PublicURL: url})
		if got := asked()[0]; got.CallbackURL != callback || !strings.HasPrefix(got.ReturnURL, callback+"?state=") {
			t.Errorf("begun at %q with %q and %q", url, got.CallbackURL, got.ReturnURL)
		}
		answer := answerTo(pending)
		answer.PublicURL = url
		out, err := h.Continue(t.Context(), answer)
		if err != nil {
			t.Fatal(err)
		}
		noted, _ := h.providers.mechanisms["p"].(*noting)
		if got := noted.continued[0].CallbackURL; got != callback {
			t.Errorf("continued with %q", got)
		}
		ended, err := h.Logout(t.Context(), out.SignedIn.Token)
		wantErr(t, "logout", err, nil)
		if _, ok, err := h.BeginLogout(t.Context(), ended, url, "/"); !ok || err != nil {
			t.Errorf("logout at %q: %v, %v", url, ok, err)
		}
		if got, want := noted.left[0].ReturnURL, strings.TrimSuffix(callback, "callback")+"logout?state="; !strings.HasPrefix(got, want) {
			t.Errorf("the logout comes back to %q, want %q", got, want)
		}
	}
}

// An answer that arrives elsewhere is refused, spends nothing, and is still good where the
// login began.
func TestAnswerAtAnotherPublicURL(t *testing.T) {
	for _, tt := range []struct{ begun, arrived string }{
		{"", allowedURL}, {allowedURL, ""}, {allowedURL, "https://doorward.test"}, {allowedURL, "https://evil.test"}, {"", "https://evil.test"},
	} {
		h, _ := undescribedHouse(t)
		h.idp.vouchFor(sdk.Identity{Subject: "ada"})
		answer := answerTo(h.begin(sso.Start{PublicURL: tt.begun}))
		answer.PublicURL = tt.arrived
		out, err := h.Continue(t.Context(), answer)
		wantErr(t, tt.begun+" at "+tt.arrived, err, sso.ErrOtherPublicURL)
		wantErr(t, "its kind", err, sso.ErrAttemptInvalid)
		if out.Spent || out.Over != "" || out.Attempt.Redirect != "" {
			t.Errorf("outcome %+v", out)
		}
		answer.PublicURL = tt.begun
		if _, err := h.Continue(t.Context(), answer); err != nil {
			t.Errorf("where it began: %v", err)
		}
	}
}

// A change of PUBLIC_URL does not break the logins in progress.
func TestLoginBegunAtAURLOfBefore(t *testing.T) {
	h, asked := undescribedHouse(t)
	h.idp.vouchFor(sdk.Identity{Subject: "ada"})
	pending := h.begin(sso.Start{PublicURL: "https://before.test"})
	if _, err := h.Continue(t.Context(), answerTo(pending)); err != nil {
		t.Error(err)
	}
	noted, _ := h.providers.mechanisms["p"].(*noting)
	if got := noted.continued[0].CallbackURL; got != asked()[0].CallbackURL || !strings.HasPrefix(got, "https://before.test/") {
		t.Errorf("continued with %q", got)
	}
}

// A provider that has read the document that describes us knows one public URL.
func TestDescribedProviderHasOnePublicURL(t *testing.T) {
	h := newHouse(t) // whose mechanism publishes a document
	_, err := h.Begin(t.Context(), sso.Start{Provider: "p", PublicURL: allowedURL})
	wantErr(t, "a login", err, sso.ErrOnePublicURL)
	ended, err := h.Logout(t.Context(), h.signInAs("ada", "name", "i1").Token)
	wantErr(t, "logout", err, nil)
	_, ok, err := h.BeginLogout(t.Context(), ended, allowedURL, "/")
	if wantErr(t, "a logout there", err, sso.ErrOnePublicURL); ok {
		t.Error("it begins all the same")
	}
	if _, ok, err := h.BeginLogout(t.Context(), ended, "https://doorward.test", "/"); !ok || err != nil {
		t.Errorf("at PUBLIC_URL: %v, %v", ok, err)
	}
}
