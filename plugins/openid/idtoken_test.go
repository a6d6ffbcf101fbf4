package main

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	gojose "github.com/go-jose/go-jose/v4"

	"github.com/doorward/doorward/plugins/openid/internal/discovery"
	"github.com/doorward/doorward/plugins/openid/internal/idtoken"
	"github.com/doorward/doorward/plugins/openid/internal/jose"
	"github.com/doorward/doorward/plugins/openid/internal/jose/josetest"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
	"github.com/doorward/doorward/sdk/plugintest"
)

const (
	tenant      = "72f988bf-86f1-41af-91ab-2d7cd011db47"
	otherTenant = "9188040d-6c67-4c5b-b112-36a304b66dad"
)

const (
	theIssuer = "https://op.example"
	theNonce  = "the-nonce-of-this-login"
)

// idClaims are the claims of a good ID token at now, with some changed: nil removes a claim.
func idClaims(now time.Time, change map[string]any) map[string]any {
	members := map[string]any{
		"iss": theIssuer, "sub": "alice", "aud": clientID, "nonce": theNonce,
		"iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
	}
	maps.Copy(members, change)
	maps.DeleteFunc(members, func(_ string, v any) bool { return v == nil })
	return members
}

// essentialACR requires acr with the parameter claims (OpenID Connect Core section 5.5.1.1).
const essentialACR = `{"claims":{"id_token":{"acr":{"essential":true,"values":["phr","mfa"]}}}}`

