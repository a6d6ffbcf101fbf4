package openidtest

import (
	"net/http"
	"strings"
)

// Misbehaviours of the discovery document.
const (
	DiscoveryIssuerOther   Misbehaviour = "discovery-issuer-other"
	DiscoveryIssuerSlash   Misbehaviour = "discovery-issuer-slash"
	DiscoveryIssuerMissing Misbehaviour = "discovery-issuer-missing"
	DiscoveryIssuerTwice   Misbehaviour = "discovery-issuer-twice"

	DiscoveryAuthorizationEndpointMissing    Misbehaviour = "discovery-authorization-endpoint-missing"
	DiscoveryAuthorizationEndpointHTTP       Misbehaviour = "discovery-authorization-endpoint-http"
	DiscoveryAuthorizationEndpointJavaScript Misbehaviour = "discovery-authorization-endpoint-javascript"
	DiscoveryTokenEndpointMissing            Misbehaviour = "discovery-token-endpoint-missing"
	DiscoveryTokenEndpointHTTP               Misbehaviour = "discovery-token-endpoint-http"
	DiscoveryTokenEndpointJavaScript         Misbehaviour = "discovery-token-endpoint-javascript"
	DiscoveryTokenEndpointCredentials        Misbehaviour = "discovery-token-endpoint-credentials"
	DiscoveryTokenEndpointRelative           Misbehaviour = "discovery-token-endpoint-relative"
	DiscoveryTokenEndpointNumber             Misbehaviour = "discovery-token-endpoint-number"
	DiscoveryKeySetMissing                   Misbehaviour = "discovery-jwks-uri-missing"
	DiscoveryKeySetHTTP                      Misbehaviour = "discovery-jwks-uri-http"
	DiscoveryKeySetFile                      Misbehaviour = "discovery-jwks-uri-file"
	DiscoveryUserInfoHTTP                    Misbehaviour = "discovery-userinfo-endpoint-http"

	DiscoveryWithoutS256        Misbehaviour = "discovery-without-s256"
	DiscoveryWithoutPKCE        Misbehaviour = "discovery-without-pkce"
	DiscoveryWithoutCode        Misbehaviour = "discovery-without-code"
	DiscoveryUnsafeAlgorithms   Misbehaviour = "discovery-unsafe-algorithms"
	DiscoveryWithoutIssResponse Misbehaviour = "discovery-without-iss-response"
	DiscoveryWithoutUserInfo    Misbehaviour = "discovery-without-userinfo"
	DiscoveryWithoutAuthMethods Misbehaviour = "discovery-without-auth-methods"

	DiscoveryHTML      Misbehaviour = "discovery-html"
	DiscoveryArray     Misbehaviour = "discovery-array"
	DiscoveryOversized Misbehaviour = "discovery-oversized"
	DiscoveryRedirect  Misbehaviour = "discovery-redirect"
	DiscoveryNotFound  Misbehaviour = "discovery-not-found"
	DiscoveryDown      Misbehaviour = "discovery-down"
	DiscoveryHangs     Misbehaviour = "discovery-hangs"
	DiscoveryTrickles  Misbehaviour = "discovery-trickles"
)

