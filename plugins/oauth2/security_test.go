package main

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/plugins/oauth2/internal/profile"
	"github.com/doorward/doorward/plugins/oauth2/oauth2test"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/upstream/codeflow"
)

// Tests with codes that begin with OS are attacks on logins without an ID token. Those in
// this file use the browser and the callback.

// codeOf approves a login as a person and returns the code.
func codeOf(t *testing.T, redirect sdk.Redirect, login string) string {
	t.Helper()
	back, err := oauth2test.SignIn(t.Context(), redirect.URL, login)
	if err != nil {
		t.Fatal(err)
	}
	return back.URL.Query().Get("code")
}

// with returns a callback with these parameters.
func with(redirect sdk.Redirect, params ...string) sdk.ContinueRequest {
	query := url.Values{}
	for i := 0; i < len(params); i += 2 {
		query.Add(params[i], params[i+1])
	}
	return sdk.ContinueRequest{State: theState, Memory: redirect.Memory, Response: sdk.InboundRequest{Method: http.MethodGet, Query: query}}
}

func TestOS01CodeInjection(t *testing.T) {
	r, as := startRig(t, oauth2test.Config{}, nil)
	victim, attacker := r.start(), r.start()
	stolen := codeOf(t, victim, "alice")
	_, err := r.finish(with(attacker, "state", theState, "code", stolen))
	checkReason(t, err, sdk.ErrInvalidResponse, "invalid_grant") // OS01
	if as.Hits(oauth2test.Profile) != 0 {
		t.Error("OS01 the profile was requested")
	}
	// If the provider ignores PKCE, only the state prevents the attack.
	lax, as := startRig(t, oauth2test.Config{IgnorePKCE: true}, nil)
	stolen = codeOf(t, lax.start(), "alice")
	_, err = lax.finish(with(lax.start(), "state", "state-of-the-victim", "code", stolen))
	checkReason(t, err, sdk.ErrInvalidResponse, codeflow.ReasonStateMismatch)
	if n := as.Hits(oauth2test.Token); n != 0 {
		t.Errorf("OS01 %d token requests", n)
	}
}

func TestOS03MalformedCallbacks(t *testing.T) {
	r, as := startRig(t, oauth2test.Config{}, nil)
	redirect := r.start()
	for name, params := range map[string][]string{
		"OS03 no code":             {"state", theState},
		"OS03 empty code":          {"state", theState, "code", ""},
		"OS03 two codes":           {"state", theState, "code", "one-code-of-two", "code", "another-of-two"},
		"OS03 two states":          {"state", theState, "state", theState, "code", "some-code-or-other"},
		"OS03 code and error":      {"state", theState, "code", "some-code-or-other", "error", "access_denied"},
		"OS03 no parameters":       {},
		"OS23 code with a newline": {"state", theState, "code", "a\r\nX: y"},
	} {
		_, err := r.finish(with(redirect, params...))
		if !errors.Is(err, sdk.ErrInvalidResponse) {
			t.Errorf("%s: %v", name, err)
		}
	}
	posted := with(redirect)
	posted.Response = sdk.InboundRequest{Method: http.MethodPost, Form: url.Values{"state": {theState}, "code": {"a"}}}
	_, err := r.finish(posted)
	checkReason(t, err, sdk.ErrInvalidResponse, codeflow.ReasonResponseMode) // OS03 by POST
	if n := as.Hits(oauth2test.Token) + as.Hits(oauth2test.Profile); n != 0 {
		t.Errorf("OS03 %d requests", n)
	}
}

// TestMixUp: A is the provider of an attacker, and redirects browsers to the honest provider
// H.
func TestMixUp(t *testing.T) {
	honest, h := startRig(t, oauth2test.Config{Kind: oauth2test.GitHub}, nil)
	asked := ""
	attacker, _ := startRig(t, oauth2test.Config{}, map[string]any{"authorize_url": h.Base() + "/login/oauth/authorize"})
	t.Run("OS04 a callback that is not the provider's own", func(t *testing.T) {
		target, err := url.Parse(attacker.start().URL)
		if err != nil {
			t.Fatal(err)
		}
		query := target.Query()
		query.Set("redirect_uri", "https://login.example/auth/login/attacker/callback")
		target.RawQuery = query.Encode()
		back, err := oauth2test.SignIn(t.Context(), target.String(), "alice")
		if err == nil && back.URL.Query().Get("error") != "redirect_uri_mismatch" {
			t.Errorf("the honest provider approves the login: %s", back.URL)
		}
	})
	t.Run("OS04 a code below the registered callback, learnt by A", func(t *testing.T) {
		target, err := url.Parse(attacker.start().URL)
		if err != nil {
			t.Fatal(err)
		}
		query := target.Query()
		query.Set("redirect_uri", callbackURL+"/below") // GitHub OAuth apps allow it
		target.RawQuery = query.Encode()
		back, err := oauth2test.SignIn(t.Context(), target.String(), "alice")
		if err != nil {
			t.Fatal(err)
		}
		asked = back.URL.Query().Get("code")
		_, err = honest.finish(with(honest.start(), "state", theState, "code", asked))
		if !errors.Is(err, sdk.ErrInvalidResponse) && !errors.Is(err, sdk.ErrMisconfigured) {
			t.Errorf("A's code signs in: %v", err)
		}
		if h.Hits(oauth2test.Profile) != 0 {
			t.Error("the profile was requested")
		}
	})
	t.Run("OS04 a login that was begun with another provider", func(t *testing.T) {
		_, err := honest.finish(with(attacker.start(), "state", theState, "code", "x"))
		checkReason(t, err, sdk.ErrInvalidResponse, reasonProviderChanged)
	})
}