func TestIDToken(t *testing.T) {
	now := plugintest.NewClock()
	at := func(d time.Duration) int64 { return now.Now().Add(d).Unix() }
	const skew, age = idtoken.ClockSkew, idtoken.MaxAge
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

		{name: "F01 other issuer", change: change{"iss": "https://evil.example"}, reason: discovery.ReasonIssuerMismatch},
		{name: "F01 no issuer", change: change{"iss": nil}, reason: discovery.ReasonIssuerMismatch},
		{name: "F01 issuer is a list", change: change{"iss": []string{theIssuer}}, reason: discovery.ReasonIssuerMismatch},
		{name: "F02 issuer with a slash", change: change{"iss": theIssuer + "/"}, reason: discovery.ReasonIssuerMismatch},
		{name: "F02 issuer in upper case", change: change{"iss": strings.ToUpper(theIssuer)}, reason: discovery.ReasonIssuerMismatch},
		{name: "F02 issuer on http", change: change{"iss": "http://op.example"}, reason: discovery.ReasonIssuerMismatch},

		{name: "F03 no sub", change: change{"sub": nil}, reason: claims.ReasonSubjectMissing},
		{name: "F03 sub null", change: change{"sub": null}, reason: claims.ReasonSubjectMissing},
		{name: "F03 sub empty", change: change{"sub": ""}, reason: claims.ReasonSubjectInvalid},
		{name: "F03 sub is a number", change: change{"sub": 1}, reason: claims.ReasonSubjectInvalid},
		{name: "D05 sub of 255 bytes", change: change{"sub": strings.Repeat("s", 255)}},
		{name: "D05 sub of 256 bytes", change: change{"sub": strings.Repeat("s", 256)}, reason: claims.ReasonSubjectInvalid},
		{name: "D05 sub with a control character", change: change{"sub": "a\x1b"}, reason: claims.ReasonSubjectInvalid},

		{name: "F04 other audience", change: change{"aud": "other"}, reason: idtoken.ReasonAudienceMismatch},
		{name: "F04 no audience", change: change{"aud": nil}, reason: idtoken.ReasonAudienceMismatch},
		{name: "F04 empty audience", change: change{"aud": []string{}}, reason: idtoken.ReasonAudienceMismatch},
		{name: "F04 audience in another case", change: change{"aud": strings.ToUpper(clientID)}, reason: idtoken.ReasonAudienceMismatch},
		{name: "F04 audience is an object", change: change{"aud": change{clientID: true}}, reason: idtoken.ReasonAudienceMismatch},
		{name: "F04 audience with a number", change: change{"aud": []any{clientID, 1}}, reason: idtoken.ReasonAudienceMismatch},
		{name: "F04 audience list of one", change: change{"aud": []string{clientID}}},
		{name: "F05 aud array without azp", change: change{"aud": []string{clientID, "project"}}, reason: idtoken.ReasonAudienceUntrusted},
		{name: "F05 aud array without azp, trusted", change: change{"aud": []string{clientID, "project"}}, options: change{"trusted_audiences": "project"}},
		{name: "F05 aud array with azp", change: change{"aud": []string{"project", clientID}, "azp": clientID}, reason: idtoken.ReasonAudienceUntrusted},
		{name: "F05 aud array with azp, trusted", change: change{"aud": []string{"project", clientID}, "azp": clientID}, options: change{"trusted_audiences": "x,project"}},
		{name: "F05 aud array with azp, one not trusted", change: change{"aud": []string{"project", clientID, "other"}, "azp": clientID}, options: change{"trusted_audiences": "project"}, reason: idtoken.ReasonAudienceUntrusted},
		{name: "F06 other azp", change: change{"azp": "other"}, reason: idtoken.ReasonPartyMismatch},
		{name: "F06 azp empty", change: change{"azp": ""}, reason: idtoken.ReasonPartyMismatch},
		{name: "F06 azp null", change: change{"azp": null}},
		{name: "F06 azp is a list", change: change{"azp": []string{clientID}}, reason: idtoken.ReasonPartyMismatch},
		{name: "F06 azp", change: change{"azp": clientID}},

		{name: "F07 no iat", change: change{"iat": nil}, reason: idtoken.ReasonIssuedAt},
		{name: "F07 iat is a string", change: change{"iat": "1"}, reason: idtoken.ReasonIssuedAt},
		{name: "F07 iat ahead within the skew", change: change{"iat": at(skew)}},
		{name: "F07 iat ahead", change: change{"iat": at(skew + time.Second)}, reason: idtoken.ReasonIssuedAt},
		{name: "F07 iat in 2099", change: change{"iat": 4070908800, "exp": 4070908900}, reason: idtoken.ReasonIssuedAt},
		{name: "F07 iat ten minutes ago", change: change{"iat": at(-age)}},
		{name: "F07 iat older", change: change{"iat": at(-age - time.Second)}, reason: idtoken.ReasonIssuedAt},
		{name: "F08 no exp", change: change{"exp": nil}, reason: idtoken.ReasonExpired},
		{name: "F08 exp past within the skew", change: change{"exp": at(-skew + time.Second)}},
		{name: "F08 exp past", change: change{"exp": at(-skew)}, reason: idtoken.ReasonExpired},
		{name: "F08 exp is a string", change: change{"exp": "4070908800"}, reason: idtoken.ReasonExpired},
		{name: "F08 exp 1e400", change: change{"exp": json.RawMessage("1e400")}, reason: idtoken.ReasonExpired},
		{name: "F08 exp negative", change: change{"exp": -1}, reason: idtoken.ReasonExpired},
		{name: "F08 exp is a list", change: change{"exp": []int64{at(time.Minute)}}, reason: idtoken.ReasonExpired},
		{name: "F09 nbf within the skew", change: change{"nbf": at(skew)}},
		{name: "F09 nbf ahead", change: change{"nbf": at(skew + time.Second)}, reason: idtoken.ReasonNotYetValid},
		{name: "F09 nbf zero", change: change{"nbf": 0}},
		{name: "F09 nbf is a string", change: change{"nbf": "0"}, reason: idtoken.ReasonNotYetValid},

		{name: "F10 no nonce", change: change{"nonce": nil}, reason: idtoken.ReasonNonceMismatch},
		{name: "F10 nonce empty", change: change{"nonce": ""}, reason: idtoken.ReasonNonceMismatch},
		{name: "F10 nonce of another login", change: change{"nonce": "other"}, reason: idtoken.ReasonNonceMismatch},
		{name: "F10 nonce is a prefix", change: change{"nonce": theNonce[:8]}, reason: idtoken.ReasonNonceMismatch},
		{name: "F10 nonce is a list", change: change{"nonce": []string{theNonce}}, reason: idtoken.ReasonNonceMismatch},
		{name: "F24 replayed in a login with another nonce", nonce: "the-nonce-of-the-next-login", reason: idtoken.ReasonNonceMismatch},
		{name: "F24 no nonce on either side", change: change{"nonce": nil}, nonce: "-", reason: idtoken.ReasonNonceMismatch},

		{name: "F15 at_hash wrong", change: change{"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}, reason: idtoken.ReasonAtHash},
		{name: "F15 at_hash empty", change: change{"at_hash": ""}, reason: idtoken.ReasonAtHash},
		{name: "F15 at_hash null", change: change{"at_hash": null}},
		{name: "F15 at_hash is a number", change: change{"at_hash": 1}, reason: idtoken.ReasonAtHash},
		{name: "F25 events", change: change{"events": change{"http://schemas.openid.net/event/backchannel-logout": change{}}}, reason: idtoken.ReasonLogoutToken},
		{name: "F25 events null", change: change{"events": null}},
		{name: "F25 events empty", change: change{"events": change{}}, reason: idtoken.ReasonLogoutToken},
		{name: "F31 SUB", change: change{"SUB": "root"}, reason: jose.ReasonClaims},
		{name: "F31 two spellings of what nobody reads", change: change{"a": change{"b": 1, "B": 1}}},
		{name: "F31 Nonce", change: change{"Nonce": theNonce}, reason: jose.ReasonClaims},
		{name: "F31 EMAIL_VERIFIED", change: change{"email_verified": false, "EMAIL_VERIFIED": true}, reason: jose.ReasonClaims},
		{name: "F32 broken claim names", change: change{"_claim_names": "x"}},

		{name: "F29 max_age", change: change{"auth_time": at(-time.Hour)}, options: change{"params__max_age": "3600"}},
		{name: "F29 auth_time missing", options: change{"params__max_age": "3600"}, reason: idtoken.ReasonAuthTime},
		{name: "F29 auth_time zero", change: change{"auth_time": 0}, options: change{"params__max_age": "3600"}, reason: idtoken.ReasonAuthTime},
		{name: "F29 auth_time old", change: change{"auth_time": at(-time.Hour - skew - time.Second)}, options: change{"params__max_age": "3600"}, reason: idtoken.ReasonAuthTime},
		{name: "F29 max_age 0", change: change{"auth_time": at(-skew - time.Second)}, options: change{"params__max_age": "0"}, reason: idtoken.ReasonAuthTime},
		{name: "F29 auth_time to come", change: change{"auth_time": at(skew + time.Second)}, options: change{"params__max_age": "3600"}, reason: idtoken.ReasonAuthTime},
		{name: "D14 essential acr", change: change{"acr": "mfa"}, options: change{"params": essentialACR}},
		{name: "D14 essential acr missing", options: change{"params": essentialACR}, reason: idtoken.ReasonACR},
		{name: "D14 essential acr weaker", change: change{"acr": "pwd"}, options: change{"params": essentialACR}, reason: idtoken.ReasonACR},
		{name: "D14 essential acr, one value", change: change{"acr": "pwd"}, options: change{"params": `{"claims":"{\"id_token\":{\"acr\":{\"essential\":true,\"value\":\"mfa\"}}}"}`}, reason: idtoken.ReasonACR},
		{name: "D14 acr that is only wished for", change: change{"acr": "pwd"}, options: change{"params": `{"claims":{"id_token":{"acr":{"values":["mfa"]},"email":null}}}`}},
		{name: "D14 acr", change: change{"acr": "mfa"}, options: change{"params__acr_values": "phr mfa"}},
		{name: "D14 acr missing", options: change{"params__acr_values": "phr mfa"}, reason: idtoken.ReasonACR},
		{name: "D14 acr weaker", change: change{"acr": "pwd"}, options: change{"params__acr_values": "phr mfa"}, reason: idtoken.ReasonACR},
		{name: "hosted domain", change: change{"hd": "example.com"}, options: change{"params__hd": "example.com"}},
		{name: "hosted domain missing", options: change{"params__hd": "example.com"}, reason: idtoken.ReasonHostedDomain},
		{name: "other hosted domain", change: change{"hd": "evil.example"}, options: change{"params__hd": "example.com"}, reason: idtoken.ReasonHostedDomain},
		{name: "any hosted domain", change: change{"hd": "any.example"}, options: change{"params__hd": "*"}},
		{name: "no hosted domain", options: change{"params__hd": "*"}, reason: idtoken.ReasonHostedDomain},
	} {
		t.Run(test.name, func(t *testing.T) {
			key := josetest.RSAKey(t, 2048, 1)
			server := josetest.StartKeyServer(t, josetest.PublicJWK(t, key.Public(), map[string]any{"kid": "1"}))
			r := openRig(t, theIssuer, now.Now, test.options)
			nonce := theNonce
			switch test.nonce {
			case "":
			case "-":
				nonce = ""
			default:
				nonce = test.nonce
			}
			raw := josetest.Signed(t, gojose.RS256, key, "1", idClaims(now.Now(), test.change))
			_, err := r.verifyIDToken(t.Context(), discovery.Metadata{Issuer: theIssuer, JWKSURI: server.URL, Algs: jose.Asymmetric}, tokens{idToken: raw, accessToken: "at"}, nonce)
			if test.reason != "" {
				plugintest.Refused(t, err, sdk.ErrInvalidResponse, test.reason)
			} else if err != nil {
				t.Errorf("refused: %v", err)
			}
		})
	}
}

func TestIDTokenOfManyTenants(t *testing.T) {
	const common, template = "https://login.example/common/v2.0", "https://login.example/{tenantid}/v2.0"
	issuer := strings.Replace(template, discovery.TenantID, tenant, 1)
	key := josetest.RSAKey(t, 2048, 1)
	now := plugintest.NewClock()
	server := josetest.StartKeyServer(t,
		josetest.PublicJWK(t, key.Public(), map[string]any{"kid": "all", "issuer": template}),
		josetest.PublicJWK(t, key.Public(), map[string]any{"kid": "other", "issuer": strings.Replace(template, discovery.TenantID, otherTenant, 1)}))
	for _, test := range []struct {
		name, kid, iss string
		reason         sdk.Reason
	}{
		{"good", "all", issuer, ""},
		{"F01 key of another tenant", "other", issuer, discovery.ReasonIssuerMismatch},
		{"F01 issuer is the template", "all", template, discovery.ReasonIssuerMismatch},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := openRig(t, common, now.Now, nil)
			raw := josetest.Signed(t, gojose.RS256, key, test.kid, idClaims(now.Now(), map[string]any{"iss": test.iss, "tid": tenant}))
			_, err := r.verifyIDToken(t.Context(), discovery.Metadata{Issuer: template, JWKSURI: server.URL, Algs: jose.Asymmetric}, tokens{idToken: raw}, theNonce)
			if test.reason != "" {
				plugintest.Refused(t, err, sdk.ErrInvalidResponse, test.reason)
			} else if err != nil {
				t.Errorf("refused: %v", err)
			}
		})
	}
}
