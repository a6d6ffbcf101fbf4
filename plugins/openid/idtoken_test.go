package main

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
)

const (
	theIssuer = "https://op.example"
	theNonce  = "the-nonce-of-this-login"
)

// idClaims are those of a good ID token at now, with some changed: nil takes one
// away.
func idClaims(now time.Time, change map[string]any) map[string]any {
	members := map[string]any{
		"iss": theIssuer, "sub": "alice", "aud": clientID, "nonce": theNonce,
		"iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
	}
	maps.Copy(members, change)
	maps.DeleteFunc(members, func(_ string, v any) bool { return v == nil })
	return members
}

func TestIDToken(t *testing.T) {
	now := newClock()
	at := func(d time.Duration) int64 { return now.Now().Add(d).Unix() }
	const skew, age = clockSkew, maxIDTokenAge
	null := json.RawMessage("null")
	type change = map[string]any
	for _, test := range []struct {
		name    string
		change  change
		options map[string]any
		nonce   string
		reason  sdk.Reason // empty: accepted
	}{
		{name: "good"},

		{name: "F01 other issuer", change: change{"iss": "https://evil.example"}, reason: reasonIssuerMismatch},
		{name: "F01 no issuer", change: change{"iss": nil}, reason: reasonIssuerMismatch},
		{name: "F01 issuer is a list", change: change{"iss": []string{theIssuer}}, reason: reasonIssuerMismatch},
		{name: "F02 issuer with a slash", change: change{"iss": theIssuer + "/"}, reason: reasonIssuerMismatch},
		{name: "F02 issuer in upper case", change: change{"iss": strings.ToUpper(theIssuer)}, reason: reasonIssuerMismatch},
		{name: "F02 issuer on http", change: change{"iss": "http://op.example"}, reason: reasonIssuerMismatch},

		{name: "F03 no sub", change: change{"sub": nil}, reason: claims.ReasonSubjectMissing},
		{name: "F03 sub null", change: change{"sub": null}, reason: claims.ReasonSubjectMissing},
		{name: "F03 sub empty", change: change{"sub": ""}, reason: claims.ReasonSubjectInvalid},
		{name: "F03 sub is a number", change: change{"sub": 1}, reason: claims.ReasonSubjectInvalid},
		{name: "D05 sub of 255 bytes", change: change{"sub": strings.Repeat("s", 255)}},
		{name: "D05 sub of 256 bytes", change: change{"sub": strings.Repeat("s", 256)}, reason: claims.ReasonSubjectInvalid},
		{name: "D05 sub with a control character", change: change{"sub": "a\x1b"}, reason: claims.ReasonSubjectInvalid},

		{name: "F04 other audience", change: change{"aud": "other"}, reason: reasonAudienceMismatch},
		{name: "F04 no audience", change: change{"aud": nil}, reason: reasonAudienceMismatch},
		{name: "F04 empty audience", change: change{"aud": []string{}}, reason: reasonAudienceMismatch},
		{name: "F04 audience in another case", change: change{"aud": strings.ToUpper(clientID)}, reason: reasonAudienceMismatch},
		{name: "F04 audience is an object", change: change{"aud": change{clientID: true}}, reason: reasonAudienceMismatch},
		{name: "F04 audience with a number", change: change{"aud": []any{clientID, 1}}, reason: reasonAudienceMismatch},
		{name: "F04 audience list of one", change: change{"aud": []string{clientID}}},
		{name: "F05 aud array without azp", change: change{"aud": []string{clientID, "project"}}, reason: reasonPartyMissing},
		{name: "F05 aud array without azp, trusted", change: change{"aud": []string{clientID, "project"}}, options: change{"trusted_audiences": "project"}, reason: reasonPartyMissing},
		{name: "F05 aud array with azp", change: change{"aud": []string{"project", clientID}, "azp": clientID}, reason: reasonAudienceUntrusted},
		{name: "F05 aud array with azp, trusted", change: change{"aud": []string{"project", clientID}, "azp": clientID}, options: change{"trusted_audiences": "x,project"}},
		{name: "F05 aud array with azp, one not trusted", change: change{"aud": []string{"project", clientID, "other"}, "azp": clientID}, options: change{"trusted_audiences": "project"}, reason: reasonAudienceUntrusted},
		{name: "F06 other azp", change: change{"azp": "other"}, reason: reasonPartyMismatch},
		{name: "F06 azp empty", change: change{"azp": ""}, reason: reasonPartyMismatch},
		{name: "F06 azp null", change: change{"azp": null}, reason: reasonPartyMismatch},
		{name: "F06 azp is a list", change: change{"azp": []string{clientID}}, reason: reasonPartyMismatch},
		{name: "F06 azp", change: change{"azp": clientID}},

		{name: "F07 no iat", change: change{"iat": nil}, reason: reasonIssuedAt},
		{name: "F07 iat is a string", change: change{"iat": "1"}, reason: reasonIssuedAt},
		{name: "F07 iat ahead within the skew", change: change{"iat": at(skew)}},
		{name: "F07 iat ahead", change: change{"iat": at(skew + time.Second)}, reason: reasonIssuedAt},
		{name: "F07 iat in 2099", change: change{"iat": 4070908800, "exp": 4070908900}, reason: reasonIssuedAt},
		{name: "F07 iat ten minutes ago", change: change{"iat": at(-age)}},
		{name: "F07 iat older", change: change{"iat": at(-age - time.Second)}, reason: reasonIssuedAt},
		{name: "F08 no exp", change: change{"exp": nil}, reason: reasonExpired},
		{name: "F08 exp past within the skew", change: change{"exp": at(-skew + time.Second)}},
		{name: "F08 exp past", change: change{"exp": at(-skew)}, reason: reasonExpired},
		{name: "F08 exp is a string", change: change{"exp": "4070908800"}, reason: reasonExpired},
		{name: "F08 exp 1e400", change: change{"exp": json.RawMessage("1e400")}, reason: reasonExpired},
		{name: "F08 exp negative", change: change{"exp": -1}, reason: reasonExpired},
		{name: "F08 exp is a list", change: change{"exp": []int64{at(time.Minute)}}, reason: reasonExpired},
		{name: "F09 nbf within the skew", change: change{"nbf": at(skew)}},
		{name: "F09 nbf ahead", change: change{"nbf": at(skew + time.Second)}, reason: reasonNotYetValid},
		{name: "F09 nbf zero", change: change{"nbf": 0}},
		{name: "F09 nbf is a string", change: change{"nbf": "0"}, reason: reasonNotYetValid},

		{name: "F10 no nonce", change: change{"nonce": nil}, reason: reasonNonceMismatch},
		{name: "F10 nonce empty", change: change{"nonce": ""}, reason: reasonNonceMismatch},
		{name: "F10 nonce of another login", change: change{"nonce": "other"}, reason: reasonNonceMismatch},
		{name: "F10 nonce is a prefix", change: change{"nonce": theNonce[:8]}, reason: reasonNonceMismatch},
		{name: "F10 nonce is a list", change: change{"nonce": []string{theNonce}}, reason: reasonNonceMismatch},
		{name: "F24 replayed in a login with another nonce", nonce: "the-nonce-of-the-next-login", reason: reasonNonceMismatch},
		{name: "F24 no nonce on either side", change: change{"nonce": nil}, nonce: "-", reason: reasonNonceMismatch},

		{name: "F15 at_hash wrong", change: change{"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}, reason: reasonAtHash},
		{name: "F15 at_hash empty", change: change{"at_hash": ""}, reason: reasonAtHash},
		{name: "F15 at_hash null", change: change{"at_hash": null}, reason: reasonAtHash},
		{name: "F15 at_hash is a number", change: change{"at_hash": 1}, reason: reasonLibrary},
		{name: "F25 events", change: change{"events": change{"http://schemas.openid.net/event/backchannel-logout": change{}}}, reason: reasonLogoutToken},
		{name: "F25 events null", change: change{"events": null}, reason: reasonLogoutToken},
		{name: "F31 SUB", change: change{"SUB": "root"}, reason: reasonJWTClaims},
		{name: "F31 nested", change: change{"a": change{"b": 1, "B": 1}}, reason: reasonJWTClaims},
		{name: "F32 broken claim names", change: change{"_claim_names": "x"}, reason: reasonLibrary},

		{name: "F29 max_age", change: change{"auth_time": at(-time.Hour)}, options: change{"params__max_age": "3600"}},
		{name: "F29 auth_time missing", options: change{"params__max_age": "3600"}, reason: reasonAuthTime},
		{name: "F29 auth_time zero", change: change{"auth_time": 0}, options: change{"params__max_age": "3600"}, reason: reasonAuthTime},
		{name: "F29 auth_time old", change: change{"auth_time": at(-time.Hour - skew - time.Second)}, options: change{"params__max_age": "3600"}, reason: reasonAuthTime},
		{name: "F29 max_age 0", change: change{"auth_time": at(-skew - time.Second)}, options: change{"params__max_age": "0"}, reason: reasonAuthTime},
		{name: "D14 acr", change: change{"acr": "mfa"}, options: change{"params__acr_values": "phr mfa"}},
		{name: "D14 acr missing", options: change{"params__acr_values": "phr mfa"}, reason: reasonACR},
		{name: "D14 acr weaker", change: change{"acr": "pwd"}, options: change{"params__acr_values": "phr mfa"}, reason: reasonACR},
		{name: "hosted domain", change: change{"hd": "example.com"}, options: change{"params__hd": "example.com"}},
		{name: "hosted domain missing", options: change{"params__hd": "example.com"}, reason: reasonHostedDomain},
		{name: "other hosted domain", change: change{"hd": "evil.example"}, options: change{"params__hd": "example.com"}, reason: reasonHostedDomain},
		{name: "any hosted domain", change: change{"hd": "any.example"}, options: change{"params__hd": "*"}},
		{name: "no hosted domain", options: change{"params__hd": "*"}, reason: reasonHostedDomain},
	} {
		t.Run(test.name, func(t *testing.T) {
			key := rsaKey(t, 2048, 1)
			server := startKeyServer(t, publicJWK(t, key.Public(), map[string]any{"kid": "1"}))
			r := openRig(t, theIssuer, now.Now, test.options)
			nonce := theNonce
			switch test.nonce {
			case "":
			case "-":
				nonce = ""
			default:
				nonce = test.nonce
			}
			raw := signed(t, jose.RS256, key, "1", idClaims(now.Now(), test.change))
			_, err := r.verifyIDToken(t.Context(), metadata{issuer: theIssuer, jwksURI: server.URL}, tokens{idToken: raw, accessToken: "at"}, nonce)
			if test.reason != "" {
				checkReason(t, err, sdk.ErrInvalidResponse, test.reason)
			} else if err != nil {
				t.Errorf("refused: %v", err)
			}
		})
	}
}

// TestMissingTimesAreNamed: an absent time is not one of the year 1.
func TestMissingTimesAreNamed(t *testing.T) {
	now := newClock().Now()
	for _, name := range []string{"exp", "iat"} {
		object := claims.Object{"exp": json.Number("4070908800"), "iat": json.Number("4070908800")}
		delete(object, name)
		if err := checkTimes(object, now); err == nil || !strings.Contains(err.Error(), "no "+name) {
			t.Errorf("F07 F08 without %s: %v", name, err)
		}
	}
}

// TestIDTokenOfManyTenants: go-oidc is told to leave the issuer to us.
func TestIDTokenOfManyTenants(t *testing.T) {
	const common, template = "https://login.example/common/v2.0", "https://login.example/{tenantid}/v2.0"
	issuer := strings.Replace(template, tenantID, tenant, 1)
	key := rsaKey(t, 2048, 1)
	now := newClock()
	server := startKeyServer(t,
		publicJWK(t, key.Public(), map[string]any{"kid": "all", "issuer": template}),
		publicJWK(t, key.Public(), map[string]any{"kid": "other", "issuer": strings.Replace(template, tenantID, otherTenant, 1)}))
	for _, test := range []struct {
		name, kid, iss string
		reason         sdk.Reason
	}{
		{"good", "all", issuer, ""},
		{"F01 key of another tenant", "other", issuer, reasonIssuerMismatch},
		{"F01 issuer is the template", "all", template, reasonIssuerMismatch},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := openRig(t, common, now.Now, nil)
			raw := signed(t, jose.RS256, key, test.kid, idClaims(now.Now(), map[string]any{"iss": test.iss, "tid": tenant}))
			_, err := r.verifyIDToken(t.Context(), metadata{issuer: template, jwksURI: server.URL}, tokens{idToken: raw}, theNonce)
			if test.reason != "" {
				checkReason(t, err, sdk.ErrInvalidResponse, test.reason)
			} else if err != nil {
				t.Errorf("refused: %v", err)
			}
		})
	}
}
