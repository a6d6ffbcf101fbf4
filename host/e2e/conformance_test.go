package e2e

import (
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/doorward/doorward/plugins/openid/openidtest"
)

// The modules of the OpenID conformance suite for relying parties, under their own names: the
// authors of the suite decide what a provider does and how the relying party must respond, and
// a fake provider simulates it here. This is not a certification and does not replace one: the
// suite itself was not run, and nobody has reviewed its log.
//
// The plans are those of the classes in net.openid.conformance.openid.client and
// net.openid.conformance.fapi2spfinal at https://gitlab.com/openid/conformance-suite.

// module is one module. It is passed if the login succeeds, or if it is refused at the place
// that the suite specifies.
type module struct {
	quirk

	// before is the endpoint that must not be requested after the fault; empty if the suite
	// does not specify one.
	before openidtest.Endpoint

	// again changes the provider after a login, before a second login.
	again func(*openidtest.Provider) error
}

// byTheHost stands for a refusal by the host itself, which has no reason: the response does
// not belong to a known login.
const byTheHost = `""`

const suite = "https://gitlab.com/openid/conformance-suite"

// passes is a module in which alice signs in.
func passes(name string, fake openidtest.Quirk, does ...openidtest.Misbehaviour) module {
	return module{quirk: quirk{name: name, source: suite, fake: fake, does: does}}
}

// refuses is a module in which the ID token is invalid, so that the user info is not
// requested.
func refuses(name, reason string, fake openidtest.Quirk, does ...openidtest.Misbehaviour) module {
	m := passes(name, fake, does...)
	m.refused, m.before = reason, openidtest.UserInfoEndpoint
	return m
}

func (m module) with(change func(*module)) module {
	change(&m)
	return m
}

// option sets an option of the provider in the host.
func option(name, value string) func(*module) {
	return func(m *module) { m.options = withOption(m.options, name, value) }
}

func idToken(change func(map[string]any)) openidtest.Quirk { return openidtest.Quirk{Claims: change} }

func document(change func(map[string]any)) openidtest.Quirk {
	return openidtest.Quirk{Metadata: change}
}

// basicModules are the modules of oidcc-client-basic-certification-test-plan, and those of
// oidcc-client-test-plan for the code flow.
func basicModules() []module {
	none := openidtest.Quirk{}
	onlyRS256 := option("CLIENT_ID_TOKEN_SIGNED_RESPONSE_ALG", "RS256")
	return []module{
		passes("oidcc-client-test", none),
		refuses("oidcc-client-test-invalid-iss", "issuer_mismatch", none, openidtest.IssuerOther),
		refuses("oidcc-client-test-missing-sub", "subject_missing", idToken(drop("sub"))),
		refuses("oidcc-client-test-invalid-aud", "audience_mismatch", none, openidtest.AudienceOther),
		refuses("oidcc-client-test-missing-iat", "id_token_iat", none, openidtest.IssuedAtMissing),
		passes("oidcc-client-test-kid-absent-single-jwks", none, openidtest.KidAbsentOneKey),
		// The suite allows the client to refuse or to try each key.
		passes("oidcc-client-test-kid-absent-multiple-jwks", none, openidtest.KidAbsentSeveralKeys),
		passes("oidcc-client-test-idtoken-sig-rs256", none).with(onlyRS256),
		refuses("oidcc-client-test-invalid-sig-rs256", "signature_invalid", none, openidtest.SignatureBadRS256),
		passes("oidcc-client-test-userinfo-invalid-sub", none, openidtest.UserInfoSubjectOther).with(func(m *module) { m.refused = "userinfo_sub_mismatch" }),
		refuses("oidcc-client-test-nonce-invalid", "nonce_mismatch", none, openidtest.NonceOther),
		passes("oidcc-client-test-scope-userinfo-claims", none).with(option("SCOPE", "openid profile email address phone")),
		passes("oidcc-client-test-client-secret-basic", none).with(func(m *module) { m.client.TokenEndpointAuthMethod = openidtest.ClientSecretBasic }),

		refuses("oidcc-client-test-missing-aud", "audience_mismatch", none, openidtest.AudienceMissing),
		passes("oidcc-client-test-userinfo-bearer-header", none),
		refuses("oidcc-client-test-invalid-sig-es256", "signature_invalid", none, openidtest.SignatureBadES256).with(func(m *module) { m.client.IDTokenSignedResponseAlg = "ES256" }),
		// Doorward does not support HS256, and refuses it before it checks the signature.
		refuses("oidcc-client-test-invalid-sig-hs256", "jwt_alg", none, openidtest.HMACEmptyKey),
		passes("oidcc-client-test-userinfo-signed", none).with(func(m *module) {
			m.client.UserInfoSignedResponseAlg = "RS256"
			option("CLIENT_USERINFO_SIGNED_RESPONSE_ALG", "RS256")(m)
		}),
		passes("oidcc-client-test-ignores-unparseable-key-in-jwks", openidtest.Quirk{Keys: func(keys []map[string]any) []map[string]any {
			return append([]map[string]any{
				{"kty": "AKP", "kid": "pq", "alg": "ML-DSA-9999", "use": "sig", "pub": "AAAA"},
				{"kty": "made-up", "kid": "mu", "use": "sig"},
			}, keys...)
		}}),
		// The suite has this module for flows that send the token through the browser.
		// Doorward checks at_hash whenever it is present.
		refuses("oidcc-client-test-invalid-athash", "at_hash_mismatch", none, openidtest.AccessTokenHashOther),
	}
}

