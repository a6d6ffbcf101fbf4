package main

import (
	"bytes"
	"crypto/elliptic"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	gojose "github.com/go-jose/go-jose/v4"

	"github.com/doorward/doorward/plugins/openid/internal/jose/josetest"
	"github.com/doorward/doorward/plugins/openid/internal/preset"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/options"
)

func TestOptionProblems(t *testing.T) {
	ec := josetest.ECKey(t, elliptic.P256())
	type o = map[string]any
	for _, test := range []struct {
		name    string
		options o
		option  string // the one with a problem, empty: none
	}{
		{"good", o{}, ""},
		{"no issuer", o{"issuer_url": ""}, "issuer_url"},
		{"L09 http issuer", o{"issuer_url": "http://op.example"}, "issuer_url"},
		{"no client ID", o{"client_id": ""}, "client_id"},
		{"client ID outside ASCII", o{"client_id": "dör"}, "client_id"},
		{"client ID with many digits", o{"client_id": json.Number("123456789012345678")}, ""},
		{"no secret", o{"client_secret": ""}, "client_secret"},
		{"no secret for post", o{"client_secret": "", "client_token_endpoint_auth_method": "client_secret_post"}, "client_secret"},
		{"secret for a public client", o{"client_token_endpoint_auth_method": "none"}, "client_secret"},
		{"unknown method", o{"client_token_endpoint_auth_method": "client_secret_none"}, "client_token_endpoint_auth_method"},
		{"no keys", o{"client_token_endpoint_auth_method": "private_key_jwt"}, "client_private_keys"},
		{"keys are no keys", o{"client_token_endpoint_auth_method": "private_key_jwt", "client_private_keys": `[{"kty":"x","d":"secret-half"}]`}, "client_private_keys"},
		{"keys are an object", o{"client_token_endpoint_auth_method": "private_key_jwt", "client_private_keys": `{"keys":[]}`}, "client_private_keys"},
		{"keys are public", o{"client_token_endpoint_auth_method": "private_key_jwt", "client_private_keys": privateKeys(t, gojose.JSONWebKey{Key: ec.Public()})}, "client_private_keys"},
		{"keys for another algorithm", o{"client_token_endpoint_auth_method": "private_key_jwt", "client_private_keys": privateKeys(t, gojose.JSONWebKey{Key: ec}), "client_token_endpoint_auth_signing_alg": "RS256"}, "client_private_keys"},
		{"key with an algorithm it does not have", o{"client_token_endpoint_auth_method": "private_key_jwt", "client_private_keys": privateKeys(t, gojose.JSONWebKey{Key: ec, Algorithm: "RS256"})}, "client_private_keys"},
		{"asymmetric client_secret_jwt", o{"client_token_endpoint_auth_method": "client_secret_jwt", "client_token_endpoint_auth_signing_alg": "RS256"}, "client_token_endpoint_auth_signing_alg"},
		{"G01 ID token with HS256", o{"client_id_token_signed_response_alg": "HS256"}, "client_id_token_signed_response_alg"},
		{"F12 ID token with none", o{"client_id_token_signed_response_alg": "none"}, "client_id_token_signed_response_alg"},
		{"user info with HS256", o{"client_userinfo_signed_response_alg": "HS256"}, "client_userinfo_signed_response_alg"},
		{"scope with a quote", o{"scope": `openid "email"`}, "scope"},
		{"params may not set state", o{"params": o{"state": "x"}}, "params"},
		{"params may not set nonce", o{"params__nonce": "x"}, "params"},
		{"params may not set redirect_uri", o{"params__redirect_uri": "x"}, "params"},
		{"params may not set response_type", o{"params__response_type": "token"}, "params"},
		{"params may not set client_id", o{"params__client_id": "x"}, "params"},
		{"params may not set code_challenge", o{"params__code_challenge": "x"}, "params"},
		{"params may not set code_challenge_method", o{"params__code_challenge_method": "plain"}, "params"},
		{"params may not set request", o{"params__request": "x"}, "params"},
		{"params may not set request_uri", o{"params__request_uri": "x"}, "params"},
		{"odd parameter name", o{"params": o{"a b": "x"}}, "params"},
		{"E17 fragment", o{"params__response_mode": "fragment"}, "params"},
		{"fragment, signed", o{"params__response_mode": "fragment.jwt"}, "params"},
		{"JARM asked for and switched off", o{"params__response_mode": "jwt", "signed_authorization_responses": "off"}, "signed_authorization_responses"},
		{"certificate missing", o{"client_token_endpoint_auth_method": "tls_client_auth"}, "client_http_cert"},
		{"certificate of our own missing", o{"client_token_endpoint_auth_method": "self_signed_tls_client_auth"}, "client_http_cert"},
		{"form_post", o{"params": `{"response_mode":"form_post"}`}, ""},
		{"max_age", o{"params__max_age": "-1"}, "params"},
		{"claims", o{"params__claims": "email"}, "params"},
		{"acr in claims", o{"params": `{"claims":{"id_token":{"acr":{"essential":true,"values":[1]}}}}`}, "params"},
		{"certificate without a key", o{"client_http_cert": "x"}, "client_http_cert"},
		{"header with a line break", o{"client_http_headers": o{"X-A": "a\r\nb: c"}}, "client_http_headers"},
		{"header with a bad name", o{"client_http_headers": o{"X A": "a"}}, "client_http_headers"},
		{"many tenants by sub", o{"issuer_url": "https://login.microsoftonline.com/common/v2.0"}, ""},
		{"many tenants by e-mail", o{"issuer_url": "https://login.microsoftonline.com/common/v2.0", "identifier_key": "email"}, "identifier_key"},
		{"public client without PKCE", o{"client_token_endpoint_auth_method": "none", "client_secret": "", "allow_unlisted_pkce": true}, "allow_unlisted_pkce"},
		{"many tenants of another host by e-mail", o{"issuer_url": "https://login.example/common/v2.0", "identifier_key": "email"}, ""},
		{"tenants by name", o{"allowed_tenants": "contoso.onmicrosoft.com"}, "allowed_tenants"},
		{"tenants", o{"allowed_tenants": "72f988bf-86f1-41af-91ab-2d7cd011db47,9188040d-6c67-4c5b-b112-36a304b66dad"}, ""},
		{"issuer with a placeholder", o{"issuer": "https://login.microsoftonline.com/{tenantid}/v2.0"}, "issuer"},
		{"issuer outside ASCII", o{"issuer": "https://öp.example"}, "issuer"},
		{"unverified identifier", o{"identifier_key": "email", "email_key": "mail"}, "identifier_key"},
		{"Graph of nowhere", o{"groups_from_graph": true}, "graph_url"},
		{"Graph of Microsoft", o{"groups_from_graph": true, "issuer_url": "https://login.microsoftonline.us/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0"}, ""},
		{"Graph on http", o{"groups_from_graph": true, "graph_url": "http://graph.example"}, "graph_url"},
		{"unknown separator", o{"group_claim_separator": "|"}, "group_claim_separator"},
		{"slip of the pen", o{"client_secert": "x"}, "client_secert"},
	} {
		t.Run(test.name, func(t *testing.T) {
			values := o{"issuer_url": "https://op.example", "client_id": "door", "client_secret": clientSecret}
			maps.Copy(values, test.options)
			_, err := options.Decode[Options](values)
			if test.option == "" {
				if err != nil {
					t.Errorf("problem: %v", err)
				}
				return
			}
			problems, ok := errors.AsType[options.Problems](err)
			if !ok || len(problems) == 0 || problems[0].Option != test.option {
				t.Fatalf("problems: %v, want one of %s", err, test.option)
			}
			if strings.Contains(err.Error(), clientSecret) || strings.Contains(err.Error(), "secret-half") {
				t.Errorf("a secret in %v", err)
			}
		})
	}
}

