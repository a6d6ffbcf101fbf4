package openidtest

import (
	"encoding/json"
	"net/http"
)

// Misbehaviours of the token response.
const (
	TokenTypeOther     Misbehaviour = "token-type-other"
	TokenTypeMissing   Misbehaviour = "token-type-missing"
	TokenTypeLowerCase Misbehaviour = "token-type-lower-case"

	ExpiresInNegative Misbehaviour = "expires-in-negative"
	ExpiresInHuge     Misbehaviour = "expires-in-huge"
	ExpiresInString   Misbehaviour = "expires-in-string"
	ExpiresInMissing  Misbehaviour = "expires-in-missing"

	AccessTokenMissing   Misbehaviour = "access-token-missing"
	AccessTokenInjection Misbehaviour = "access-token-injection"
	IDTokenMissing       Misbehaviour = "id-token-missing"
	IDTokenEmpty         Misbehaviour = "id-token-empty"
	IDTokenNull          Misbehaviour = "id-token-null"
	IDTokenNumber        Misbehaviour = "id-token-number"
	ScopeWithoutOpenID   Misbehaviour = "scope-without-openid"
	ScopeWider           Misbehaviour = "scope-wider"
	ScopeMissing         Misbehaviour = "scope-missing"

	TokenErrorWith200  Misbehaviour = "token-error-with-200"
	TokenInvalidClient Misbehaviour = "token-invalid-client"
	TokenInvalidGrant  Misbehaviour = "token-invalid-grant"
	TokenMemberTwice   Misbehaviour = "token-member-twice"
	TokenHTML          Misbehaviour = "token-html"
	TokenOversized     Misbehaviour = "token-oversized"
	TokenFloods        Misbehaviour = "token-floods"
	TokenBomb          Misbehaviour = "token-gzip-bomb"
	TokenHangs         Misbehaviour = "token-hangs"
	TokenTrickles      Misbehaviour = "token-trickles"
	TokenRedirect302   Misbehaviour = "token-redirect-302"
	TokenRedirect307   Misbehaviour = "token-redirect-307"
	TokenRedirect308   Misbehaviour = "token-redirect-308"
	TokenDown          Misbehaviour = "token-down"
	TokenCloses        Misbehaviour = "token-closes"
)

func tokenBehaviours() []behaviour {
	return []behaviour{
		{name: TokenTypeOther, rows: "E08", text: "token_type is mac", token: set("token_type", "mac")},
		{name: TokenTypeMissing, rows: "E08", legal: true, text: "token_type is left out, which leaves Bearer (OpenID Connect Core section 3.1.3.3)", token: drop("token_type")},
		{name: TokenTypeLowerCase, rows: "E08", legal: true, text: "token_type is bearer: its case does not count (RFC 6749 section 5.1)",
			token: set("token_type", "bearer")},

		{name: ExpiresInNegative, rows: "E08", legal: true, text: "expires_in is -1, and is not read", token: set("expires_in", -1)},
		{name: ExpiresInHuge, rows: "E08", legal: true, text: "expires_in is 1e400, and is not read", token: set("expires_in", json.RawMessage("1e400"))},
		{name: ExpiresInString, rows: "E08", legal: true, text: "expires_in is a string, as Azure AD wrote it", token: set("expires_in", "3600")},
		{name: ExpiresInMissing, rows: "E08", legal: true, text: "expires_in is left out, which RFC 6749 section 5.1 only recommends",
			token: drop("expires_in")},

		{name: AccessTokenMissing, rows: "E08", legal: true, text: "access_token is left out, as in Azure AD B2C for the scope openid alone: all claims are in the ID token", token: drop("access_token")},
		{name: AccessTokenInjection, rows: "E08", text: "access_token holds a line break and a header field",
			accessToken: func(token string) string { return token + "\r\nX-Injected: yes" }},
		{name: IDTokenMissing, rows: "E08", text: "id_token is left out", token: drop("id_token")},
		{name: IDTokenEmpty, rows: "E08 G09", text: "id_token is empty", token: set("id_token", "")},
		{name: IDTokenNull, rows: "E08", text: "id_token is null", token: set("id_token", nil)},
		{name: IDTokenNumber, rows: "E08", text: "id_token is a number", token: set("id_token", 42)},
		{name: ScopeWithoutOpenID, rows: "E19", legal: true, text: "the granted scope lacks openid, as in Entra ID, which lists only the scopes of the access token", token: set("scope", "profile")},
		{name: ScopeWider, rows: "E19", legal: true, text: "the granted scope has one more than was asked for",
			token: func(_ *login, body map[string]any) { body["scope"] = body["scope"].(string) + " admin" }},
		{name: ScopeMissing, rows: "E19", legal: true, text: "scope is left out, because all was granted (RFC 6749 section 5.1)",
			token: drop("scope")},
	}
}

func tokenReplies() []behaviour {
	return []behaviour{
		{name: TokenErrorWith200, rows: "E08", text: "status 200 with error=invalid_grant next to good tokens",
			reply: preceded(`"error":"invalid_grant"`)},
		{name: TokenInvalidClient, rows: "E07", text: "status 401 with error=invalid_client; the code must not be sent again in another way",
			reply: becomes(http.StatusUnauthorized, "application/json", `{"error":"invalid_client"}`)},
		{name: TokenInvalidGrant, rows: "E02 E07", text: "status 400 with error=invalid_grant",
			reply: becomes(http.StatusBadRequest, "application/json", `{"error":"invalid_grant"}`)},
		{name: TokenMemberTwice, rows: "E08 F31", text: "access_token is there twice: another, then the right one",
			reply: preceded(`"access_token":"other"`)},
		{name: TokenHTML, rows: "E08", text: "status 200 with an HTML page",
			reply: becomes(http.StatusOK, "text/html", htmlPage)},
		{name: TokenOversized, rows: "E08", text: "2 MiB of white space before the right response",
			reply: inflated(2 * mebibyte)},
		{name: TokenFloods, rows: "E08", text: "white space without end", reply: flooding},
		{name: TokenBomb, rows: "E08", text: "8 MiB of white space before the right response, compressed to 8 KiB", reply: bombing},
		{name: TokenHangs, rows: "E21", text: "no answer", reply: hanging},
		{name: TokenTrickles, rows: "E08 E21", text: "white space, a byte at a time and without end", reply: trickling},
		{name: TokenRedirect302, rows: "E09", text: "a 302 redirect to another token endpoint (counted as Trap)",
			reply: redirecting(http.StatusFound, "token")},
		{name: TokenRedirect307, rows: "E09", text: "a 307 redirect, which repeats code and secret, to another token endpoint (counted as Trap)",
			reply: redirecting(http.StatusTemporaryRedirect, "token")},
		{name: TokenRedirect308, rows: "E09", text: "a 308 redirect, which repeats code and secret, to another token endpoint (counted as Trap)",
			reply: redirecting(http.StatusPermanentRedirect, "token")},
		{name: TokenDown, rows: "E07 E08", text: "status 500 with the right response",
			reply: func(_ *Provider, rep *reply) { rep.status = http.StatusInternalServerError }},
		{name: TokenCloses, rows: "E07 E08", text: "the connection closes without an answer; the code must not be sent again", reply: closing},
	}
}

func set(name string, value any) func(*login, map[string]any) {
	return func(_ *login, members map[string]any) { members[name] = value }
}

func drop(name string) func(*login, map[string]any) {
	return func(_ *login, members map[string]any) { delete(members, name) }
}
