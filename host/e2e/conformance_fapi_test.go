package e2e

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/doorward/doorward/plugins/openid/openidtest"
)

// fapiOptions configures FAPI 2.0 with the variants client_auth_type private_key_jwt and
// sender_constrain dpop of the suite.
func fapiOptions(keys string) map[string]string {
	return map[string]string{
		"PUSHED_AUTHORIZATION_REQUESTS": "required", "DPOP": "required", "CLIENT_ASSERTION_AUDIENCE": "issuer", "RESPONSE_ISS": "required",
		"CLIENT_TOKEN_ENDPOINT_AUTH_METHOD": "private_key_jwt", "CLIENT_PRIVATE_KEYS": keys, "CLIENT_SECRET": "",
		"CLIENT_ID_TOKEN_SIGNED_RESPONSE_ALG": "PS256",
	}
}

// fapiClient returns the matching client.
func fapiClient(t *testing.T) (client openidtest.Client, keys string) {
	t.Helper()
	private, public := privateJWK(t, "ES256")
	ours, err1 := json.Marshal([]any{private})
	theirs, err2 := json.Marshal([]any{public})
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	client.TokenEndpointAuthMethod, client.IDTokenSignedResponseAlg = openidtest.PrivateKeyJWT, "PS256"
	if err := json.Unmarshal(theirs, &client.Keys); err != nil {
		t.Fatal(err)
	}
	return client, string(ours)
}

// fapiSecurity returns the matching security settings of the provider.
var fapiSecurity = openidtest.Security{
	PushedRequests: openidtest.Required, DPoP: openidtest.Required, DPoPNonce: true, SignedResponses: true,
}

const fapiModule = "fapi2-security-profile-final-client-test-"

// fapiModules are the modules of the security profile, except one that is below.
func fapiModules(t *testing.T) []module {
	t.Helper()
	none := openidtest.Quirk{}
	byAnAlternative := func(m *module) { m.client.IDTokenSignedResponseAlg = "RS256" }
	modules := []module{
		passes("happy-path", none),
		passes("happy-path-no-dpop-nonce", none),
		refuses("discovery-issuer-mismatch", "discovery_issuer_mismatch", none, openidtest.DiscoveryIssuerOther),
		refuses("invalid-iss", "issuer_mismatch", none, openidtest.IssuerOther),
		refuses("invalid-aud", "audience_mismatch", none, openidtest.AudienceOther),
		refuses("invalid-secondary-aud", "audience_untrusted", none, openidtest.AudienceExtra),
		refuses("invalid-null-alg", "jwt_malformed", none, openidtest.AlgNone),
		refuses("invalid-alternate-alg", "jwt_alg", none),
		refuses("invalid-expired-exp", "id_token_expired", none, openidtest.ExpiryPast),
		refuses("invalid-missing-exp", "id_token_expired", none, openidtest.ExpiryMissing),
		refuses("invalid-missing-aud", "audience_mismatch", none, openidtest.AudienceMissing),
		refuses("invalid-missing-iss", "issuer_mismatch", none, openidtest.IssuerMissing),
		passes("valid-aud-as-array", none, openidtest.AudienceList),
		refuses("invalid-nonce", "nonce_mismatch", none, openidtest.NonceOther),
		refuses("invalid-missing-nonce", "nonce_mismatch", none, openidtest.NonceMissing),
		refuses("invalid-authorization-response-iss", "response_iss_mismatch", none, openidtest.ResponseIssOther),
		refuses("remove-authorization-response-iss", "response_iss_missing", none, openidtest.ResponseIssMissing),
		refuses("ensure-authorization-response-with-invalid-state-fails", byTheHost, none, openidtest.StateOther),
		refuses("ensure-authorization-response-with-invalid-missing-state-fails", byTheHost, none, openidtest.StateMissing),
		passes("token-endpoint-response-without-expires_in", none, openidtest.ExpiresInMissing),
		passes("token-type-case-insensitivity", openidtest.Quirk{Token: set("token_type", "dPOp")}),
	}
	for i, m := range modules {
		client, keys := fapiClient(t)
		m.client, m.has, m.options = client, fapiSecurity, fapiOptions(keys)
		m.has.DPoPNonce = m.name != "happy-path-no-dpop-nonce"
		switch {
		case m.name == "invalid-alternate-alg":
			byAnAlternative(&m)
		case strings.Contains(m.name, "discovery"):
			m.before = openidtest.PushEndpoint
		case strings.Contains(m.name, "authorization-response"):
			m.before = openidtest.TokenEndpoint
		}
		m.name = fapiModule + m.name
		modules[i] = m
	}
	return modules
}

