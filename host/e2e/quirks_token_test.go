package e2e

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/doorward/doorward/plugins/openid/openidtest"
)

// bare is the user who signs in without the claims of the user info.
var bare = person{subject: "alice"}

// tokenQuirks are quirks of the token response.
func tokenQuirks() []quirk {
	token := func(change func(map[string]any)) openidtest.Quirk { return openidtest.Quirk{Token: change} }
	inIDToken := openidtest.Client{ClaimsInIDToken: true}
	return []quirk{
		{name: "Entra ID: scope without openid", source: "https://github.com/MicrosoftDocs/azure-docs/issues/68619", fake: token(set("scope", "email profile User.Read"))},
		{name: "Twitch: scope is a list", source: "https://github.com/twitchdev/issues/issues/164", fake: token(set("scope", []string{"openid", "user:read:email"}))},
		{name: "scope is a list without openid", source: "https://github.com/dart-lang/tools/issues/370", fake: token(set("scope", []string{"user:read:email"}))},
		{name: "Azure AD: expires_in is a text", source: "https://github.com/couchbase/sync_gateway/issues/1930", fake: token(set("expires_in", "3599"))},
		{name: "Entra ID v1: expires_in and others are texts", source: "https://github.com/zabbly/incus/issues/65", fake: token(func(b map[string]any) {
			b["expires_in"], b["ext_expires_in"], b["expires_on"] = "3599", "3599", "1733519689"
		})},
		{name: "Nextcloud: expires_in is a text", source: "https://github.com/H2CK/oidc/issues/250", fake: token(set("expires_in", "900"))},
		{name: "Criipto: expires_in is a text", source: "https://github.com/logto-io/logto/issues/5497", fake: token(set("expires_in", "120"))},
		{name: "expires_in is a text with a fraction", source: "https://github.com/krdlab/haskell-oidc-client/pull/15", fake: token(set("expires_in", "3599.0"))},
		{name: "expires_in is a fraction", source: "https://github.com/erlef/oidcc/issues/306", fake: token(set("expires_in", json.RawMessage("3599.5")))},
		{name: "expires_in is negative", source: "https://www.rfc-editor.org/rfc/rfc6749#section-5.1", fake: token(set("expires_in", -1))},
		{name: "expires_in is null", source: "https://github.com/authgear/authgear-server/issues/235", fake: token(set("expires_in", nil))},
		{name: "Azure AD B2C: no access token", source: "https://github.com/MicrosoftDocs/azure-docs/issues/64582", client: inIDToken, fake: token(func(b map[string]any) {
			delete(b, "access_token")
			delete(b, "expires_in")
			b["not_before"], b["id_token_expires_in"], b["profile_info"], b["scope"] = 1603065986, 3600, "eyJ2ZXIiOiIxLjAifQ", "openid"
		})},
		{name: "Azure AD B2C: no access token, but a refresh token", source: "https://github.com/panva/openid-client/issues/717", client: inIDToken, fake: token(func(b map[string]any) {
			delete(b, "access_token")
			b["refresh_token"], b["refresh_token_expires_in"], b["scope"] = "a-refresh-token-of-b2c", 7776000, "offline_access openid"
		})},
		{name: "B2C: access_token is null", source: "https://github.com/AzureAD/microsoft-authentication-library-for-java/issues/140", client: inIDToken, fake: token(set("access_token", nil))},
		{name: "B2C: no access token and claims only in the user info", source: "https://github.com/cirrusidentity/simplesamlphp-module-authoauth2/issues/92", fake: token(drop("access_token")), want: bare},
		{name: "Rancher: no token_type", source: "https://github.com/rancher/rancher/issues/49931", fake: token(drop("token_type")), warning: "token_type"},
		{name: "token_type is empty", source: "https://github.com/nov/openid_connect/pull/37", fake: token(set("token_type", "")), warning: "token_type"},
		{name: "token_type in lower case", source: "https://www.rfc-editor.org/rfc/rfc6749#section-5.1", fake: token(set("token_type", "bearer"))},
		{name: "Keycloak: a long access token", source: "https://github.com/keycloak/terraform-provider-keycloak/issues/483", client: inIDToken, options: map[string]string{"SKIP_USERINFO": "true"},
			fake: openidtest.Quirk{Token: set("access_token", strings.Repeat("a", 60<<10)), Claims: drop("at_hash")}},
		{name: "Keycloak: session_state and not-before-policy", source: "https://github.com/damienbod/angular-auth-oidc-client/pull/1907", fake: token(func(b map[string]any) {
			b["session_state"], b["not-before-policy"], b["refresh_expires_in"] = "riwVQlGfo5PRKJiFYOFLdYHnNb6Vi8q8", 0, 1800
		})},
		{name: "refresh_token is null", source: "https://github.com/openid-certification/oidctest/issues/89", fake: token(set("refresh_token", nil))},
		{name: "refresh_token is a boolean", source: "https://openid.net/specs/openid-connect-core-1_0.html#TokenResponse", fake: token(set("refresh_token", false)), warning: "refresh_token"},
		{name: "error is empty beside tokens", source: "https://www.rfc-editor.org/rfc/rfc6749#section-5.2", fake: token(set("error", ""))},
		{name: "JSON called text/plain", source: "https://github.com/panva/oauth4webapi/issues/155", fake: labelled(openidtest.AtToken, "text/plain;charset=utf-8")},
		{name: "JSON called text/html", source: "https://github.com/DuendeArchive/identity-model-oidc-client-js/issues/777", fake: labelled(openidtest.AtToken, "text/html; charset=utf-8")},
		{name: "CrowdStrike: status 201", source: "https://github.com/panva/openid-client/issues/666", fake: answered(openidtest.AtToken, func(a *openidtest.Answer) { a.Status = http.StatusCreated })},
		{name: "a byte order mark before the tokens", source: "https://www.rfc-editor.org/rfc/rfc8259#section-8.1",
			fake: answered(openidtest.AtToken, func(a *openidtest.Answer) { a.Body = append([]byte("\ufeff"), a.Body...) })},

		{name: "a page in place of tokens", source: "https://github.com/cweagans/n8n-oidc/issues/5", refused: "provider_sent_html",
			fake: answered(openidtest.AtToken, func(a *openidtest.Answer) {
				a.Header.Set("Content-Type", "text/html")
				a.Body = []byte("<!DOCTYPE html><title>Sign in</title>")
			})},
		{name: "a page with status 502", source: "https://github.com/openid-certification/oidctest/issues/220", refused: "token_status",
			fake: answered(openidtest.AtToken, func(a *openidtest.Answer) {
				a.Status, a.Body = http.StatusBadGateway, []byte("<html>")
				a.Header.Set("Content-Type", "text/html")
			})},
		{name: "Rock: no ID token", source: "https://github.com/SparkDevNetwork/Rock/issues/6943", refused: "id_token_missing", fake: token(func(b map[string]any) {
			delete(b, "id_token")
			b["scope"] = "profile email"
		})},
		{name: "an error with status 200", source: "https://github.com/jaredhanson/passport-oauth2/issues/6", refused: "invalid_grant",
			fake: token(func(b map[string]any) { clear(b); b["error"] = "invalid_grant" })},
	}
}

