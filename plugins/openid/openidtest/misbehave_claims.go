package openidtest

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Misbehaviours of the claims that bind the ID token to issuer, client and
// request.
const (
	IssuerOther       Misbehaviour = "issuer-other"
	IssuerSlash       Misbehaviour = "issuer-slash"
	IssuerUpperCase   Misbehaviour = "issuer-upper-case"
	IssuerOtherScheme Misbehaviour = "issuer-other-scheme"
	IssuerMissing     Misbehaviour = "issuer-missing"

	AudienceOther         Misbehaviour = "aud-other"
	AudienceMissing       Misbehaviour = "aud-missing"
	AudienceEmpty         Misbehaviour = "aud-empty"
	AudienceNumber        Misbehaviour = "aud-number"
	AudienceExtra         Misbehaviour = "aud-extra"
	AudienceExtraWithAZP  Misbehaviour = "aud-extra-with-azp"
	AudienceList          Misbehaviour = "aud-list"
	AuthorizedPartyOther  Misbehaviour = "azp-other"
	AuthorizedPartyNumber Misbehaviour = "azp-number"
	AuthorizedParty       Misbehaviour = "azp"

	NonceMissing       Misbehaviour = "nonce-missing"
	NonceOther         Misbehaviour = "nonce-other"
	NonceOfAnotherFlow Misbehaviour = "nonce-of-another-flow"
	NonceList          Misbehaviour = "nonce-list"

	AccessTokenHashOther          Misbehaviour = "at-hash-other"
	AccessTokenHashOfAnotherToken Misbehaviour = "at-hash-of-another-token"
	AccessTokenHashNumber         Misbehaviour = "at-hash-number"
	AccessTokenHashMissing        Misbehaviour = "at-hash-missing"

	EventsClaim         Misbehaviour = "events-claim"
	DistributedClaims   Misbehaviour = "distributed-claims"
	PrototypeClaim      Misbehaviour = "prototype-claim"
	EmailVerifiedFalse  Misbehaviour = "email-verified-false"
	EmailVerifiedAbsent Misbehaviour = "email-verified-absent"
	EmailVerifiedString Misbehaviour = "email-verified-string"
	EmailVerifiedNumber Misbehaviour = "email-verified-number"
	EmailVerifiedList   Misbehaviour = "email-verified-list"
)