// formPostModules are the modules of oidcc-client-formpost-basic-certification-test-plan: the
// basic modules, and an error.
func formPostModules() []module {
	byPost := option("PARAMS", `{"response_mode":"form_post"}`)
	var modules []module
	for _, m := range basicModules() {
		modules = append(modules, m.with(byPost))
	}
	failure := openidtest.Quirk{Response: func(params map[string]string) {
		delete(params, "code")
		params["error"], params["error_description"] = "login_required", "Error response using form_post"
	}}
	return append(modules, refuses("oidcc-client-test-form-post-error", "not_allowed", failure).with(func(m *module) {
		m.before = openidtest.TokenEndpoint
		option("PARAMS", `{"response_mode":"form_post","max_age":0,"prompt":"none"}`)(m)
	}))
}

// configModules are the modules of oidcc-client-config-certification-test-plan.
func configModules() []module {
	none := openidtest.Quirk{}
	return []module{
		passes("oidcc-client-test-discovery-openid-config", none),
		passes("oidcc-client-test-discovery-jwks-uri-keys", document(func(d map[string]any) { d["jwks_uri"] = d["jwks_uri"].(string) + "?of=this-run" })),
		refuses("oidcc-client-test-discovery-issuer-mismatch", "discovery_issuer_mismatch", none, openidtest.DiscoveryIssuerOther).with(func(m *module) { m.before = openidtest.AuthorizationEndpoint }),
		passes("oidcc-client-test-signing-key-rotation-just-before-signing", none, openidtest.KeysRotated),
		passes("oidcc-client-test-signing-key-rotation", none).with(func(m *module) { m.again = (*openidtest.Provider).RotateKeys }),
		// The suite requires more than Doorward supports: it registers the client for
		// unsigned ID tokens, and requires that the client accepts one. Doorward never
		// registers for unsigned tokens and refuses them: anybody who can impersonate the
		// token endpoint could forge one.
		refuses("oidcc-client-test-idtoken-sig-none", "jwt_malformed", none, openidtest.AlgNone),
	}
}

