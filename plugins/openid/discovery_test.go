package main

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/plugins/openid/internal/discovery"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/plugintest"
)

// document is a good discovery document with members changed: nil removes a member.
func discoveryDocument(issuer string, change map[string]any) map[string]any {
	members := map[string]any{
		"issuer":                                issuer,
		"authorization_endpoint":                "https://op.example/authorize",
		"token_endpoint":                        "https://op.example/token",
		"userinfo_endpoint":                     "https://op.example/userinfo",
		"jwks_uri":                              "https://op.example/jwks",
		"response_types_supported":              []string{"code"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
		"code_challenge_methods_supported":      []string{"S256"},
	}
	maps.Copy(members, change)
	maps.DeleteFunc(members, func(_ string, v any) bool { return v == nil })
	return members
}

func serveDiscovery(t *testing.T, change map[string]any) string {
	t.Helper()
	var server *httptest.Server
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/.well-known/openid-configuration" {
			http.NotFound(w, r)
			return
		}
		if err := json.NewEncoder(w).Encode(discoveryDocument(server.URL, change)); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestDiscovery(t *testing.T) {
	type change = map[string]any
	for _, test := range []struct {
		name    string
		change  change
		options map[string]any
		reason  sdk.Reason // empty: accepted
	}{
		{name: "good"},
		{name: "no user info", change: change{"userinfo_endpoint": nil}},
		{name: "algorithms not told", change: change{"id_token_signing_alg_values_supported": nil}},
		{name: "endpoints on other hosts", change: change{"token_endpoint": "https://tokens.example/t?api-version=1"}},
		{name: "query in the authorization endpoint", change: change{"authorization_endpoint": "https://op.example/authorize?p=policy"}},

		{name: "F18 other issuer", change: change{"issuer": "https://other.example"}, reason: discovery.ReasonIssuer},
		{name: "F18 no issuer", change: change{"issuer": nil}, reason: discovery.ReasonIssuer},
		{name: "F18 issuer is a number", change: change{"issuer": 1}, reason: discovery.ReasonMalformed},
		{name: "F18 placeholder in the issuer", change: change{"issuer": "https://op.example/{tenantid}/v2.0"}, reason: discovery.ReasonIssuer},

		{name: "F19 no token endpoint", change: change{"token_endpoint": nil}, reason: discovery.ReasonEndpoint},
		{name: "F19 token endpoint on http", change: change{"token_endpoint": "http://op.example/token"}, reason: discovery.ReasonEndpoint},
		{name: "F19 token endpoint with credentials", change: change{"token_endpoint": "https://a:b@op.example/token"}, reason: discovery.ReasonEndpoint},
		{name: "F19 javascript", change: change{"authorization_endpoint": "javascript:alert(1)"}, reason: discovery.ReasonEndpoint},
		{name: "F19 no authorization endpoint", change: change{"authorization_endpoint": nil}, reason: discovery.ReasonEndpoint},
		{name: "F19 no keys", change: change{"jwks_uri": nil}, reason: discovery.ReasonEndpoint},
		{name: "F19 keys in a file", change: change{"jwks_uri": "file:///keys"}, reason: discovery.ReasonEndpoint},
		{name: "F19 keys on gopher", change: change{"jwks_uri": "gopher://op.example/"}, reason: discovery.ReasonEndpoint},
		{name: "F19 user info on http", change: change{"userinfo_endpoint": "http://op.example/"}, reason: discovery.ReasonEndpoint},
		{name: "F19 endpoint sets state", change: change{"authorization_endpoint": "https://op.example/authorize?state=fixed"}, reason: discovery.ReasonEndpoint},
		{name: "F19 endpoint sets response_type", change: change{"authorization_endpoint": "https://op.example/authorize?response%5ftype=token"}, reason: discovery.ReasonEndpoint},
		{name: "F19 endpoint with a broken query", change: change{"authorization_endpoint": "https://op.example/authorize?a;b=%"}, reason: discovery.ReasonEndpoint},
		{name: "F19 no code flow", change: change{"response_types_supported": []string{"id_token"}}, reason: discovery.ReasonUnsupported},
		{name: "response types not told", change: change{"response_types_supported": nil}},
		{name: "no response type listed", change: change{"response_types_supported": []string{}}},
		{name: "two spellings of what nobody reads", change: change{"Frontchannel": 1, "frontchannel": 2}},
		{name: "lists of odd forms", change: change{"scopes_supported": "openid", "token_endpoint_auth_methods_supported": []any{nil, 1, "client_secret_basic"}, "response_modes_supported": change{}, "claims_supported": 7, "userinfo_signing_alg_values_supported": true}},
		{name: "algorithms with odd ones among them", change: change{"id_token_signing_alg_values_supported": []any{nil, "RS256", 7}}},
		{name: "E03 methods of odd forms", change: change{"code_challenge_methods_supported": []any{7, nil}}, reason: discovery.ReasonUnsupported},
		{name: "user info on http, which is not asked", change: change{"userinfo_endpoint": "http://op.example/"}, options: map[string]any{"skip_userinfo": true}},
		{name: "F31 a key in two spellings", change: change{"Issuer": "https://evil.example"}, reason: discovery.ReasonMalformed},
		{name: "F31 deep", change: change{"x": json.RawMessage(strings.Repeat("[", 100) + strings.Repeat("]", 100))}, reason: discovery.ReasonMalformed},

		{name: "E03 no S256", change: change{"code_challenge_methods_supported": []string{"plain"}}, reason: discovery.ReasonUnsupported},
		{name: "E03 empty list", change: change{"code_challenge_methods_supported": []string{}}, reason: discovery.ReasonUnsupported},
		{name: "E03 list not told", change: change{"code_challenge_methods_supported": nil}, reason: discovery.ReasonUnsupported},
		{name: "E03 list not told, allowed", change: change{"code_challenge_methods_supported": nil}, options: map[string]any{"allow_unlisted_pkce": true}},
		{name: "E03 no S256, unlisted allowed", change: change{"code_challenge_methods_supported": []string{"plain"}},
			options: map[string]any{"allow_unlisted_pkce": true}, reason: discovery.ReasonUnsupported},
		{name: "E03 plain asked for", change: change{"code_challenge_methods_supported": []string{"plain"}}, options: map[string]any{"plain_code_challenge": true}},
		{name: "E03 plain asked for, S256 only", options: map[string]any{"plain_code_challenge": true}, reason: discovery.ReasonUnsupported},

		{name: "G04 other algorithms", change: change{"id_token_signing_alg_values_supported": []string{"none", "HS256"}}, reason: discovery.ReasonUnsupported},
		{name: "G04 algorithm by option", change: change{"id_token_signing_alg_values_supported": []string{"ES256"}},
			options: map[string]any{"client_id_token_signed_response_alg": "ES256"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := openRig(t, serveDiscovery(t, test.change), time.Now, test.options)
			_, err := r.Begin(t.Context(), sdk.BeginRequest{State: "s"})
			if test.reason != "" {
				plugintest.Refused(t, err, sdk.ErrMisconfigured, test.reason)
			} else if err != nil {
				t.Errorf("refused: %v", err)
			}
		})
	}
}

// TestDocumentOfManyTenants: the text does not recommend a value that the option refuses.
func TestDocumentOfManyTenants(t *testing.T) {
	r := openRig(t, serveDiscovery(t, map[string]any{"issuer": "https://sts.windows.net/{tenantid}/"}), time.Now, nil)
	_, err := r.Begin(t.Context(), sdk.BeginRequest{State: "s"})
	plugintest.Refused(t, err, sdk.ErrMisconfigured, discovery.ReasonIssuer)
	if err == nil || !strings.Contains(err.Error(), "/common/v2.0") || strings.Contains(err.Error(), "or issuer") {
		t.Errorf("%v", err)
	}
}
