package e2e

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/doorward/doorward/plugins/openid/openidtest"
)

// userInfoQuirks are quirks of the user info.
func userInfoQuirks() []quirk {
	inIDToken := openidtest.Client{ClaimsInIDToken: true}
	info := func(change func(map[string]any)) openidtest.Quirk { return openidtest.Quirk{UserInfo: change} }
	status := func(code int) openidtest.Quirk {
		return answered(openidtest.AtUserInfo, func(a *openidtest.Answer) { a.Status, a.Body = code, []byte("{}") })
	}
	skipped := map[string]string{"SKIP_USERINFO": "true"}
	onlySub := func(c map[string]any) {
		for name := range c {
			if name != "sub" {
				delete(c, name)
			}
		}
	}
	return []quirk{
		{name: "called text/plain", source: "https://github.com/DuendeArchive/identity-model-oidc-client-js/issues/1315", fake: labelled(openidtest.AtUserInfo, "text/plain")},
		{name: "called text/html", source: "https://github.com/DuendeArchive/identity-model-oidc-client-js/issues/488", fake: labelled(openidtest.AtUserInfo, "text/html; charset=utf-8")},
		{name: "no label", source: "https://github.com/suitenumerique/django-lasuite/pull/5", fake: answered(openidtest.AtUserInfo, func(a *openidtest.Answer) { a.Header.Del("Content-Type") })},
		{name: "BankID: a JWT", source: "https://github.com/DuendeArchive/identity-model-oidc-client-js/issues/635", client: openidtest.Client{UserInfoSignedResponseAlg: "RS256"}},
		{name: "a JWT called JSON", source: "https://github.com/puiterwijk/flask-oidc/issues/16", client: openidtest.Client{UserInfoSignedResponseAlg: "ES256"}, fake: labelled(openidtest.AtUserInfo, "application/json")},
		{name: "a JWT that says neither by whom nor for whom", source: "https://openid.net/specs/openid-connect-core-1_0.html#UserInfoResponse", client: openidtest.Client{UserInfoSignedResponseAlg: "RS256"}, fake: info(func(c map[string]any) { c["iss"], c["aud"] = nil, nil })},
		{name: "WordPress: sub is a number here", source: "https://github.com/oidc-wp/openid-connect-generic/issues/673", fake: openidtest.Quirk{Claims: set("sub", "35"), UserInfo: set("sub", 35)}, want: but(func(p *person) { p.subject = "35" })},
		{name: "AD FS: sub and nothing else", source: "https://github.com/owncloud/ocis/pull/7106", client: inIDToken, fake: info(onlySub)},
		{name: "dex: no endpoint", source: "https://github.com/ajmyyra/ambassador-auth-oidc/issues/14", client: inIDToken, fake: openidtest.Quirk{Metadata: drop("userinfo_endpoint")}},
		{name: "B2C: the endpoint is null", source: "https://github.com/coupergateway/couper/issues/708", client: inIDToken, fake: openidtest.Quirk{Metadata: set("userinfo_endpoint", nil)}},
		{name: "Spring: 401, and not asked", source: "https://github.com/spring-attic/spring-authorization-server/issues/716", client: inIDToken, fake: status(http.StatusUnauthorized), options: skipped},
		{name: "an endpoint on http, and not asked", source: "https://github.com/adfinis/ember-simple-auth-oidc/issues/310", client: inIDToken, fake: openidtest.Quirk{Metadata: set("userinfo_endpoint", "http://op.example/userinfo")}, options: skipped},
		{name: "null leaves what the ID token says", source: "https://github.com/sourcemeta/core/pull/2751", client: inIDToken, fake: info(func(c map[string]any) { c["email"], c["given_name"], c["groups"] = nil, nil, nil })},
		{name: "an empty text leaves what the ID token says", source: "https://openid.net/specs/openid-connect-core-1_0.html#UserInfoResponse", client: inIDToken, fake: info(set("email", ""))},
		{name: "Google: another profile here", source: "https://github.com/elastic/elasticsearch/pull/42277", client: inIDToken, fake: info(set("profile", "https://profile.example/2"))},
		{name: "Authelia: claims here alone", source: "https://github.com/chrisvel/tududi/pull/1322"},

		{name: "401", source: "https://github.com/spring-attic/spring-authorization-server/issues/716", fake: status(http.StatusUnauthorized), refused: "userinfo_token_refused"},
		{name: "403", source: "https://github.com/spring-projects/spring-security/issues/4451", fake: status(http.StatusForbidden), refused: "userinfo_status"},
		{name: "429", source: "https://www.rfc-editor.org/rfc/rfc6585#section-4", fake: status(http.StatusTooManyRequests), refused: "userinfo_status"},
		{name: "about somebody else", source: "https://github.com/manfredsteyer/angular-oauth2-oidc/issues/548", fake: info(set("sub", "bob")), refused: "userinfo_sub_mismatch"},
	}
}

