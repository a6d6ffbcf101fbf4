package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/doorward/doorward/plugins/openid/internal/discovery"
	"github.com/doorward/doorward/plugins/openid/internal/jose"
	"github.com/doorward/doorward/plugins/openid/openidtest"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/plugintest"
	"github.com/doorward/doorward/sdk/upstream"
	"github.com/doorward/doorward/sdk/upstream/codeflow"
)

// TestLogin signs in with each kind of provider and client. As in every test that uses the
// rig, no error and no log may contain a secret of the login (E14).
func TestLogin(t *testing.T) {
	for _, test := range []struct {
		name     string
		issuer   string // path
		document bool   // configure the URL of the document
		client   func(*openidtest.Client)
		options  map[string]any
	}{
		{name: "defaults"},
		{name: "issuer with a slash", issuer: "/"},
		{name: "issuer with a path", issuer: "/realms/demo"},
		{name: "document", issuer: "/realms/demo", document: true},
		{name: "document of an issuer with a slash", issuer: "/o/", document: true},
		{name: "client_secret_post", client: func(c *openidtest.Client) { c.TokenEndpointAuthMethod = openidtest.ClientSecretPost },
			options: map[string]any{"client_token_endpoint_auth_method": "client_secret_post"}},
		{name: "public client", client: func(c *openidtest.Client) {
			c.TokenEndpointAuthMethod, c.Secret = openidtest.PublicClient, ""
		}, options: map[string]any{"client_token_endpoint_auth_method": "none", "client_secret": ""}},
		{name: "form_post", options: map[string]any{"params": `{"response_mode":"form_post"}`}},
		{name: "PS256", client: func(c *openidtest.Client) { c.IDTokenSignedResponseAlg = "PS256" },
			options: map[string]any{"client_id_token_signed_response_alg": "PS256"}},
		{name: "ES256", client: func(c *openidtest.Client) { c.IDTokenSignedResponseAlg = "ES256" },
			options: map[string]any{"client_id_token_signed_response_alg": "ES256"}},
		{name: "EdDSA", client: func(c *openidtest.Client) { c.IDTokenSignedResponseAlg = "EdDSA" },
			options: map[string]any{"client_id_token_signed_response_alg": "EdDSA"}},
		{name: "F17 signed user info", client: func(c *openidtest.Client) { c.UserInfoSignedResponseAlg = "ES256" },
			options: map[string]any{"client_userinfo_signed_response_alg": "ES256"}},
		{name: "max_age", options: map[string]any{"params__max_age": "3600"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := client()
			if test.client != nil {
				test.client(&c)
			}
			now := plugintest.NewClock()
			op := startOP(t, openidtest.Config{IssuerPath: test.issuer, Clients: []openidtest.Client{c}, Now: now.Now})
			url := op.Issuer()
			if test.document {
				url = strings.TrimSuffix(url, "/") + "/.well-known/openid-configuration"
			}
			got, err := openRig(t, url, now.Now, test.options).login("alice")
			if err != nil {
				t.Fatal(err)
			}
			want := sdk.Identity{
				Subject: "alice", Username: "alice", Email: "alice@example.com", EmailVerified: true,
				GivenName: "Alice", FamilyName: "Archer", Name: "Alice Archer", Groups: []string{"archers", "staff"},
			}
			if got.SessionID == "" {
				t.Error("F26 a logout message could not name the session")
			}
			if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(sdk.Identity{}, "Claims", "Grant", "AuthTime", "SessionID")); diff != "" {
				t.Error(diff)
			}
			if op.Hits(openidtest.TokenEndpoint) != 1 || op.Hits(openidtest.Trap) != 0 {
				t.Errorf("%d token requests, %d traps", op.Hits(openidtest.TokenEndpoint), op.Hits(openidtest.Trap))
			}
		})
	}
}

func TestGrant(t *testing.T) {
	now := plugintest.NewClock()
	op := startOP(t, openidtest.Config{Now: now.Now})
	r := openRig(t, op.Issuer(), now.Now, map[string]any{"scope": "openid offline_access", "params__prompt": "consent"})
	got, err := r.login("bob")
	if err != nil {
		t.Fatal(err)
	}
	var content grantContent
	if err := json.Unmarshal(got.Grant, &content); err != nil {
		t.Fatal(err)
	}
	if content.Subject != "bob" || content.RefreshToken == "" || strings.Count(content.IDToken, ".") != 2 {
		t.Errorf("got %+v", content)
	}
	for _, name := range []string{"nonce", "at_hash"} {
		if _, ok := got.Claims[name]; ok {
			t.Errorf("claim %s is passed on", name)
		}
	}
}

