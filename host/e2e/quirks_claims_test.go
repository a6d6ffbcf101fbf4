package e2e

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/doorward/doorward/plugins/openid/openidtest"
)

// shownQuirks are quirks of claims that are only displayed.
func shownQuirks() []quirk {
	nobody := func(change func(*person)) person { return but(change) }
	noMail := nobody(func(p *person) { p.email = "" })
	noFirst, noLast := nobody(func(p *person) { p.first = "" }), nobody(func(p *person) { p.last = "" })
	verified := map[string]string{"REQUIRE_VERIFIED_EMAIL": "true"}
	asText := map[string]string{"REQUIRE_VERIFIED_EMAIL": "true", "EMAIL_VERIFIED_TEXT": "true"}
	localized := map[string]any{"localized": map[string]any{"en_US": "Alice"}, "preferredLocale": map[string]any{"country": "US", "language": "en"}}
	return []quirk{
		{name: "Cognito: email_verified is a text", source: "https://github.com/zitadel/oidc/issues/137", claims: map[string]any{"email_verified": "true"}, warning: "email_verified"},
		{name: "Cognito: a text by option", source: "https://github.com/pocketbase/pocketbase/pull/6657", claims: map[string]any{"email_verified": "true"}, options: asText},
		{name: "Cognito: the text false by option", source: "https://github.com/coreos/go-oidc/pull/249", claims: map[string]any{"email_verified": "false"}, options: map[string]string{"EMAIL_VERIFIED_TEXT": "true"}},
		{name: "JumpCloud: email_verified is a text", source: "https://github.com/holoplot/radioauth/issues/4", claims: map[string]any{"email_verified": "true"}, warning: "email_verified"},
		{name: "Apple and PayPal: email_verified is a text", source: "https://github.com/arrikto/oidc-authservice/pull/82", claims: map[string]any{"email_verified": "true", "is_private_email": "false"}, options: asText},
		{name: "Amplify: email_verified is True", source: "https://github.com/aws-amplify/amplify-js/issues/7917", claims: map[string]any{"email_verified": "True"}, options: map[string]string{"EMAIL_VERIFIED_TEXT": "true"}, warning: "email_verified"},
		{name: "email_verified is null", source: "https://openid.net/specs/openid-connect-core-1_0.html#UserInfoResponse", claims: map[string]any{"email_verified": nil}},
		{name: "email_verified is a text, and must be verified", source: "https://github.com/arrikto/oidc-authservice/issues/63", claims: map[string]any{"email_verified": "true"}, options: verified, refused: `"" error="no account, and registration is closed without a verified e-mail address`},
		{name: "LubeLogger's finding: no address", source: "https://github.com/hargata/lubelog/pull/901", claims: map[string]any{"email": absent, "email_verified": absent}, want: noMail},
		{name: "email is null", source: "https://github.com/sourcemeta/core/pull/2751", claims: map[string]any{"email": nil}, want: noMail},
		{name: "email is empty", source: "https://openid.net/specs/openid-connect-core-1_0.html#UserInfoResponse", claims: map[string]any{"email": ""}, want: noMail},
		{name: "email is a list", source: "https://github.com/CZ-NIC/pyoidc/issues/417", claims: map[string]any{"email": []string{"alice@example.com"}}, want: noMail, warning: `claim \"email\" is a list`},
		{name: "LBL: an address with capitals", source: "https://github.com/als-apg/osprey/issues/857", claims: map[string]any{"email": "Alice@Example.com"}, want: but(func(p *person) { p.email = "Alice@Example.com" })},
		{name: "LinkedIn: names are objects", source: "https://github.com/wso2/product-is/issues/6105", claims: map[string]any{"given_name": localized}, want: noFirst, warning: `claim \"given_name\" is an object`},
		{name: "LinkedIn: locale is an object", source: "https://github.com/aspnet-contrib/AspNet.Security.OAuth.Providers/pull/298", claims: map[string]any{"locale": map[string]any{"country": "US", "language": "en"}}},
		{name: "family_name is a number", source: "https://openid.net/specs/openid-connect-core-1_0.html#StandardClaims", claims: map[string]any{"family_name": 42}, want: noLast, warning: `claim \"family_name\" is a number`},
		{name: "given_name is null", source: "https://github.com/mitreid-connect/OpenID-Connect-Java-Spring-Server/issues/211", claims: map[string]any{"given_name": nil}, want: noFirst},
		{name: "preferred_username is a boolean", source: "https://openid.net/specs/openid-connect-core-1_0.html#ClaimStability", claims: map[string]any{"preferred_username": false}, warning: "preferred_username"},
		{name: "name is a list", source: "https://openid.net/specs/openid-connect-core-1_0.html#ClaimsLanguagesAndScripts", claims: map[string]any{"name": []string{"Alice"}}, warning: `claim \"name\" is a list`},
		{name: "names in several scripts", source: "https://openid.net/specs/openid-connect-core-1_0.html#ClaimsLanguagesAndScripts", claims: map[string]any{"family_name#ja-Kana-JP": "アーチャー", "family_name#de-CH": "Archer"}},
		{name: "Auth0: updated_at is a date", source: "https://github.com/ramosbugs/openidconnect-rs/issues/23", claims: map[string]any{"updated_at": "2020-06-16T03:23:10.426Z"}},
		{name: "Auth0: updated_at is a number as a text", source: "https://github.com/ramosbugs/openidconnect-rs/issues/136", claims: map[string]any{"updated_at": "1700000000"}},
		{name: "INDIGO IAM: updated_at is a sentence", source: "https://github.com/indigo-iam/iam/issues/272", claims: map[string]any{"updated_at": "Wed Apr 04 18:45:44 CEST 2018"}},
		{name: "JetBrains Hub: auth_time with a fraction", source: "https://github.com/authlib/authlib/issues/309", fake: openidtest.Quirk{Claims: set("auth_time", json.RawMessage("1610284800.123"))}},
		{name: "pyoidc: auth_time with a fraction", source: "https://github.com/CZ-NIC/pyoidc/issues/171", fake: openidtest.Quirk{Claims: set("auth_time", json.RawMessage("1455192219.050872"))}},
		{name: "auth_time is a text", source: "https://github.com/googleapis/google-oauth-java-client/issues/119", fake: openidtest.Quirk{Claims: set("auth_time", "1455192219")}, warning: "auth_time"},
		{name: "auth_time is null", source: "https://github.com/authts/oidc-client-ts/issues/1111", fake: openidtest.Quirk{Claims: set("auth_time", nil)}},
		{name: "Signicat: amr is a text", source: "https://github.com/ramosbugs/openidconnect-rs/issues/110", claims: map[string]any{"amr": "simulator"}},
		{name: "IdentityServer: amr is a text", source: "https://github.com/IdentityServer/IdentityServer3/issues/1721", claims: map[string]any{"amr": "password"}},
		{name: "amr is an object", source: "https://github.com/openiddict/openiddict-core/issues/2061", claims: map[string]any{"amr": map[string]any{"fido": true}}, warning: `claim \"amr\" is an object`},
		{name: "amr holds numbers", source: "https://www.rfc-editor.org/rfc/rfc8176#section-1", claims: map[string]any{"amr": []any{"pwd", 2}}, warning: "amr"},
		{name: "Keycloak: acr is a number", source: "https://github.com/goharbor/harbor/issues/15327", claims: map[string]any{"acr": 0}, warning: `claim \"acr\" is a number`},
		{name: "B2C: no acr but tfp", source: "https://github.com/AzureAD/passport-azure-ad/issues/268", fake: openidtest.Quirk{Claims: set("tfp", "B2C_1_signup_in")}},
		{name: "two claims that differ in case", source: "https://github.com/AzureAD/azure-activedirectory-identitymodel-extensions-for-dotnet/pull/1229", claims: map[string]any{"Department": "Archery", "department": "archery"}},
		{name: "half a surrogate pair where nobody reads", source: "https://www.rfc-editor.org/rfc/rfc8259#section-8.2", claims: map[string]any{"nickname": json.RawMessage(`"\ud83d"`), "address": json.RawMessage(`{"\udc00":1}`)}},
		{name: "NUL where nobody reads", source: "https://www.postgresql.org/docs/current/datatype-json.html", claims: map[string]any{"department": json.RawMessage(`["a\u0000"]`)}},
		{name: "half a surrogate pair in a name", source: "https://www.rfc-editor.org/rfc/rfc8259#section-8.2", claims: map[string]any{"given_name": json.RawMessage(`"\ud83d"`)}, want: noFirst, warning: `claim \"given_name\" is a text with a lone surrogate`},
		{name: "NUL in a name", source: "https://www.postgresql.org/docs/current/datatype-json.html", claims: map[string]any{"family_name": json.RawMessage(`"Archer\u0000"`)}, want: noLast, warning: `claim \"family_name\" is a text with a NUL character`},
		{name: "a number without an end", source: "https://www.rfc-editor.org/rfc/rfc8259#section-6", claims: map[string]any{"credit": json.RawMessage("0." + strings.Repeat("3", 80))}},
		{name: "NUL in the subject", source: "https://openid.net/specs/openid-connect-core-1_0.html#IDToken", fake: openidtest.Quirk{Claims: set("sub", json.RawMessage(`"alice\u0000"`))}, refused: "subject_invalid"},
		{name: "half a surrogate pair in the subject", source: "https://openid.net/specs/openid-connect-core-1_0.html#IDToken", fake: openidtest.Quirk{Claims: set("sub", json.RawMessage(`"alice\ud800"`))}, refused: "subject_invalid"},
		{name: "UPN and upn", source: "https://github.com/rustdesk/rustdesk-server-pro/issues/860", claims: map[string]any{"upn": "alice@example.com", "UPN": "ALICE@example.com"}},
		{name: "Auth0: identities, nested", source: "https://github.com/CZ-NIC/pyoidc/issues/417", claims: map[string]any{"identities": []any{map[string]any{"user_id": "x", "isSocial": false}}, "dn": "mail=a,o=com"}},
	}
}