// discoveryQuirks are quirks of the discovery document.
func discoveryQuirks() []quirk {
	metadata := func(change func(map[string]any)) openidtest.Quirk { return openidtest.Quirk{Metadata: change} }
	at := func(path string) func(string) string {
		return func(issuer string) string { return strings.TrimSuffix(issuer, "/") + path }
	}
	const document = "/.well-known/openid-configuration"
	return []quirk{
		{name: "django-oauth-toolkit: a slash behind the document", source: "https://github.com/django-oauth/django-oauth-toolkit/issues/1089", path: "/o", fake: openidtest.Quirk{DocumentPath: document + "/"}, url: at(document + "/")},
		{name: "django-oidc-provider: the issuer is the document", source: "https://github.com/juanifioren/django-oidc-provider/issues/72", path: "/openid", url: at(document),
			fake: openidtest.Quirk{
				Metadata: func(d map[string]any) {
					d["issuer"] = d["issuer"].(string) + document
					d["authorization_response_iss_parameter_supported"] = false
				},
				Claims:   func(c map[string]any) { c["iss"] = c["iss"].(string) + document },
				Response: func(p map[string]string) { delete(p, "iss") },
			}},
		{name: "authentik: the issuer ends in a slash", source: "https://github.com/Freika/dawarich/issues/2925", path: "/application/o/dawarich/"},
		{name: "authentik: the URL of its document", source: "https://github.com/achtungsoftware/alarik/issues/14", path: "/application/o/alarik/", url: at(document)},
		{name: "B2C: the policy in the query", source: "https://learn.microsoft.com/azure/active-directory-b2c/openid-connect", path: "/tenant/v2.0", url: at(document + "?p=b2c_1_sign_in")},
		{name: "B2C: an issuer of another name", source: "https://github.com/azure-ad-b2c/samples/issues/444", path: "/tenant/b2c_1_x/v2.0", options: map[string]string{"ISSUER": "https://tenant.b2clogin.example/guid/v2.0/"},
			fake: openidtest.Quirk{
				Metadata: func(d map[string]any) {
					d["issuer"], d["authorization_response_iss_parameter_supported"] = "https://tenant.b2clogin.example/guid/v2.0/", false
				},
				Claims:   set("iss", "https://tenant.b2clogin.example/guid/v2.0/"),
				Response: func(p map[string]string) { delete(p, "iss") },
			}},
		{name: "RFC 8414: the document of an authorization server", source: "https://www.rfc-editor.org/rfc/rfc8414#section-3.1", fake: openidtest.Quirk{DocumentPath: "/.well-known/oauth-authorization-server"}, url: at("/.well-known/oauth-authorization-server")},
		{name: "node-solid-server: methods are a text", source: "https://github.com/nodeSolidServer/node-solid-server/issues/1599", fake: metadata(set("token_endpoint_auth_methods_supported", "client_secret_basic"))},
		{name: "Entra ID: custom scopes are not listed", source: "https://github.com/Open-EO/openeo-python-client/issues/930", fake: metadata(set("scopes_supported", []string{"openid", "profile", "email", "offline_access"})), options: map[string]string{"SCOPE": "openid profile email api://x/y"}},
		{name: "lists with other things in them", source: "https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderMetadata", fake: metadata(func(d map[string]any) {
			d["scopes_supported"], d["claims_supported"], d["response_modes_supported"] = "openid profile", map[string]any{}, []any{"query", nil, 7}
		})},
		{name: "two members that differ in case", source: "https://www.rfc-editor.org/rfc/rfc8414#section-3.2", fake: metadata(func(d map[string]any) {
			d["Service_Documentation"], d["service_documentation"] = "https://a.example", "https://b.example"
		})},
		{name: "a byte order mark", source: "https://github.com/instructure/canvas-lms/issues/2639", fake: answered(openidtest.AtDiscovery, func(a *openidtest.Answer) { a.Body = append([]byte("\ufeff"), a.Body...) })},
		{name: "Duende: no response types", source: "https://github.com/FormidableLabs/react-native-app-auth/issues/880", fake: metadata(drop("response_types_supported"))},
		{name: "oxAuth: called text/plain", source: "https://github.com/GluuFederation/oxAuth/issues/876", fake: labelled(openidtest.AtDiscovery, "text/plain")},
		{name: "GitLab: no PKCE method is listed, by option", source: "https://www.rfc-editor.org/rfc/rfc8414#section-2", fake: metadata(drop("code_challenge_methods_supported")), options: map[string]string{"ALLOW_UNLISTED_PKCE": "true"}},

		{name: "django-oauth-toolkit: a redirect to the slash", source: "https://github.com/django-oauth/django-oauth-toolkit/issues/1089", refused: "discovery_status",
			fake: answered(openidtest.AtDiscovery, func(a *openidtest.Answer) {
				a.Status = http.StatusMovedPermanently
				a.Header.Set("Location", "/.well-known/openid-configuration/")
			})},
		{name: "a placeholder, not at Microsoft's", source: "https://github.com/MicrosoftDocs/azure-docs/issues/38427", path: "/common/v2.0", refused: "discovery_issuer_mismatch",
			fake: metadata(func(d map[string]any) { d["issuer"] = strings.Replace(d["issuer"].(string), "common", "{tenantid}", 1) })},
		{name: "gafaelfawr: the slash is stripped from the issuer", source: "https://github.com/lsst-sqre/gafaelfawr/pull/1431", path: "/", refused: "discovery_issuer_mismatch",
			fake: metadata(func(d map[string]any) { d["issuer"] = strings.TrimSuffix(d["issuer"].(string), "/") })},
		{name: "a list around the document", source: "https://github.com/limosa-io/laravel-openid-connect-server/issues/30", refused: "discovery_malformed",
			fake: answered(openidtest.AtDiscovery, func(a *openidtest.Answer) { a.Body = []byte("[" + string(a.Body) + "]") })},
		{name: "Steam: XML", source: "https://github.com/DuendeArchive/IdentityModel.OidcClient.Samples/issues/12", refused: "discovery_malformed",
			fake: answered(openidtest.AtDiscovery, func(a *openidtest.Answer) { a.Body = []byte(`<?xml version="1.0"?><XRDS/>`) })},
	}
}