// TestBadCertificates: the problem names the wrong option.
func TestBadCertificates(t *testing.T) {
	for option, values := range map[string]map[string]any{
		"client_http_ca":   {"client_http_ca": "no PEM"},
		"client_http_cert": {"client_http_cert": "no PEM", "client_http_key": "no PEM"},
	} {
		_, err := tryOpenRig(t, theIssuer, time.Now, values)
		problems, _ := errors.AsType[options.Problems](err)
		if len(problems) != 1 || problems[0].Option != option {
			t.Errorf("%v, want a problem of %s", err, option)
		}
	}
}

func TestHeadersOfTheOperator(t *testing.T) {
	var got http.Header
	var server *httptest.Server
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Header
		if err := json.NewEncoder(w).Encode(discoveryDocument(server.URL, nil)); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	r := openRig(t, server.URL, time.Now, map[string]any{"client_http_headers": map[string]any{"x-gateway-key": "k"}})
	if _, err := r.Begin(t.Context(), sdk.BeginRequest{State: "s"}); err != nil {
		t.Fatal(err)
	}
	if got.Get("X-Gateway-Key") != "k" {
		t.Errorf("header %v", got)
	}
}

// TestManual compares README.md with the options, the presets and the reasons.
func TestManual(t *testing.T) {
	manual, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	schema, err := options.SchemaOf[Options]()
	if err != nil {
		t.Fatal(err)
	}
	var recipes bytes.Buffer
	if err := preset.WriteManual(&recipes); err != nil {
		t.Fatal(err)
	}
	for part, want := range map[string]string{"options": schema.Markdown(), "recipes": recipes.String()} {
		_, rest, _ := strings.Cut(string(manual), "<!-- "+part+":begin -->\n")
		got, _, ok := strings.Cut(rest, "<!-- "+part+":end -->")
		if !ok || strings.TrimSpace(got) != strings.TrimSpace(want) {
			t.Errorf("the %s are out of date: run make generate", part)
		}
	}
	files, err := filepath.Glob("internal/*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, file := range append(files, "reasons.go", "../../sdk/upstream/codeflow/refusal.go") {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range regexp.MustCompile(`sdk\.Reason += "([a-z_]+)"`).FindAllSubmatch(source, -1) {
			count++
			if !strings.Contains(string(manual), "| `"+string(found[1])+"` |") {
				t.Errorf("README.md does not explain the reason %s", found[1])
			}
		}
	}
	if count < 50 {
		t.Errorf("only %d reasons found", count)
	}
}