// signedModules are the additional modules of message signing, with signed responses.
func signedModules(t *testing.T) []module {
	t.Helper()
	claim := func(name string, value any) openidtest.ResponseAlter {
		return func(_, claims map[string]any) {
			claims[name] = value
			if value == nil {
				delete(claims, name)
			}
		}
	}
	var modules []module
	for _, m := range []struct {
		name, reason string
		alter        openidtest.ResponseAlter
	}{
		{"happy-path", "", nil},
		{"ensure-jarm-without-iss-fails", "issuer_mismatch", claim("iss", nil)},
		{"ensure-jarm-with-invalid-iss-fails", "issuer_mismatch", claim("iss", "https://evil.example")},
		{"ensure-jarm-without-aud-fails", "audience_mismatch", claim("aud", nil)},
		{"ensure-jarm-with-invalid-aud-fails", "audience_mismatch", claim("aud", "other")},
		{"ensure-jarm-without-exp-fails", "id_token_expired", claim("exp", nil)},
		{"ensure-jarm-with-expired-exp-fails", "id_token_expired", claim("exp", 1700000000)},
		{"ensure-jarm-with-invalid-sig-fails", "signature_invalid", nil},
		{"ensure-jarm-signature-is-not-none", "jwt_malformed", func(header, _ map[string]any) { header["alg"] = "none" }},
	} {
		client, keys := fapiClient(t)
		options := withOption(fapiOptions(keys), "SIGNED_AUTHORIZATION_RESPONSES", "required")
		made := module{quirk: quirk{
			name: fapiModule + m.name, source: suite, client: client, has: fapiSecurity, options: options, alter: m.alter, refused: m.reason,
		}}
		if m.reason != "" {
			made.before = openidtest.TokenEndpoint
		}
		if m.reason == "signature_invalid" {
			made.fake = brokenSignature
		}
		modules = append(modules, made)
	}
	return modules
}

// brokenSignature changes the first letter of the signature of a signed response.
var brokenSignature = answered(openidtest.AtAuthorization, func(a *openidtest.Answer) {
	target := a.Header.Get("Location")
	at := strings.LastIndexByte(target, '.') + 1
	if first := target[at : at+1]; first == "A" {
		target = target[:at] + "B" + target[at+1:]
	} else {
		target = target[:at] + "A" + target[at+1:]
	}
	a.Header.Set("Location", target)
})

// TestConformanceSchemeInAnyLetters is
// fapi2-security-profile-final-client-test-rs-dpop-auth-scheme-case-insensitivity: the
// challenge for a nonce is written dPoP.
func TestConformanceSchemeInAnyLetters(t *testing.T) {
	var setup fakeSetup
	var once sync.Once
	challenged := false
	front := func(w http.ResponseWriter, r *http.Request, fake http.Handler) {
		if r.URL.Path != "/userinfo" {
			fake.ServeHTTP(w, r)
			return
		}
		once.Do(func() {
			provider := fake.(*openidtest.Provider)
			provider.RotateNonce()
			provider.RotateNonce() // only the latest nonce is accepted
		})
		said := httptest.NewRecorder()
		fake.ServeHTTP(said, r)
		for name, values := range said.Header() {
			w.Header()[name] = values
		}
		if challenge := said.Header().Get("WWW-Authenticate"); strings.HasPrefix(challenge, `DPoP error="use_dpop_nonce"`) {
			w.Header().Set("WWW-Authenticate", "dPoP"+strings.TrimPrefix(challenge, "DPoP"))
			challenged = true
		}
		w.WriteHeader(said.Code)
		_, _ = w.Write(said.Body.Bytes())
	}
	env := map[string]string{"AUTH_FAKE_DPOP": "required"}
	setup = startFakeBehind(t, front, openidtest.Config{AutoApprove: true, Security: fapiSecurity}, openidtest.Client{}, env)
	newAgent(t, setup.host, "alice").inSession("fake")
	if !challenged {
		t.Error("there was no challenge")
	}
}