// TestMisbehaviours signs in with every misbehaviour and every legal oddity of the provider.
func TestMisbehaviours(t *testing.T) {
	for _, name := range openidtest.Misbehaviours() {
		details := name.Details()
		if details.Stage == openidtest.AtRefresh {
			continue // the login before it is good
		}
		t.Run(strings.Join(details.Rows, " ")+" "+string(name), func(t *testing.T) {
			t.Parallel()
			c, values := setUp(name, details.Needs)
			now := plugintest.NewClock()
			op := startOP(t, openidtest.Config{Clients: []openidtest.Client{c}, Now: now.Now})
			op.Misbehave(name)
			got, err := openRig(t, op.Issuer(), now.Now, values).login("alice")
			if hits := op.Hits(openidtest.Trap); hits != 0 {
				t.Errorf("%d requests to URLs that must not be requested", hits)
			}
			if hits := op.Hits(openidtest.TokenEndpoint); hits > 1 {
				t.Errorf("E07 %d token requests", hits)
			}
			if verdict(name, details) == openidtest.Accept {
				checkAccepted(t, name, got, err)
				return
			}
			checkRefused(t, name, err)
		})
	}
}

// verdict is the verdict of openidtest, except for one claim that this plugin refuses (F31).
func verdict(name openidtest.Misbehaviour, details openidtest.Details) openidtest.Verdict {
	if name == openidtest.PrototypeClaim {
		return openidtest.Refuse
	}
	return details.Verdict
}

func setUp(name openidtest.Misbehaviour, needs openidtest.Needs) (openidtest.Client, map[string]any) {
	c, values := client(), map[string]any{}
	if needs.Alg != "" {
		c.IDTokenSignedResponseAlg = needs.Alg
		values["client_id_token_signed_response_alg"] = needs.Alg
	}
	if needs.ResponseMode != "" {
		values["params__response_mode"] = needs.ResponseMode
	}
	if needs.MaxAge {
		values["params__max_age"] = "3600"
	}
	if strings.HasPrefix(string(name), "userinfo-signed-") {
		c.UserInfoSignedResponseAlg = "RS256"
		values["client_userinfo_signed_response_alg"] = "RS256"
	}
	if strings.HasSuffix(string(name), "-hangs") || strings.HasSuffix(string(name), "-trickles") {
		values["client_http_timeout"] = "400ms"
	}
	return c, values
}

func checkAccepted(t *testing.T, name openidtest.Misbehaviour, got sdk.Identity, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("refused: %v", err)
	}
	subject := map[openidtest.Misbehaviour]string{
		openidtest.SubjectLongest: strings.Repeat("a", 255),
		openidtest.SubjectSpaces:  " Alice ",
		openidtest.SubjectUnicode: "ａｌｉｃｅ\u200b",
	}[name]
	if subject == "" {
		subject = "alice"
	}
	if got.Subject != subject {
		t.Errorf("subject %q, want %q", got.Subject, subject)
	}
	if strings.HasPrefix(string(name), "email-verified-") && got.EmailVerified {
		t.Error("D03 the e-mail address counts as verified")
	}
}

func checkRefused(t *testing.T, name openidtest.Misbehaviour, err error) {
	t.Helper()
	if name == openidtest.ResponseNever {
		return // nothing comes back that could be refused
	}
	refusal, ok := errors.AsType[*sdk.Error](err)
	if !ok || refusal.Reason == "" {
		t.Fatalf("not refused with a reason: %v", err)
	}
	t.Logf("%v", err)
	if name == openidtest.AccessDenied && (refusal.Kind != sdk.ErrDenied || refusal.Reason != sdk.ReasonCancelled) {
		t.Errorf("the end user's own refusal: %v", err)
	}
}

func TestKeyRotation(t *testing.T) {
	now := plugintest.NewClock()
	op := startOP(t, openidtest.Config{Now: now.Now})
	r := openRig(t, op.Issuer(), now.Now, nil)
	for range 3 {
		if _, err := r.login("alice"); err != nil {
			t.Fatal(err)
		}
		if err := op.RotateKeys(); err != nil {
			t.Fatal(err)
		}
		now.Advance(upstream.RenewEvery)
	}
	if hits := op.Hits(openidtest.KeySetEndpoint); hits != 3 {
		t.Errorf("F20 %d key set requests, want one for each new key", hits)
	}
	if hits := op.Hits(openidtest.DiscoveryEndpoint); hits != 1 {
		t.Errorf("%d discovery requests", hits)
	}
}