func metadataBehaviours() []behaviour {
	const (
		authorization = "authorization_endpoint"
		token         = "token_endpoint"
	)
	return []behaviour{
		{name: DiscoveryIssuerOther, rows: "F18", text: "issuer is that of another issuer",
			metadata: publish("issuer", "https://other.example")},
		{name: DiscoveryIssuerSlash, rows: "F02 F18", text: "issuer has a trailing slash too many, or too few",
			metadata: func(p *Provider, d map[string]any) { d["issuer"] = toggleSlash(p.issuer) }},
		{name: DiscoveryIssuerMissing, rows: "F18", text: "issuer is left out",
			metadata: withhold("issuer")},

		{name: DiscoveryAuthorizationEndpointMissing, rows: "F19", text: "authorization_endpoint is left out",
			metadata: withhold(authorization)},
		{name: DiscoveryAuthorizationEndpointHTTP, rows: "F19 E10", text: "authorization_endpoint is plain http on another host",
			metadata: publish(authorization, "http://other.example/authorize")},
		{name: DiscoveryAuthorizationEndpointJavaScript, rows: "F19 E10", text: "authorization_endpoint is a javascript: URL",
			metadata: publish(authorization, "javascript:alert(document.domain)//")},
		{name: DiscoveryTokenEndpointMissing, rows: "F19", text: "token_endpoint is left out",
			metadata: withhold(token)},
		{name: DiscoveryTokenEndpointHTTP, rows: "F19 E10", text: "token_endpoint is plain http on another host: the client secret would be sent unencrypted",
			metadata: publish(token, "http://other.example/token")},
		{name: DiscoveryTokenEndpointJavaScript, rows: "F19 E10", text: "token_endpoint is a javascript: URL",
			metadata: publish(token, "javascript:alert(document.domain)//")},
		{name: DiscoveryTokenEndpointCredentials, rows: "F19", text: "token_endpoint holds a user name and a password, and is otherwise right",
			metadata: func(p *Provider, d map[string]any) {
				d[token] = strings.Replace(p.url("/token"), "://", "://user:password@", 1)
			}},
		{name: DiscoveryTokenEndpointRelative, rows: "F19", text: "token_endpoint is a relative reference",
			metadata: publish(token, "/token")},
		{name: DiscoveryTokenEndpointNumber, rows: "F19", text: "token_endpoint is a number",
			metadata: publish(token, 42)},
		{name: DiscoveryKeySetMissing, rows: "F19", text: "jwks_uri is left out",
			metadata: withhold("jwks_uri")},
		{name: DiscoveryKeySetHTTP, rows: "F19 E10", text: "jwks_uri is plain http on another host",
			metadata: publish("jwks_uri", "http://other.example/jwks")},
		{name: DiscoveryKeySetFile, rows: "F19 E10", text: "jwks_uri is a file: URL",
			metadata: publish("jwks_uri", "file:///etc/passwd")},
		{name: DiscoveryUserInfoHTTP, rows: "F19 E10", text: "userinfo_endpoint is plain http on another host: the access token would be sent unencrypted",
			metadata: publish("userinfo_endpoint", "http://other.example/userinfo")},

		{name: DiscoveryWithoutS256, rows: "E03", text: "code_challenge_methods_supported has plain only",
			metadata: publish("code_challenge_methods_supported", []string{"plain"})},
		{name: DiscoveryWithoutPKCE, rows: "E03", text: "code_challenge_methods_supported is left out: a relying party that requires PKCE refuses unless its operator says that the provider has it",
			metadata: withhold("code_challenge_methods_supported")},
		{name: DiscoveryWithoutCode, rows: "F19", text: "response_types_supported lacks code",
			metadata: publish("response_types_supported", []string{"id_token"})},
		{name: DiscoveryUnsafeAlgorithms, rows: "F12 G01 G04", text: "id_token_signing_alg_values_supported has none and HS256 only",
			metadata: publish("id_token_signing_alg_values_supported", []string{"none", "HS256"})},
		{name: DiscoveryWithoutIssResponse, rows: "E04", legal: true, text: "no iss in authorization responses, and none announced, as before RFC 9207",
			metadata: withhold("authorization_response_iss_parameter_supported"),
			response: func(r *response) { r.params.Del("iss") }},
		{name: DiscoveryWithoutUserInfo, rows: "F19", legal: true, text: "userinfo_endpoint is left out, which section 3 of Discovery only recommends: all claims are in the ID token",
			metadata: withhold("userinfo_endpoint")},
		{name: DiscoveryWithoutAuthMethods, rows: "E07", legal: true, text: "token_endpoint_auth_methods_supported is left out: client_secret_basic is the default",
			metadata: withhold("token_endpoint_auth_methods_supported")},
	}
}

func discoveryReplies() []behaviour {
	return []behaviour{
		{name: DiscoveryIssuerTwice, rows: "F18 F31", text: "issuer is there twice: a wrong one, then the right one",
			reply: preceded(`"issuer":"https://other.example"`)},
		{name: DiscoveryHTML, rows: "F19", text: "status 200 with an HTML page",
			reply: becomes(http.StatusOK, "text/html", htmlPage)},
		{name: DiscoveryArray, rows: "F19", text: "the document is an array around the right object",
			reply: func(_ *Provider, rep *reply) { rep.body = []byte("[" + string(rep.body) + "]") }},
		{name: DiscoveryOversized, rows: "F19", text: "50 MiB of white space before the right document",
			reply: inflated(50 * mebibyte)},
		{name: DiscoveryRedirect, rows: "F19 E09", text: "a redirect to the right document (counted as Trap)",
			reply: redirecting(http.StatusFound, "discovery")},
		{name: DiscoveryNotFound, rows: "F19", text: "status 404, as when the issuer is mistyped",
			reply: becomes(http.StatusNotFound, "text/plain", "not found")},
		{name: DiscoveryDown, rows: "F19", text: "status 503 with the right document",
			reply: func(_ *Provider, rep *reply) { rep.status = http.StatusServiceUnavailable }},
		{name: DiscoveryHangs, rows: "F19 E21", text: "no answer", reply: hanging},
		{name: DiscoveryTrickles, rows: "F19 E21", text: "white space, a byte at a time and without end", reply: trickling},
	}
}

func publish(name string, value any) func(*Provider, map[string]any) {
	return func(_ *Provider, document map[string]any) { document[name] = value }
}

func withhold(name string) func(*Provider, map[string]any) {
	return func(_ *Provider, document map[string]any) { delete(document, name) }
}

func toggleSlash(uri string) string {
	if trimmed, ok := strings.CutSuffix(uri, "/"); ok {
		return trimmed
	}
	return uri + "/"
}
