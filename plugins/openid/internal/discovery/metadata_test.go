package discovery

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/plugins/openid/internal/jose"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
	"github.com/doorward/doorward/sdk/plugintest"
	"github.com/doorward/doorward/sdk/upstream"
	"github.com/doorward/doorward/sdk/upstream/codeflow"
)

func TestUnlistedPKCEOfKnownProviders(t *testing.T) {
	for issuer, accepted := range map[string]bool{
		"https://login.microsoftonline.com/" + tenant + "/v2.0":  true,
		"https://appleid.apple.com":                              true,
		"https://appleid.apple.com.evil.example":                 false,
		"https://login.microsoftonline.com.evil.example/x/v2.0":  false,
		"https://evil.example/https://login.microsoftonline.com": false,
	} {
		want := Requirements{PKCEMethod: codeflow.S256}
		if err := checkPKCE(Metadata{Issuer: issuer}, want); (err == nil) != accepted {
			t.Errorf("E03 %s: %v", issuer, err)
		}
		want.Public = true
		if err := checkPKCE(Metadata{Issuer: issuer}, want); err == nil {
			t.Errorf("E03 %s: a public client has only PKCE", issuer)
		}
	}
}

func TestDiscoveryStatus(t *testing.T) {
	for status, kind := range map[int]error{
		301: sdk.ErrMisconfigured, 302: sdk.ErrMisconfigured, 404: sdk.ErrMisconfigured, 403: sdk.ErrMisconfigured,
		408: sdk.ErrUnavailable, 425: sdk.ErrUnavailable, 429: sdk.ErrUnavailable, 500: sdk.ErrUnavailable, 503: sdk.ErrUnavailable, 204: sdk.ErrUnavailable,
	} {
		plugintest.Refused(t, checkStatus(upstream.Answer{Status: status}, "https://op.example"), kind, ReasonStatus)
	}
	if err := checkStatus(upstream.Answer{Status: 200}, ""); err != nil {
		t.Error(err)
	}
}

// TestDiscoveryRedirect: a redirect is not followed, and the error contains its target.
func TestDiscoveryRedirect(t *testing.T) {
	moved := upstream.Answer{Status: 301, Header: http.Header{"Location": {"https://other.example/"}}}
	if err := checkStatus(moved, "https://op.example"); err == nil || !strings.Contains(err.Error(), "https://other.example/") {
		t.Error(err)
	}
}

func TestAlgorithms(t *testing.T) {
	for _, test := range []struct {
		listed []string
		option string
		want   []string
	}{
		{nil, "", jose.Asymmetric},
		{[]string{"RS256"}, "", []string{"RS256"}},
		{[]string{"none", "HS256", "ES256", "Ed25519", "ES256K"}, "", []string{"ES256", "EdDSA"}},
		{[]string{"RS256"}, "ES384", []string{"ES384"}},
		{[]string{"HS256"}, "RS256", []string{"RS256"}},
		{nil, "PS256", []string{"PS256"}},
		{[]string{"HS256", "none"}, "", nil},
		{[]string{}, "", nil},
	} {
		got, err := algs(test.listed, test.option)
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("G04 %v, %q: %s", test.listed, test.option, diff)
		}
		if test.want == nil {
			plugintest.Refused(t, err, sdk.ErrMisconfigured, ReasonUnsupported)
			if !strings.Contains(err.Error(), "client_id_token_signed_response_alg") {
				t.Errorf("%v names no option", err)
			}
		}
	}
}

// FuzzRead: any discovery document is refused with a reason and a bounded text, or all its
// endpoints are on https or loopback, and no algorithm signs with the client secret.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		`{"issuer":"https://op.example","authorization_endpoint":"https://op.example/a","token_endpoint":"https://op.example/t","jwks_uri":"https://op.example/k","response_types_supported":["code"],"code_challenge_methods_supported":["S256"]}`,
		`{"issuer":"https://op.example","userinfo_endpoint":7,"scopes_supported":[1,null,"x"]}`, `<html>`, `{"issuer":"a","Issuer":"b"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		object, err := claims.DecodeFor(data, names...)
		if err != nil {
			return
		}
		md, err := readMetadata(object, checkerFor("https://op.example"))
		if err == nil {
			err = check(&md, object, Requirements{Location: Location{Document: "https://op.example", Issuers: []string{"https://op.example"}}, PKCEMethod: codeflow.S256})
		}
		if err != nil {
			if len(err.Error()) > 8000 || strings.ContainsAny(err.Error(), "\n\r\x1b") {
				t.Fatalf("%q", err)
			}
			return
		}
		for _, endpoint := range []string{md.AuthorizationEndpoint, md.TokenEndpoint, md.JWKSURI} {
			if _, err := upstream.ParseEndpoint(endpoint); err != nil {
				t.Fatalf("%q: %v", endpoint, err)
			}
		}
		for _, alg := range md.Algs {
			if !slices.Contains(jose.Asymmetric, alg) {
				t.Fatal(md.Algs)
			}
		}
	})
}

// TestEndpointsOnThisMachine: a remote provider cannot cause requests to this machine.
func TestEndpointsOnThisMachine(t *testing.T) {
	for _, test := range []struct {
		document, endpoint string
		accepted           bool
	}{
		{"https://op.example/.well-known/openid-configuration", "http://127.0.0.1:8500/v1/kv", false},
		{"https://op.example/.well-known/openid-configuration", "http://localhost/token", false},
		{"https://op.example/.well-known/openid-configuration", "http://[::1]:9200/", false},
		{"https://op.example/.well-known/openid-configuration", "http://op.example/token", false},
		{"https://op.example/.well-known/openid-configuration", "https://tokens.example/token", true},
		{"http://127.0.0.1:9000/.well-known/openid-configuration", "http://127.0.0.1:9000/token", true},
		{"http://127.0.0.1:9000/.well-known/openid-configuration", "https://op.example/authorize", true},
	} {
		if err := checkerFor(test.document)(test.endpoint); (err == nil) != test.accepted {
			t.Errorf("F19 %s names %s: %v", test.document, test.endpoint, err)
		}
		object := claims.Object{"revocation_endpoint": test.endpoint, "mtls_endpoint_aliases": map[string]any{"token_endpoint": test.endpoint}}
		further := readOptional(object, checkerFor(test.document))
		if (further.RevocationEndpoint != "") != test.accepted || (further.Aliases["token_endpoint"] != "") != test.accepted {
			t.Errorf("F19 %s names %s: %+v", test.document, test.endpoint, further)
		}
		md := Metadata{AuthorizationEndpoint: "https://op.example/a", TokenEndpoint: test.endpoint, JWKSURI: "https://op.example/k"}
		if err := checkEndpoints(md, Requirements{Location: Location{Document: test.document}}); (err == nil) != test.accepted {
			t.Errorf("F19 %s names %s: %v", test.document, test.endpoint, err)
		}
	}
}