func TestProviderDownAtStart(t *testing.T) {
	now := plugintest.NewClock()
	op := startOP(t, openidtest.Config{Now: now.Now})
	op.Misbehave(openidtest.DiscoveryDown)
	r := openRig(t, op.Issuer(), now.Now, nil)
	for range 3 {
		_, err := r.login("alice")
		plugintest.Refused(t, err, sdk.ErrUnavailable, discovery.ReasonStatus)
	}
	if hits := op.Hits(openidtest.DiscoveryEndpoint); hits != 1 {
		t.Errorf("%d discovery requests while the provider is down", hits)
	}
	op.Misbehave()
	now.Advance(upstream.RetryAfter)
	if _, err := r.login("alice"); err != nil {
		t.Errorf("the provider is back: %v", err)
	}
}

func TestProviderDownLater(t *testing.T) {
	now := plugintest.NewClock()
	op := startOP(t, openidtest.Config{Now: now.Now})
	r := openRig(t, op.Issuer(), now.Now, nil)
	if _, err := r.login("alice"); err != nil {
		t.Fatal(err)
	}
	op.Misbehave(openidtest.DiscoveryDown, openidtest.KeySetDown)
	now.Advance(jose.MaxKeysFresh + time.Second)
	if _, err := r.login("alice"); err != nil {
		t.Errorf("F23 the last good documents serve on: %v", err)
	}
	if !strings.Contains(r.log.String(), "last valid one") {
		t.Error("the log has no warning")
	}
	now.Advance(jose.KeysKeep)
	_, err := r.login("alice")
	plugintest.Refused(t, err, sdk.ErrUnavailable, jose.ReasonKeysStatus)
	now.Advance(discovery.Keep)
	_, err = r.login("alice")
	plugintest.Refused(t, err, sdk.ErrUnavailable, discovery.ReasonStatus)
}

func TestDiscoveryMustSucceed(t *testing.T) {
	op := startOP(t, openidtest.Config{})
	op.Misbehave(openidtest.DiscoveryDown)
	_, err := tryOpenRig(t, op.Issuer(), time.Now, map[string]any{"issuer_discovery_must_succeed": "true"})
	if !errors.Is(err, sdk.ErrUnavailable) {
		t.Errorf("opened while the provider is down: %v", err)
	}
	op.Misbehave()
	if _, err := tryOpenRig(t, op.Issuer(), time.Now, map[string]any{"issuer_discovery_must_succeed": "true"}); err != nil {
		t.Error(err)
	}
}

func TestContinueRefusesForeignLogins(t *testing.T) {
	now := plugintest.NewClock()
	op := startOP(t, openidtest.Config{Now: now.Now})
	r := openRig(t, op.Issuer(), now.Now, nil)
	good := memory{Verifier: strings.Repeat("v", 43), Nonce: "nonce", Issuer: op.Issuer(), ClientID: clientID, Mode: codeflow.ModeQuery}
	other := func(change func(*memory)) []byte {
		m := good
		change(&m)
		data, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	response := sdk.InboundRequest{Method: http.MethodGet, Query: parseQuery(t, "state=s&code=c&iss="+op.Issuer())}
	for _, test := range []struct {
		name   string
		req    sdk.ContinueRequest
		reason sdk.Reason
	}{
		{"unsolicited", sdk.ContinueRequest{Unsolicited: true, State: "s", Response: response, Memory: other(func(*memory) {})}, reasonUnsolicited},
		{"no memory", sdk.ContinueRequest{State: "s", Response: response}, reasonUnsolicited},
		{"D10 other issuer", sdk.ContinueRequest{State: "s", Response: response,
			Memory: other(func(m *memory) { m.Issuer = "https://other.example" })}, reasonProviderChanged},
		{"other client", sdk.ContinueRequest{State: "s", Response: response,
			Memory: other(func(m *memory) { m.ClientID = "other" })}, reasonProviderChanged},
		{"E02 verifier of another login", sdk.ContinueRequest{State: "s", Response: response,
			Memory: other(func(*memory) {})}, "invalid_grant"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := r.Continue(t.Context(), test.req)
			plugintest.Refused(t, err, sdk.ErrInvalidResponse, test.reason)
		})
	}
}