func TestIssuer(t *testing.T) {
	sends, as := startRig(t, oauth2test.Config{Issuer: true}, nil)
	sends.mustLogin("alice")
	base := as.Base()
	for _, test := range []struct {
		name, option, iss string
		reason            sdk.Reason // empty: only the server refuses the code
	}{
		{"OS05 missing", base, "", codeflow.ReasonIssMissing},
		{"OS05 another's", base, "https://evil.example", codeflow.ReasonIssMismatch},
		{"OS05 with a slash", base, base + "/", codeflow.ReasonIssMismatch},
		{"OS05 right", base, base, "invalid_grant"},
		{"OS05 not configured, another's", "", "https://evil.example", codeflow.ReasonIssMismatch},
		{"OS05 not configured, another port", "", "http://127.0.0.1:1", codeflow.ReasonIssMismatch},
		{"OS05 not configured, no URL", "", "::", codeflow.ReasonIssMismatch},
		{"OS05 not configured, its own", "", base + "/tenant", "invalid_grant"},
		{"OS05 not configured, none", "", "", "invalid_grant"},
	} {
		t.Run(test.name, func(t *testing.T) {
			values := as.Options(client())
			if test.option != "" {
				values["issuer"] = test.option
			}
			r := openRig(t, time.Now, values)
			params := []string{"state", theState, "code", "no-such-code"}
			if test.iss != "" {
				params = append(params, "iss", test.iss)
			}
			_, err := r.finish(with(r.start(), params...))
			checkReason(t, err, sdk.ErrInvalidResponse, test.reason)
		})
	}
}

func TestPKCEMethods(t *testing.T) {
	for _, test := range []struct {
		name    string
		options map[string]any
		method  string
		warns   bool
	}{
		{"OS06 by default", nil, "S256", false},
		{"OS06 plain", map[string]any{"pkce": "plain"}, "plain", true},
		{"OS06 plain, as Directus has it", map[string]any{"plain_code_challenge": "true"}, "plain", true},
		{"OS06 off", map[string]any{"pkce": "off"}, "", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, _ := startRig(t, oauth2test.Config{}, test.options)
			target, err := url.Parse(r.start().URL)
			if err != nil {
				t.Fatal(err)
			}
			if got := target.Query().Get("code_challenge_method"); got != test.method || target.Query().Has("code_challenge") != (test.method != "") {
				t.Errorf("%s", target)
			}
			r.mustLogin("alice")
			if f := r.checkPKCE(); (f.Severity == sdk.SeverityWarning) != test.warns {
				t.Errorf("%+v", f)
			}
		})
	}
}

func TestValuesInURLs(t *testing.T) {
	for id, good := range map[string]bool{
		"4711": true, "a b": true, "a?x=1": true, "a&b=c": true, "a#b": true, "../../admin": false, "..": false, "a/b": false, "%2e%2e": true, "a\\b": false,
	} {
		t.Run("OS23 "+id, func(t *testing.T) {
			as := startAS(t, oauth2test.Config{People: []oauth2test.Person{{Login: "a", ID: id}}})
			values := as.Options(client())
			values["profile_calls"] = `[{"name":"more","url":"` + as.Base() + `/emails?of={id}","list":true,"optional":true}]`
			r := openRig(t, time.Now, values)
			got := ""
			as.Alter(oauth2test.Emails, func(_ *oauth2test.Server, req *http.Request, _ *oauth2test.Reply) { got = req.URL.Query().Get("of") })
			_, err := r.login("a")
			if good && (err != nil || got != id) {
				t.Errorf("%q, %v", got, err)
			} else if !good {
				checkReason(t, err, sdk.ErrInvalidResponse, profile.ReasonURL)
			}
		})
	}
}

func TestOS25URLOptions(t *testing.T) {
	for option, bad := range map[string][]string{
		"profile_url": {"http://169.254.169.254/", "http://api.example/user", "file:///etc/passwd", "https://a@b.example/", "//x"},
		"access_url":  {"http://as.example/token", "ftp://x"}, "authorize_url": {"http://as.example/", "javascript:alert(1)"}, "revoke_url": {"http://as.example/"},
		"profile_calls": {`[{"name":"x","url":"http://169.254.169.254/"}]`, `[{"name":"x","url":"https://{id}.example/"}]`, `[{"name":"x","url":"https://{id}/"}]`},
	} {
		for _, value := range bad {
			values := map[string]any{
				"client_id": "x", "client_secret": "y", "identifier_key": "id",
				"authorize_url": "https://as.example/a", "access_url": "https://as.example/t", "profile_url": "https://as.example/p",
			}
			values[option] = value
			if _, err := tryOpenRig(t, time.Now, values); err == nil || !strings.Contains(err.Error(), option) {
				t.Errorf("OS25 %s=%s: %v", option, value, err)
			}
		}
	}
}

func TestCodesAreSentOnce(t *testing.T) {
	for name, alter := range map[string]oauth2test.Alteration{
		"OS26 good":       func(*oauth2test.Server, *http.Request, *oauth2test.Reply) {},
		"OS26 refused":    answer(400, "application/json", `{"error":"invalid_grant"}`),
		"OS26 down":       answer(503, "text/html", "<html>"),
		"OS26 breaks off": func(*oauth2test.Server, *http.Request, *oauth2test.Reply) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			r, as := startRig(t, oauth2test.Config{}, nil)
			as.Alter(oauth2test.Token, alter)
			_, _ = r.login("alice")
			if n := as.Spent(); n != 1 {
				t.Errorf("a code was sent %d times", n)
			}
		})
	}
}
