package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/plugintest"
)

// begin returns the parameters of the authorization request and the memory.
func begin(t *testing.T, r *rig, req sdk.BeginRequest) (url.Values, memory) {
	t.Helper()
	step, err := r.Begin(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	redirect := step.(sdk.Redirect)
	u, err := url.Parse(redirect.URL)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(u.RawQuery, "+") {
		t.Errorf("a space as + in %s", u.RawQuery)
	}
	var mem memory
	if err := json.Unmarshal(redirect.Memory, &mem); err != nil {
		t.Fatal(err)
	}
	return parseQuery(t, u.RawQuery), mem
}

func TestAuthorizationRequest(t *testing.T) {
	for _, test := range []struct {
		name    string
		options map[string]any
		change  map[string]any
		req     sdk.BeginRequest
		want    map[string]string
	}{
		{name: "defaults", want: map[string]string{"scope": "openid profile email", "access_type": "offline"}},
		{name: "consent", req: sdk.BeginRequest{Consent: true}, want: map[string]string{"prompt": "consent"}},
		{name: "consent over params", options: map[string]any{"params__prompt": "login"}, req: sdk.BeginRequest{Consent: true}, want: map[string]string{"prompt": "consent"}},
		{name: "login hint", req: sdk.BeginRequest{LoginHint: "a+b@example.com"}, want: map[string]string{"login_hint": "a+b@example.com"}},
		{name: "login hint of the operator", options: map[string]any{"params__login_hint": "x"}, req: sdk.BeginRequest{LoginHint: "a"}, want: map[string]string{"login_hint": "x"}},
		{name: "login hint with a line break", req: sdk.BeginRequest{LoginHint: "a\nb"}},
		{name: "endless login hint", req: sdk.BeginRequest{LoginHint: strings.Repeat("a", 256)}},
		{name: "broken login hint", req: sdk.BeginRequest{LoginHint: "\xff"}},
		{name: "openid is added", options: map[string]any{"scope": "name email"}, want: map[string]string{"scope": "openid name email"}},
		{name: "scope by params", options: map[string]any{"params": `{"scope":"openid a"}`}, want: map[string]string{"scope": "openid a"}},
		{name: "parameter taken away", options: map[string]any{"params": `{"access_type":""}`}, want: map[string]string{"access_type": ""}},
		{name: "parameter taken away by null", options: map[string]any{"params": `{"access_type":null}`}, want: map[string]string{"access_type": ""}},
		{name: "values of all types", options: map[string]any{"params": `{"a":1.50,"b":true,"claims":{"id_token":{"email":null}},"ui_locales":["de"]}`},
			want: map[string]string{"a": "1.50", "b": "true", "claims": `{"id_token":{"email":null}}`, "ui_locales": `["de"]`}},
		{name: "endpoint with a query", change: map[string]any{"authorization_endpoint": "https://op.example/authorize?p=a%20b"}, want: map[string]string{"p": "a b"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := openRig(t, serveDiscovery(t, test.change), time.Now, test.options)
			test.req.State = "the-state"
			params, mem := begin(t, r, test.req)
			for name, values := range params {
				if len(values) != 1 {
					t.Errorf("%s is there %d times", name, len(values))
				}
			}
			sum := sha256.Sum256([]byte(mem.Verifier))
			for name, want := range map[string]string{
				"client_id": clientID, "redirect_uri": callbackURL, "response_type": "code", "state": "the-state",
				"nonce": mem.Nonce, "code_challenge_method": "S256", "code_challenge": base64.RawURLEncoding.EncodeToString(sum[:]),
			} {
				if params.Get(name) != want {
					t.Errorf("E01 %s is %q, want %q", name, params.Get(name), want)
				}
			}
			for name, want := range test.want {
				if params.Get(name) != want {
					t.Errorf("%s is %q, want %q", name, params.Get(name), want)
				}
			}
			if test.want["login_hint"] == "" && params.Has("login_hint") {
				t.Errorf("login_hint %q", params.Get("login_hint"))
			}
		})
	}
}

func TestFreshSecretsForEachLogin(t *testing.T) {
	r := openRig(t, serveDiscovery(t, nil), time.Now, nil)
	seen := map[string]bool{}
	for range 100 {
		_, mem := begin(t, r, sdk.BeginRequest{State: "same"})
		if len(mem.Verifier) < 43 || len(mem.Verifier) > 128 || len(mem.Nonce) < 26 {
			t.Fatalf("E01 verifier of %d, nonce of %d characters", len(mem.Verifier), len(mem.Nonce))
		}
		if seen[mem.Verifier] || seen[mem.Nonce] {
			t.Fatal("E01 a verifier or a nonce comes twice")
		}
		seen[mem.Verifier], seen[mem.Nonce] = true, true
	}
}

func TestPlainCodeChallenge(t *testing.T) {
	url := serveDiscovery(t, map[string]any{"code_challenge_methods_supported": []string{"plain"}})
	params, mem := begin(t, openRig(t, url, time.Now, map[string]any{"plain_code_challenge": "yes"}), sdk.BeginRequest{State: "s"})
	got := []string{params.Get("code_challenge"), params.Get("code_challenge_method")}
	if diff := cmp.Diff([]string{mem.Verifier, "plain"}, got); diff != "" {
		t.Error(diff)
	}
	if mem.Nonce == mem.Verifier || params.Get("state") == mem.Verifier {
		t.Error("the nonce or the state is the verifier")
	}
}

func TestEndlessAuthorizationRequest(t *testing.T) {
	r := openRig(t, serveDiscovery(t, nil), time.Now, map[string]any{"params": map[string]any{"x": strings.Repeat("x", sdk.MaxURL)}})
	_, err := r.Begin(t.Context(), sdk.BeginRequest{State: "s"})
	plugintest.Refused(t, err, sdk.ErrMisconfigured, reasonRequestTooLong)
}

// TestNonce: SPID (docs.italia.it, OpenID Connect in SPID, "Authentication request") requires
// at least 32 letters and digits.
func TestNonce(t *testing.T) {
	r := openRig(t, serveDiscovery(t, nil), time.Now, nil)
	seen := map[string]bool{}
	for range 10 {
		query, mem := begin(t, r, sdk.BeginRequest{State: "s"})
		nonce := query.Get("nonce")
		if len(nonce) < 32 || strings.Trim(nonce, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != "" || nonce != mem.Nonce || seen[nonce] {
			t.Errorf("nonce %q", nonce)
		}
		seen[nonce] = true
	}
}