// keyQuirks are quirks of the key set.
func keyQuirks() []quirk {
	keys := func(change func([]map[string]any) []map[string]any) openidtest.Quirk {
		return openidtest.Quirk{Keys: change}
	}
	with := func(more ...map[string]any) openidtest.Quirk {
		return keys(func(k []map[string]any) []map[string]any { return append(more, k...) })
	}
	ec := openidtest.Client{IDTokenSignedResponseAlg: "ES256"}
	only := func(alg string, change func(map[string]any)) openidtest.Quirk {
		return openidtest.Quirk{Header: drop("kid"), Keys: func(all []map[string]any) []map[string]any {
			for _, k := range all {
				if k["alg"] == alg {
					change(k)
					return []map[string]any{k}
				}
			}
			return nil
		}}
	}
	return []quirk{
		{name: "one key listed twice", source: "https://github.com/panva/openid-client/issues/166", fake: keys(func(k []map[string]any) []map[string]any { return append(k, k...) })},
		{name: "one key listed twice, without ID", source: "https://github.com/panva/jose/issues/392", fake: openidtest.Quirk{Header: drop("kid"), Keys: func(k []map[string]any) []map[string]any {
			rs := ofAlg(k, "RS256")
			delete(rs, "kid")
			return []map[string]any{rs, rs}
		}}},
		{name: "one key plain and with a certificate", source: "https://github.com/dadrus/heimdall/issues/5", fake: keys(func(k []map[string]any) []map[string]any {
			again := map[string]any{"x5c": []string{"MIIC"}, "x5t": "x"}
			for name, value := range ofAlg(k, "RS256") {
				again[name] = value
			}
			return append(k, again)
		})},
		{name: "one ID for keys of two types", source: "https://github.com/inrupt/solid-client-authn-js/issues/1799", fake: openidtest.Quirk{Header: set("kid", "one"), Keys: eachKey(set("kid", "one"))}},
		{name: "one ID for keys of two algorithms", source: "https://github.com/keycloak/keycloak/pull/15114", fake: openidtest.Quirk{Header: set("kid", "x"), Keys: func(k []map[string]any) []map[string]any {
			rs, ps := ofAlg(k, "RS256"), ofAlg(k, "PS256")
			rs["kid"], ps["kid"] = "x", "x"
			return []map[string]any{rs, ps}
		}}},
		{name: "Globus: no IDs", source: "https://github.com/aces/Loris/pull/8928", fake: only("RS256", drop("kid"))},
		{name: "no ID in the token, one key", source: "https://github.com/GluuFederation/oxd/issues/555", fake: only("RS256", func(map[string]any) {})},
		{name: "a key of a type to come (AKP)", source: "https://github.com/FusionAuth/fusionauth-jwt/issues/80", fake: with(map[string]any{"kty": "AKP", "alg": "ML-DSA-44", "pub": "AAAA", "kid": "pq"})},
		{name: "keys of an unknown type", source: "https://github.com/coreos/go-oidc/pull/499", fake: with(map[string]any{"kty": "unknown"}, map[string]any{})},
		{name: "a key on P-521", source: "https://github.com/nextcloud/user_oidc/pull/1333", fake: with(map[string]any{"kty": "EC", "crv": "P-521", "x": "AAAA", "y": "AAAA", "kid": "p521", "use": "sig"})},
		{name: "a key on secp256k1", source: "https://github.com/SAP/cloud-security-services-integration-library/pull/2009", fake: with(map[string]any{"kty": "EC", "crv": "secp256k1", "x": "AAAA", "y": "AAAA", "alg": "ES256K"})},
		{name: "a key for encryption", source: "https://github.com/keycloak/keycloak/pull/28494", fake: keys(func(k []map[string]any) []map[string]any {
			enc := map[string]any{}
			for name, value := range ofAlg(k, "RS256") {
				enc[name] = value
			}
			enc["use"], enc["alg"] = "enc", "RSA-OAEP"
			return append([]map[string]any{enc}, k...)
		})},
		{name: "key_ops is empty", source: "https://www.rfc-editor.org/rfc/rfc7517#section-4.3", fake: openidtest.Quirk{Keys: eachKey(set("key_ops", []string{}))}},
		{name: "key_ops says sign and verify", source: "https://www.w3.org/TR/WebCryptoAPI/#jwk-mapping-usages", fake: openidtest.Quirk{Keys: eachKey(set("key_ops", []string{"sign", "verify"}))}},
		{name: "neither use nor alg", source: "https://www.rfc-editor.org/rfc/rfc7517#section-4.2", fake: openidtest.Quirk{Keys: eachKey(func(k map[string]any) { delete(k, "use"); delete(k, "alg") }), Header: func(map[string]any) {}}},
		{name: "private members that are null", source: "https://github.com/lestrrat-go/jwx/pull/2264", fake: openidtest.Quirk{Keys: eachKey(func(k map[string]any) { k["d"], k["x5c"], k["x5u"] = nil, nil, nil })}},
		{name: "two members that differ in case", source: "https://www.rfc-editor.org/rfc/rfc7517#section-4", fake: openidtest.Quirk{Keys: eachKey(func(k map[string]any) { k["X5T"], k["x5t"] = "a", "b" })}},
		{name: "the modulus in standard base64, with a sign byte", source: "https://www.rfc-editor.org/rfc/rfc7518#section-6.3.1.1", fake: openidtest.Quirk{Keys: eachKey(func(k map[string]any) {
			if text, ok := k["n"].(string); ok {
				n, _ := base64.RawURLEncoding.DecodeString(text)
				k["n"] = base64.StdEncoding.EncodeToString(append([]byte{0}, n...))
			}
		})}},
		{name: "oxAuth: a coordinate with a zero too many", source: "https://github.com/GluuFederation/oxAuth/issues/1595", client: ec, fake: openidtest.Quirk{Keys: eachKey(func(k map[string]any) {
			if text, ok := k["y"].(string); ok {
				y, _ := base64.RawURLEncoding.DecodeString(text)
				k["y"] = base64.RawURLEncoding.EncodeToString(append([]byte{0}, y...))
			}
		})}},
		{name: "Connect2id: called jwk-set+json", source: "https://github.com/DuendeArchive/identity-model-oidc-client-js/issues/488", fake: labelled(openidtest.AtKeySet, "application/jwk-set+json;charset=UTF-8")},
		{name: "called octet-stream, with a byte order mark", source: "https://github.com/instructure/canvas-lms/issues/2639", fake: answered(openidtest.AtKeySet, func(a *openidtest.Answer) {
			a.Header.Set("Content-Type", "application/octet-stream")
			a.Body = append([]byte("\ufeff"), a.Body...)
		})},

		{name: "IdentityServer3: no ID, several keys", source: "https://github.com/panva/openid-client/issues/114", fake: openidtest.Quirk{Header: drop("kid"), Keys: func(k []map[string]any) []map[string]any {
			delete(ofAlg(k, "PS256"), "alg")
			return k
		}}},
		{name: "kid is null, several keys", source: "https://www.rfc-editor.org/rfc/rfc7515#section-4.1.4", fake: openidtest.Quirk{Header: set("kid", nil), Keys: func(k []map[string]any) []map[string]any {
			delete(ofAlg(k, "PS256"), "alg")
			return k
		}}},
		{name: "an ID in the token, none in the keys", source: "https://www.rfc-editor.org/rfc/rfc7517#section-4.5", fake: openidtest.Quirk{Keys: eachKey(drop("kid"))}},
		{name: "one ID for two keys", source: "https://www.rfc-editor.org/rfc/rfc7517#section-4.5", fake: openidtest.Quirk{Header: set("kid", "x"), Keys: func(k []map[string]any) []map[string]any {
			rs, ps := ofAlg(k, "RS256"), ofAlg(k, "PS256")
			rs["kid"], ps["kid"] = "x", "x"
			delete(ps, "alg")
			return []map[string]any{ps, rs}
		}}},
		{name: "half a surrogate pair in the header", source: "https://www.rfc-editor.org/rfc/rfc8259#section-8.2", fake: openidtest.Quirk{Header: set("note", json.RawMessage(`"\ud800"`))}},

		{name: "an ID in the token, none in the keys of others", source: "https://www.rfc-editor.org/rfc/rfc7517#section-4.5", refused: "key_unknown", fake: openidtest.Quirk{Keys: func(k []map[string]any) []map[string]any {
			ps := ofAlg(k, "PS256")
			delete(ps, "alg")
			delete(ps, "kid")
			return []map[string]any{ps}
		}}},
	}
}