// claimQuirks are quirks of claims on which the login depends.
func claimQuirks() []quirk {
	id := func(change func(map[string]any)) openidtest.Quirk { return openidtest.Quirk{Claims: change} }
	audiences := func(more ...string) func(map[string]any) {
		return func(c map[string]any) { c["aud"] = append([]string{"doorward"}, more...) }
	}
	trusted := func(list string) map[string]string { return map[string]string{"TRUSTED_AUDIENCES": list} }
	return []quirk{
		{name: "aud is a list of one", source: "https://github.com/opencloud-eu/android/issues/172", fake: id(audiences())},
		{name: "Zitadel: more audiences and azp", source: "https://github.com/BookStackApp/BookStack/pull/4147", options: trusted("823417009781275377@oidc,111111111111111111"),
			fake: id(func(c map[string]any) {
				audiences("823417009781275377@oidc", "111111111111111111")(c)
				c["azp"] = "doorward"
			})},
		{name: "more audiences and no azp", source: "https://github.com/hashicorp/cap/issues/53", options: trusted("project"), fake: id(audiences("project"))},
		{name: "Oracle IDCS: an audience of the provider's", source: "https://github.com/damienbod/angular-auth-oidc-client/issues/582", options: trusted("https://identity.oraclecloud.com/"), fake: id(audiences("https://identity.oraclecloud.com/"))},
		{name: "NetSuite: two audiences", source: "https://github.com/pow-auth/assent/issues/111", options: trusted("TSTDRV1234567;1"), fake: id(audiences("TSTDRV1234567;1"))},
		{name: "azp is null", source: "https://github.com/apache/cxf/pull/3166", fake: id(set("azp", nil))},
		{name: "at_hash is null", source: "https://openid.net/specs/openid-connect-core-1_0.html#CodeIDToken", fake: id(set("at_hash", nil))},
		{name: "events is null", source: "https://openid.net/specs/openid-connect-core-1_0.html#IDToken", fake: id(set("events", nil))},
		{name: "nbf is 0", source: "https://github.com/goharbor/harbor/issues/15327", fake: id(set("nbf", 0))},
		{name: "JetBrains Hub: times with a fraction", source: "https://github.com/panva/openid-client/issues/263", fake: id(func(c map[string]any) {
			for _, name := range []string{"iat", "exp"} {
				c[name] = json.RawMessage(asJSON(c[name]) + ".050872")
			}
		})},
		{name: "pyop: exp with a fraction", source: "https://github.com/IdentityPython/pyop/issues/20", fake: id(func(c map[string]any) { c["exp"] = json.RawMessage(asJSON(c["exp"]) + ".9") })},
		{name: "authlib: iat with a fraction", source: "https://github.com/authlib/authlib/issues/801", fake: id(func(c map[string]any) { c["iat"] = json.RawMessage(asJSON(c["iat"]) + ".1") })},
		{name: "Auth0: a subject with a bar in it", source: "https://github.com/ramosbugs/openidconnect-rs/issues/230", fake: both(set("sub", "google-oauth2|1162")), want: but(func(p *person) { p.subject = "google-oauth2|1162" })},
		{name: "CAS: client_id in the header", source: "https://github.com/open-webui/open-webui/pull/28065", fake: openidtest.Quirk{Header: set("client_id", "doorward")}},
		{name: "CyberArk: app_id in the header", source: "https://github.com/open-webui/open-webui/pull/28791", fake: openidtest.Quirk{Header: set("app_id", "x")}},
		{name: "typ is JOSE", source: "https://github.com/ramosbugs/openidconnect-rs/issues/160", fake: openidtest.Quirk{Header: set("typ", "JOSE")}},
		{name: "typ is JWS", source: "https://www.rfc-editor.org/rfc/rfc7515#section-4.1.9", fake: openidtest.Quirk{Header: set("typ", "JWS")}},
		{name: "Membrane: no typ", source: "https://github.com/membrane/api-gateway/issues/292", fake: openidtest.Quirk{Header: drop("typ")}},
		{name: "Kanidm: ES256 alone", source: "https://github.com/PatchMon/PatchMon/issues/542", client: openidtest.Client{IDTokenSignedResponseAlg: "ES256"},
			fake: openidtest.Quirk{Metadata: set("id_token_signing_alg_values_supported", []string{"ES256"})}},
		{name: "Banno: ES256 among others", source: "https://github.com/Banno/consumer-api-openid-connect-example/pull/49", client: openidtest.Client{IDTokenSignedResponseAlg: "ES256"},
			fake: openidtest.Quirk{Metadata: set("id_token_signing_alg_values_supported", []string{"RS256", "ES256", "HS256", "none"})}},
		{name: "EdDSA", source: "https://github.com/damienbod/angular-auth-oidc-client/issues/2078", client: openidtest.Client{IDTokenSignedResponseAlg: "EdDSA"}},
		{name: "Rauthy: Ed25519 in place of EdDSA", source: "https://github.com/sebadob/rauthy/issues/1663", client: openidtest.Client{IDTokenSignedResponseAlg: "EdDSA"},
			fake: openidtest.Quirk{Header: set("alg", "Ed25519"), Metadata: set("id_token_signing_alg_values_supported", []string{"Ed25519"})}},
		{name: "Better Auth: Ed25519 in key and token", source: "https://github.com/better-auth/better-auth/issues/11348", client: openidtest.Client{IDTokenSignedResponseAlg: "EdDSA"},
			fake: openidtest.Quirk{Header: set("alg", "Ed25519"), Keys: eachKey(func(k map[string]any) {
				if k["alg"] == "EdDSA" {
					k["alg"] = "Ed25519"
				}
			})}},
		{name: "an algorithm that is not listed, by option", source: "https://github.com/spring-projects/spring-security/issues/11799", client: openidtest.Client{IDTokenSignedResponseAlg: "ES256"},
			options: map[string]string{"CLIENT_ID_TOKEN_SIGNED_RESPONSE_ALG": "ES256"}, fake: openidtest.Quirk{Metadata: set("id_token_signing_alg_values_supported", []string{"RS256"})}},
		{name: "algorithms are not listed", source: "https://github.com/matrix-org/matrix-authentication-service/pull/698", client: openidtest.Client{IDTokenSignedResponseAlg: "PS256"},
			fake: openidtest.Quirk{Metadata: drop("id_token_signing_alg_values_supported")}},

		{name: "another algorithm than is listed", source: "https://github.com/thomseddon/traefik-forward-auth/issues/358", client: openidtest.Client{IDTokenSignedResponseAlg: "ES256"}, refused: "jwt_alg",
			fake: openidtest.Quirk{Metadata: set("id_token_signing_alg_values_supported", []string{"RS256"})}},
		{name: "authentik without a signing key: HS256", source: "https://github.com/christiaangoossens/hass-oidc-auth/issues/77", refused: "discovery_unsupported",
			fake: openidtest.Quirk{Metadata: set("id_token_signing_alg_values_supported", []string{"HS256"})}},
		{name: "Sa-Token: HS256, and RS256 is listed", source: "https://github.com/dromara/Sa-Token/issues/947", refused: "jwt_alg", fake: openidtest.Quirk{Header: set("alg", "HS256")}},
		{name: "Azure AD v1: alg none", source: "https://github.com/zabbly/incus/issues/65", refused: "jwt_alg", fake: openidtest.Quirk{Header: set("alg", "none")}},
		{name: "an access token as the ID token", source: "https://github.com/ramosbugs/openidconnect-rs/pull/175", refused: "jwt_typ", fake: openidtest.Quirk{Header: set("typ", "at+jwt")}},
		{name: "Lemmy: sub is a number", source: "https://github.com/LemmyNet/lemmy/issues/3417", refused: "subject_invalid", fake: both(set("sub", 35))},
		{name: "IdentityServer: sub is a list", source: "https://github.com/DuendeArchive/identity-model-oidc-client-js/issues/302", refused: "subject_invalid", fake: id(set("sub", []string{"alice", "a-l-i-c-e"}))},
		{name: "Symfony's finding: no sub", source: "https://github.com/symfony/symfony/pull/66135", refused: "subject_missing", fake: id(drop("sub"))},
		{name: "MITREid: no nonce", source: "https://github.com/mitreid-connect/OpenID-Connect-Java-Spring-Server/issues/1217", refused: "nonce_mismatch", fake: id(drop("nonce"))},
		{name: "OpenUnison: a nonce that nobody sent", source: "https://github.com/TremoloSecurity/OpenUnison/issues/1038", refused: "nonce_mismatch", fake: id(set("nonce", "random"))},
		{name: "iat is a text", source: "https://github.com/aspnet-contrib/AspNet.Security.OpenIdConnect.Server/issues/176", refused: "id_token_iat", fake: id(func(c map[string]any) { c["iat"] = asJSON(c["iat"]) })},
		{name: "WSO2: iat in milliseconds", source: "https://github.com/OpenIDC/mod_auth_openidc/issues/99", refused: "id_token_iat", fake: id(func(c map[string]any) { c["iat"] = json.RawMessage(asJSON(c["iat"]) + "000") })},
		{name: "an audience that nobody trusts", source: "https://github.com/linagora/openrag/issues/485", refused: "audience_untrusted", fake: id(audiences("another-client"))},
		{name: "aud is another client, azp is ours", source: "https://github.com/openid/AppAuth-iOS/issues/418", refused: "audience_mismatch", fake: id(func(c map[string]any) { c["aud"], c["azp"] = "web-client", "doorward" })},
		{name: "azp is another client", source: "https://github.com/coollabsio/coolify/pull/10543", refused: "azp_mismatch", fake: id(set("azp", "another-client"))},
	}
}

// asJSON is the number of a claim, as text.
func asJSON(v any) string {
	encoded, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(encoded)
}

// eachKey changes each key of the set.
func eachKey(change func(map[string]any)) func([]map[string]any) []map[string]any {
	return func(keys []map[string]any) []map[string]any {
		for _, k := range keys {
			change(k)
		}
		return keys
	}
}