// notRetold are the modules for features that Doorward does not support, with the reasons.
var notRetold = map[string]string{
	"oidcc-client-test-nonce-unless-code-flow":                                         "is for flows other than code; ours sends a nonce all the same",
	"oidcc-client-test-missing-athash":                                                 "is for flows that deliver the access token by the browser; the code flow may leave at_hash out (Core section 3.1.3.6)",
	"oidcc-client-test-missing-chash":                                                  "is for hybrid flows",
	"oidcc-client-test-invalid-chash":                                                  "is for hybrid flows",
	"oidcc-client-test-userinfo-bearer-body":                                           "is the alternative to userinfo-bearer-header, which we use",
	"oidcc-client-test-aggregated-claims":                                              "we read no aggregated claims",
	"oidcc-client-test-distributed-claims":                                             "we follow no claims to other places: a reference to groups makes them unknown",
	"oidcc-client-test-request-uri-signed-none":                                        "we send no request objects; requests are pushed",
	"oidcc-client-test-request-uri-signed-rs256":                                       "we send no request objects; requests are pushed",
	"oidcc-client-test-dynamic-registration":                                           "clients are registered by hand",
	"oidcc-client-test-discovery-webfinger-acct":                                       "the issuer is configured, and not found by WebFinger",
	"oidcc-client-test-discovery-webfinger-url":                                        "the issuer is configured, and not found by WebFinger",
	"oidcc-client-test-3rd-party-init-login":                                           "logins begin at the host; an issuer in a link would choose the provider for the end user",
	"oidcc-client-test-session-management":                                             "there is no check_session_iframe: browsers keep the cookies of other sites from it",
	"oidcc-client-test-mtls-endpoint-aliases":                                          "needs TLS, which this fake has not: TestOpenIDProviderMutualTLS has a certified provider with it",
	"fapi2-security-profile-final-client-refresh-token-test":                           "is for national profiles and their resources, not for plain FAPI: TestOpenIDProviderFAPI refreshes twice",
	"fapi2-security-profile-final-client-test-happy-path-no-mtls-endpoint-aliases":     "is for the variant with mutual TLS, see TestOpenIDProviderMutualTLS",
	"fapi2-security-profile-final-client-test-grant-management-happy-path":             "we manage no grants",
	"fapi2-security-profile-final-client-test-grant-management-query-and-revoke":       "we manage no grants",
	"fapi2-security-profile-final-client-test-grant-management-invalid-grant-id-fails": "we manage no grants",
}

// TestConformanceModules runs one host for each plan.
func TestConformanceModules(t *testing.T) {
	for plan, modules := range map[string][]module{
		"oidcc-client-basic-certification-test-plan":          basicModules(),
		"oidcc-client-formpost-basic-certification-test-plan": formPostModules(),
		"oidcc-client-config-certification-test-plan":         configModules(),
		"fapi2-security-profile-final-client-test-plan":       fapiModules(t),
		"fapi2-message-signing-final-client-test-plan":        signedModules(t),
	} {
		t.Run(plan, func(t *testing.T) { runModules(t, modules) })
	}
}

func runModules(t *testing.T, modules []module) {
	t.Helper()
	var quirks []quirk
	for _, m := range modules {
		if _, left := notRetold[m.name]; left || slices.ContainsFunc(quirks, func(q quirk) bool { return q.name == m.name }) {
			t.Errorf("%s is retold twice, or not at all", m.name)
		}
		quirks = append(quirks, m.quirk)
	}
	host, fakes := startQuirks(t, quirks)
	for i, m := range modules {
		t.Run(m.name, func(t *testing.T) {
			m.check(t, host, quirkName(i))
			if m.before != "" && fakes[i].Hits(m.before) != 0 {
				t.Errorf("the %s endpoint is asked after the fault", m.before)
			}
			if m.again == nil {
				return
			}
			if err := m.again(fakes[i]); err != nil {
				t.Fatal(err)
			}
			m.check(t, host, quirkName(i))
		})
	}
}

// postForm sends a request from the provider itself, without the browser.
func postForm(t *testing.T, target string, form url.Values) int {
	t.Helper()
	resp, err := http.PostForm(target, form)
	if err != nil {
		t.Error(err)
		return 0
	}
	resp.Body.Close()
	return resp.StatusCode
}