func claimBehaviours() []behaviour {
	return []behaviour{
		{name: IssuerOther, rows: "F01", text: "iss is that of another issuer", claims: set("iss", "https://other.example")},
		{name: IssuerSlash, rows: "F02", text: "iss has a trailing slash too many, or too few",
			claims: changeIssuer(toggleSlash)},
		{name: IssuerUpperCase, rows: "F02", text: "iss is in upper case", claims: changeIssuer(strings.ToUpper)},
		{name: IssuerOtherScheme, rows: "F02", text: "iss is https in place of http, or the other way round",
			claims: changeIssuer(otherScheme)},
		{name: IssuerMissing, rows: "F01", text: "iss is left out", claims: drop("iss")},

		{name: AudienceOther, rows: "F04", text: "aud is another client", claims: set("aud", "another-client")},
		{name: AudienceMissing, rows: "F04", text: "aud is left out", claims: drop("aud")},
		{name: AudienceEmpty, rows: "F04", text: "aud is an empty array", claims: set("aud", []string{})},
		{name: AudienceNumber, rows: "F04", text: "aud contains a number next to the client",
			claims: func(l *login, c map[string]any) { c["aud"] = []any{l.client.ID, 42} }},
		{name: AudienceExtra, rows: "F05", text: "aud also has another client, and there is no azp", claims: extraAudience},
		{name: AudienceExtraWithAZP, rows: "F05", text: "aud also has another client, and azp is the client: to be refused unless the other is trusted (Core section 3.1.3.7, 3)",
			claims: func(l *login, c map[string]any) {
				extraAudience(l, c)
				c["azp"] = l.client.ID
			}},
		{name: AudienceList, rows: "F04", legal: true, text: "aud is an array of the client alone",
			claims: func(l *login, c map[string]any) { c["aud"] = []string{l.client.ID} }},
		{name: AuthorizedPartyOther, rows: "F06", text: "azp is another client", claims: set("azp", "another-client")},
		{name: AuthorizedPartyNumber, rows: "F06", text: "azp is a number", claims: set("azp", 42)},
		{name: AuthorizedParty, rows: "F06", legal: true, text: "azp is the client, and aud the client alone",
			claims: func(l *login, c map[string]any) { c["azp"] = l.client.ID }},

		{name: NonceMissing, rows: "F10", text: "nonce is left out", claims: drop("nonce")},
		{name: NonceOther, rows: "F10", text: "nonce is one that nobody sent",
			claims: func(_ *login, c map[string]any) { c["nonce"] = randomText(32) }},
		{name: NonceOfAnotherFlow, rows: "F10 F24", text: "nonce is that of the client's authentication request before this one, or invented if there was none: a replayed ID token",
			claims: func(l *login, c map[string]any) { c["nonce"] = l.other.nonce }},
		{name: NonceList, rows: "F10", text: "nonce is an array of the right one",
			claims: func(_ *login, c map[string]any) { c["nonce"] = []any{c["nonce"]} }},

		{name: AccessTokenHashOther, rows: "F15", text: "at_hash is invented",
			claims: func(_ *login, c map[string]any) { c["at_hash"] = randomText(16) }},
		{name: AccessTokenHashOfAnotherToken, rows: "F15", text: "at_hash is that of another access token",
			claims: func(l *login, c map[string]any) {
				c["at_hash"] = accessTokenHash(jose.SignatureAlgorithm(l.client.IDTokenSignedResponseAlg), randomText(32))
			}},
		{name: AccessTokenHashNumber, rows: "F15", text: "at_hash is a number", claims: set("at_hash", 42)},
		{name: AccessTokenHashMissing, rows: "F15", legal: true, text: "at_hash is left out, which is optional in the code flow",
			claims: drop("at_hash")},

		{name: EventsClaim, rows: "F25", text: "there is an events claim, as in a logout token",
			claims: set("events", map[string]any{logoutEvent: map[string]any{}})},
		{name: DistributedClaims, rows: "F32", legal: true, text: "there are aggregated and distributed claims; their source is not asked (counted as Trap)",
			claims:   distributeClaims,
			userInfo: distributeClaims},
		{name: PrototypeClaim, rows: "F31", legal: true, text: "there are claims called __proto__ and constructor, which mean nothing",
			claims: func(_ *login, c map[string]any) {
				c["__proto__"] = map[string]any{"email_verified": true}
				c["constructor"] = "root"
			}},

		{name: EmailVerifiedFalse, rows: "D03", legal: true, text: "email_verified is false; the e-mail address is not verified", login: emailVerified(false)},
		{name: EmailVerifiedAbsent, rows: "D03", legal: true, text: "email_verified is left out; the e-mail address is not verified",
			login: func(l *login) { delete(l.claims, "email_verified") }},
		{name: EmailVerifiedString, rows: "D03", legal: true, text: "email_verified is a string; the e-mail address is not verified", login: emailVerified("true")},
		{name: EmailVerifiedNumber, rows: "D03", legal: true, text: "email_verified is 1; the e-mail address is not verified", login: emailVerified(1)},
		{name: EmailVerifiedList, rows: "D03", legal: true, text: "email_verified is an array; the e-mail address is not verified", login: emailVerified([]any{"true"})},
	}
}

// Misbehaviours of the times in the ID token. None is within a minute of what is
// right, so that clock skew excuses nothing.
const (
	IssuedAtMissing Misbehaviour = "iat-missing"
	IssuedAtFuture  Misbehaviour = "iat-future"
	IssuedAtOld     Misbehaviour = "iat-old"
	IssuedAtString  Misbehaviour = "iat-string"

	ExpiryPast     Misbehaviour = "exp-past"
	ExpiryMissing  Misbehaviour = "exp-missing"
	ExpiryString   Misbehaviour = "exp-string"
	ExpiryInfinite Misbehaviour = "exp-infinite"
	ExpiryNegative Misbehaviour = "exp-negative"
	ExpiryList     Misbehaviour = "exp-list"
	ExpiryFraction Misbehaviour = "exp-fraction"

	NotBeforeFuture Misbehaviour = "nbf-future"
	NotBeforePast   Misbehaviour = "nbf-past"

	AuthTimeMissing Misbehaviour = "auth-time-missing"
	AuthTimeOld     Misbehaviour = "auth-time-old"
)