// groupQuirks are quirks of groups, which are only displayed unless roles are mapped.
func groupQuirks() []quirk {
	mapped := func(more ...string) map[string]string {
		options := map[string]string{"ROLE_MAPPING": roles}
		for i := 0; i < len(more); i += 2 {
			options[more[i]] = more[i+1]
		}
		return options
	}
	groups := func(v any) map[string]any { return map[string]any{"groups": v} }
	objects := []any{map[string]any{"groupId": "admin", "roles": []string{"ADMIN"}}}
	zitadel := map[string]any{"groups": absent, "urn:zitadel:iam:org:project:roles": map[string]any{"admin": map[string]any{"12345": "acme.example"}}}
	overage := map[string]any{"groups": absent, "_claim_names": map[string]any{"groups": "src1"}, "_claim_sources": map[string]any{"src1": map[string]any{"endpoint": "https://graph.windows.net/t/users/u/getMemberObjects"}}}
	return []quirk{
		{name: "JumpCloud: one group is a text", source: "https://github.com/juanfont/headscale/pull/3230", claims: groups("archers"), options: mapped(), want: withRole("archer")},
		{name: "IdentityServer: one group is a text", source: "https://github.com/goharbor/harbor/issues/15416", claims: groups("admin"), options: mapped(), want: withRole("boss")},
		{name: "one group with a comma stays one", source: "https://github.com/coder/coder/issues/10962", claims: groups("guests,admin"), options: mapped()},
		{name: "groups with commas by option", source: "https://github.com/opensearch-project/security/pull/698", claims: groups("guests,admin"), options: mapped("GROUP_CLAIM_SEPARATOR", "comma"), want: withRole("boss")},
		{name: "groups with spaces by option", source: "https://github.com/apache/solr/pull/890", claims: groups("guests admin"), options: mapped("GROUP_CLAIM_SEPARATOR", "space"), want: withRole("boss")},
		{name: "cidaas: groups are objects, and nobody needs them", source: "https://github.com/oauth2-proxy/oauth2-proxy/issues/838", claims: groups(objects), warning: "the groups are unknown"},
		{name: "cidaas: groups are objects with a member", source: "https://github.com/oauth2-proxy/oauth2-proxy/issues/838", claims: groups(objects), options: mapped("GROUP_CLAIM_MEMBER", "groupId"), want: withRole("boss")},
		{name: "cidaas: groups are objects, and a role needs them", source: "https://github.com/oauth2-proxy/oauth2-proxy/issues/838", claims: groups(objects), options: mapped(), refused: "groups_unknown"},
		{name: "groups are numbers", source: "https://docs.gitlab.com/integration/openid_connect_provider/", claims: groups([]any{17, 42}), options: map[string]string{"ROLE_MAPPING": `{"42":"boss"}`}, want: withRole("boss")},
		{name: "NUL in a group, and a role needs them", source: "https://www.rfc-editor.org/rfc/rfc8259#section-8.2", claims: groups([]any{"archers", json.RawMessage(`"admin\u0000"`)}), options: mapped(), refused: "groups_unknown"},
		{name: "groups hold null and nothing", source: "https://github.com/SecObserve/SecObserve/pull/2486", claims: groups([]any{nil, "", "admin"}), options: mapped(), want: withRole("boss")},
		{name: "groups is an empty text", source: "https://github.com/goharbor/harbor/issues/15475", claims: groups(""), options: mapped()},
		{name: "groups is null", source: "https://github.com/goharbor/harbor/issues/22289", claims: groups(nil), options: mapped()},
		{name: "groups is a boolean", source: "https://github.com/rancher/rancher/pull/55858", claims: groups(false), warning: "the groups are unknown"},
		{name: "Zitadel: roles are keys", source: "https://github.com/BookStackApp/BookStack/pull/4147", claims: zitadel, options: mapped("GROUP_CLAIM_NAME", "urn:zitadel:iam:org:project:roles"), want: withRole("boss")},
		{name: "Keycloak: realm roles", source: "https://github.com/opensearch-project/security/issues/3877", claims: map[string]any{"realm_access": map[string]any{"roles": []string{"admin"}}}, options: mapped("GROUP_CLAIM_NAME", "realm_access.roles"), want: withRole("boss")},
		{name: "Keycloak: roles of a client with a dot", source: "https://github.com/keycloak/keycloak/pull/5808", claims: map[string]any{"resource_access": map[string]any{"my.app": map[string]any{"roles": []string{"admin"}}}},
			options: mapped("GROUP_CLAIM_NAME", "resource_access.my.app.roles"), want: withRole("boss")},
		{name: "Keycloak: a dot with a backslash", source: "https://github.com/keycloak/keycloak/pull/5384", claims: map[string]any{"resource_access": map[string]any{"my.app": map[string]any{"roles": []string{"admin"}}, "my": map[string]any{"app": map[string]any{"roles": []string{"x"}}}}},
			options: mapped("GROUP_CLAIM_NAME", `resource_access.my\.app.roles`), want: withRole("boss")},
		{name: "Auth0: a claim called by a URL", source: "https://github.com/quarkusio/quarkus/issues/26185", claims: map[string]any{"https://any.namespace/roles": []string{"admin"}}, options: mapped("GROUP_CLAIM_NAME", "https://any.namespace/roles"), want: withRole("boss")},
		{name: "EU Login: a claim called by a URL with dots", source: "https://github.com/nextcloud/user_oidc/issues/1373", claims: map[string]any{"https://ecas.ec.europa.example/groups": []string{"admin"}}, options: mapped("GROUP_CLAIM_NAME", "https://ecas.ec.europa.example/groups"), want: withRole("boss")},
		{name: "Cognito: cognito:groups", source: "https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-id-token.html", claims: map[string]any{"cognito:groups": []string{"admin"}}, options: mapped("GROUP_CLAIM_NAME", "cognito:groups"), want: withRole("boss")},
		{name: "Entra ID: app roles in the ID token alone", source: "https://github.com/gramps-project/gramps-web-api/pull/894", fake: openidtest.Quirk{Claims: set("roles", []string{"admin"})}, options: mapped("GROUP_CLAIM_NAME", "roles"), want: withRole("boss")},
		{name: "Entra ID: too many groups, and nobody needs them", source: "https://github.com/MicrosoftDocs/azure-docs/issues/39289", claims: overage, warning: "sends a reference in place of the claim groups"},
		{name: "Entra ID: too many groups, and a role needs them", source: "https://github.com/hashicorp/vault/issues/7510", claims: overage, options: mapped(), refused: "groups_unknown"},
		{name: "Entra ID: hasgroups, and a role needs them", source: "https://github.com/danny-avila/LibreChat/pull/12187", claims: map[string]any{"groups": absent, "hasgroups": true}, options: mapped(), refused: "groups_unknown"},
		{name: "Entra ID: too many groups, by Graph", source: "https://github.com/argoproj/argo-cd/pull/27397", claims: overage, options: mapped("GROUPS_FROM_GRAPH", "true", "GRAPH_URL", "{issuer}/graph"),
			fake: openidtest.Quirk{Serve: map[string]func(*http.Request) (*openidtest.Answer, bool){"/graph/v1.0/me/transitiveMemberOf": graph}}, want: withRole("boss")},
		{name: "Entra ID: Graph says no", source: "https://learn.microsoft.com/graph/api/user-list-transitivememberof", claims: overage, options: mapped("GROUPS_FROM_GRAPH", "true", "GRAPH_URL", "{issuer}/no-graph"), refused: "graph_status"},
		{name: "distributed claims of another kind", source: "https://openid.net/specs/openid-connect-core-1_0.html#AggregatedDistributedClaims", options: mapped(), want: withRole("archer"),
			claims: map[string]any{"_claim_names": map[string]any{"credit_score": "src1"}, "_claim_sources": map[string]any{"src1": map[string]any{"endpoint": "{issuer}/trap/claims"}}}},
		{name: "claim names that are no object", source: "https://openid.net/specs/openid-connect-core-1_0.html#AggregatedDistributedClaims", claims: map[string]any{"_claim_names": "x"}, options: mapped(), want: withRole("archer")},
	}
}

// graph is Microsoft Graph with two pages of groups, one of which is a role.
func graph(r *http.Request) (*openidtest.Answer, bool) {
	if !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ") || r.Header.Get("Accept") == "" {
		return &openidtest.Answer{Status: http.StatusUnauthorized, Header: http.Header{}}, true
	}
	member := func(kind, id string) map[string]any {
		return map[string]any{"@odata.type": "#microsoft.graph." + kind, "id": id}
	}
	if r.URL.Query().Get("$skiptoken") == "" {
		return openidtest.JSONAnswer(map[string]any{
			"value":           []any{member("group", "others"), member("directoryRole", "archers")},
			"@odata.nextLink": "http://" + r.Host + r.URL.Path + "?$select=id&$skiptoken=2",
		}), true
	}
	return openidtest.JSONAnswer(map[string]any{"value": []any{member("group", "admin")}}), true
}