// ofAlg is the first key for an algorithm.
func ofAlg(keys []map[string]any, alg string) map[string]any {
	for _, k := range keys {
		if k["alg"] == alg {
			return k
		}
	}
	return map[string]any{}
}

// responseQuirks are quirks of the authorization response.
func responseQuirks() []quirk {
	response := func(change func(map[string]string)) openidtest.Quirk { return openidtest.Quirk{Response: change} }
	formPost := map[string]string{"PARAMS": `{"response_mode":"form_post"}`}
	return []quirk{
		{name: "Keycloak: session_state in the response", source: "https://github.com/IdentityServer/IdentityServer3/issues/2396", fake: response(func(p map[string]string) { p["session_state"] = "d4b5" })},
		{name: "Google: scope, authuser and prompt in the response", source: "https://developers.google.com/identity/openid-connect/openid-connect", fake: response(func(p map[string]string) {
			p["scope"], p["authuser"], p["hd"], p["prompt"] = "email https://www.googleapis.com/auth/userinfo.email openid", "0", "example.com", "consent"
		})},
		{name: "no iss, and none announced", source: "https://www.rfc-editor.org/rfc/rfc9207#section-2.4", fake: openidtest.Quirk{
			Metadata: drop("authorization_response_iss_parameter_supported"), Response: func(p map[string]string) { delete(p, "iss") },
		}},
		{name: "Apple: user in a form", source: "https://developer.apple.com/documentation/signinwithapple/incorporating-sign-in-with-apple-into-other-platforms", options: formPost,
			fake: response(func(p map[string]string) {
				p["user"] = `{"name":{"firstName":"Mallory","lastName":"M"},"email":"mallory@example.com"}`
			})},
		{name: "the end user says no", source: "https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2.1", answer: "refuse", refused: "cancelled"},
		{name: "iss is announced and missing", source: "https://www.rfc-editor.org/rfc/rfc9207#section-2.4", refused: "response_iss_missing", fake: response(func(p map[string]string) { delete(p, "iss") })},
		{name: "another issuer's response", source: "https://www.rfc-editor.org/rfc/rfc9700#section-4.4", refused: "response_iss_mismatch", fake: response(func(p map[string]string) { p["iss"] = "https://other.example" })},
	}
}