func timeBehaviours() []behaviour {
	maxAge := Needs{MaxAge: true}
	return []behaviour{
		{name: IssuedAtMissing, rows: "F07", text: "iat is left out", claims: drop("iat")},
		{name: IssuedAtFuture, rows: "F07", text: "iat is 3 minutes ahead", claims: shift("iat", 3*time.Minute)},
		{name: IssuedAtOld, rows: "F07", text: "iat is an hour ago, and exp still to come", claims: shift("iat", -time.Hour)},
		{name: IssuedAtString, rows: "F07", text: "iat is a string",
			claims: func(_ *login, c map[string]any) { c["iat"] = asText(c["iat"]) }},

		{name: ExpiryPast, rows: "F08", text: "exp is 3 minutes ago", claims: shift("exp", -IDTokenLifetime-3*time.Minute)},
		{name: ExpiryMissing, rows: "F08", text: "exp is left out", claims: drop("exp")},
		{name: ExpiryString, rows: "F08", text: "exp is a string",
			claims: func(_ *login, c map[string]any) { c["exp"] = asText(c["exp"]) }},
		{name: ExpiryInfinite, rows: "F08", text: "exp is 1e400", claims: set("exp", json.RawMessage("1e400"))},
		{name: ExpiryNegative, rows: "F08", text: "exp is negative", claims: set("exp", -1)},
		{name: ExpiryList, rows: "F08", text: "exp is an array of the right one",
			claims: func(_ *login, c map[string]any) { c["exp"] = []any{c["exp"]} }},
		{name: ExpiryFraction, rows: "F08", legal: true, text: "exp has a fraction of a second, which RFC 7519 section 2 allows",
			claims: func(_ *login, c map[string]any) { c["exp"] = json.RawMessage(asText(c["exp"]) + ".5") }},

		{name: NotBeforeFuture, rows: "F09", text: "nbf is 3 minutes ahead",
			claims: func(_ *login, c map[string]any) { c["nbf"] = c["iat"].(int64) + 180 }},
		{name: NotBeforePast, rows: "F09", legal: true, text: "nbf is now",
			claims: func(_ *login, c map[string]any) { c["nbf"] = c["iat"] }},

		{name: AuthTimeMissing, rows: "F29 D14", needs: maxAge, text: "auth_time is left out though max_age was asked for", claims: drop("auth_time")},
		{name: AuthTimeOld, rows: "F29 D14", needs: maxAge, text: "auth_time is a day ago though max_age was asked for",
			claims: func(l *login, c map[string]any) { c["auth_time"] = l.at.Add(-24 * time.Hour).Unix() }},
	}
}

func changeIssuer(change func(string) string) func(*login, map[string]any) {
	return func(l *login, c map[string]any) { c["iss"] = change(l.issuer) }
}

func otherScheme(uri string) string {
	if rest, ok := strings.CutPrefix(uri, "http://"); ok {
		return "https://" + rest
	}
	return "http://" + strings.TrimPrefix(uri, "https://")
}

func extraAudience(l *login, c map[string]any) { c["aud"] = []string{l.client.ID, "another-client"} }

func emailVerified(value any) func(*login) {
	return func(l *login) { l.claims["email_verified"] = value }
}

// distributeClaims is OpenID Connect Core section 5.6.2.
func distributeClaims(l *login, c map[string]any) {
	c["_claim_names"] = map[string]any{"shoe_size": "here", "credit_score": "there"}
	c["_claim_sources"] = map[string]any{
		"here":  map[string]any{"JWT": "e30.e30."},
		"there": map[string]any{"endpoint": strings.TrimSuffix(l.issuer, "/") + "/trap/claims", "access_token": "lure"},
	}
}

// shift moves a time claim that is a whole number of seconds.
func shift(name string, by time.Duration) func(*login, map[string]any) {
	return func(_ *login, c map[string]any) {
		if seconds, ok := c[name].(int64); ok {
			c[name] = seconds + int64(by/time.Second)
		}
	}
}

func asText(v any) string {
	encoded, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(encoded)
}
