package openidtest

import "net/http"

// Misbehaviours of the response to a refresh request (OpenID Connect Core
// section 12.2). The login before it is good.
const (
	RefreshSubjectOther   Misbehaviour = "refresh-sub-other"
	RefreshIssuerOther    Misbehaviour = "refresh-issuer-other"
	RefreshAudienceOther  Misbehaviour = "refresh-aud-other"
	RefreshNonceOther     Misbehaviour = "refresh-nonce-other"
	RefreshInvalidGrant   Misbehaviour = "refresh-invalid-grant"
	RefreshDown           Misbehaviour = "refresh-down"
	RefreshIDTokenMissing Misbehaviour = "refresh-id-token-missing"
	RefreshNotRotated     Misbehaviour = "refresh-not-rotated"
)

func refreshBehaviours() []behaviour {
	return []behaviour{
		{name: RefreshSubjectOther, rows: "D15 F30", text: "the refreshed ID token is for another end user", claims: set("sub", "mallory")},
		{name: RefreshIssuerOther, rows: "F30", text: "the refreshed ID token has another issuer", claims: set("iss", "https://other.example")},
		{name: RefreshAudienceOther, rows: "F30", text: "the refreshed ID token is for another client", claims: set("aud", "another-client")},
		{name: RefreshNonceOther, rows: "F30", text: "the refreshed ID token has a nonce, and not that of the login",
			claims: func(_ *login, c map[string]any) { c["nonce"] = randomText(32) }},
		{name: RefreshInvalidGrant, rows: "E12", text: "error=invalid_grant: the session at the provider is over",
			reply: becomes(http.StatusBadRequest, "application/json", `{"error":"invalid_grant"}`)},
		{name: RefreshDown, rows: "E12", text: "status 503: nobody knows",
			reply: becomes(http.StatusServiceUnavailable, "text/html", htmlPage)},
		{name: RefreshIDTokenMissing, rows: "F30", legal: true, text: "there is no ID token in the response, which is legal", token: drop("id_token")},
		{name: RefreshNotRotated, rows: "E12", legal: true, text: "there is no refresh token in the response; the old one stays valid",
			token: drop("refresh_token")},
	}
}
