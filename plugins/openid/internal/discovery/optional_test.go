package discovery

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/sdk/claims"
	"github.com/doorward/doorward/sdk/upstream"
)

func TestFurther(t *testing.T) {
	object, err := claims.Decode([]byte(`{
		"end_session_endpoint": "https://op.example/end", "revocation_endpoint": "http://op.example/revoke",
		"pushed_authorization_request_endpoint": ["https://op.example/par"], "require_pushed_authorization_requests": true,
		"tls_client_certificate_bound_access_tokens": "true", "dpop_signing_alg_values_supported": ["ES256", "EdDSA"],
		"authorization_signing_alg_values_supported": {"a": 1},
		"mtls_endpoint_aliases": {"token_endpoint": "https://mtls.op.example/token", "userinfo_endpoint": 1, "other": "x"}
	}`))
	if err != nil {
		t.Fatal(err)
	}
	got := readOptional(object, checkerFor("https://op.example"))
	slices.Sort(got.Odd)
	want := OptionalMetadata{
		EndSessionEndpoint: "https://op.example/end", PushRequired: true, DPoPAlgs: []string{"ES256", "EdDSA"},
		Aliases: map[string]string{"token_endpoint": "https://mtls.op.example/token"},
		Odd:     []string{"authorization_signing_alg_values_supported", "pushed_authorization_request_endpoint", "revocation_endpoint", "userinfo_endpoint"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	md := Metadata{TokenEndpoint: "https://op.example/token", UserInfoEndpoint: "https://op.example/me", OptionalMetadata: got}.WithAliases()
	if md.TokenEndpoint != "https://mtls.op.example/token" || md.UserInfoEndpoint != "https://op.example/me" {
		t.Errorf("%+v", md)
	}
}

// FuzzFurther: every remaining endpoint may be requested, and the ignored ones are named.
func FuzzFurther(f *testing.F) {
	f.Add(`{"end_session_endpoint":"https://op.example/end","mtls_endpoint_aliases":{"token_endpoint":"https://m.example/t"}}`)
	f.Add(`{"end_session_endpoint":"javascript:alert(1)","mtls_endpoint_aliases":[]}`)
	f.Add(`{"revocation_endpoint":"https://u:p@op.example/","dpop_signing_alg_values_supported":"ES256"}`)
	f.Fuzz(func(t *testing.T, document string) {
		object, err := claims.Decode([]byte(document))
		if err != nil {
			return
		}
		further := readOptional(object, checkerFor("https://op.example"))
		all := []string{further.EndSessionEndpoint, further.RevocationEndpoint, further.PushEndpoint}
		for _, alias := range further.Aliases {
			all = append(all, alias)
		}
		for _, endpoint := range all {
			if _, err := upstream.ParseEndpoint(endpoint); endpoint != "" && err != nil {
				t.Fatalf("%q of %s: %v", endpoint, document, err)
			}
		}
		if object["end_session_endpoint"] != nil && object["end_session_endpoint"] != "" && further.EndSessionEndpoint == "" && !slices.Contains(further.Odd, "end_session_endpoint") {
			t.Fatalf("left out unsaid in %s", document)
		}
	})
}
