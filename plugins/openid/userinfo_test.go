package main

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	gojose "github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/plugins/openid/internal/discovery"
	"github.com/doorward/doorward/plugins/openid/internal/idtoken"
	"github.com/doorward/doorward/plugins/openid/internal/jose"
	"github.com/doorward/doorward/plugins/openid/internal/jose/josetest"
	"github.com/doorward/doorward/plugins/openid/internal/userinfo"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
	"github.com/doorward/doorward/sdk/plugintest"
	"github.com/doorward/doorward/sdk/upstream"
)

func TestUserInfo(t *testing.T) {
	now := plugintest.NewClock()
	key, other := josetest.RSAKey(t, 2048, 1), josetest.RSAKey(t, 2048, 2)
	jwt := func(change map[string]any) string {
		members := map[string]any{"iss": theIssuer, "aud": clientID, "sub": "alice"}
		for name, value := range change {
			members[name] = value
			if value == nil {
				delete(members, name)
			}
		}
		return josetest.Signed(t, gojose.RS256, key, "1", members)
	}
	signedOption := map[string]any{"client_userinfo_signed_response_alg": "RS256"}
	for _, test := range []struct {
		name, contentType, body string
		status                  int
		options                 map[string]any
		kind                    error // nil: accepted
		reason                  sdk.Reason
	}{
		{name: "F16 good", contentType: "application/json", body: `{"sub":"alice"}`},
		{name: "F16 charset", contentType: "application/json; charset=utf-8", body: `{"sub":"alice"}`},
		{name: "F16 other sub", contentType: "application/json", body: `{"sub":"bob"}`, kind: sdk.ErrInvalidResponse, reason: userinfo.ReasonSubject},
		{name: "F16 sub in another case", contentType: "application/json", body: `{"sub":"Alice"}`, kind: sdk.ErrInvalidResponse, reason: userinfo.ReasonSubject},
		{name: "F16 no sub", contentType: "application/json", body: `{"name":"x"}`, kind: sdk.ErrInvalidResponse, reason: userinfo.ReasonSubject},
		{name: "F16 sub is a list", contentType: "application/json", body: `{"sub":["alice"]}`, kind: sdk.ErrInvalidResponse, reason: userinfo.ReasonSubject},
		{name: "F16 SUB", contentType: "application/json", body: `{"SUB":"alice"}`, kind: sdk.ErrInvalidResponse, reason: userinfo.ReasonSubject},
		{name: "F31 sub twice", contentType: "application/json", body: `{"sub":"bob","sub":"alice"}`, kind: sdk.ErrInvalidResponse, reason: userinfo.ReasonMalformed},
		{name: "F16 not JSON", contentType: "application/json", body: `sub=alice`, kind: sdk.ErrInvalidResponse, reason: userinfo.ReasonMalformed},
		{name: "F16 HTML", contentType: "text/html", body: `<!doctype html>`, kind: sdk.ErrInvalidResponse, reason: upstream.ReasonHTML},
		{name: "F16 JSON called HTML", contentType: "text/html", body: `{"sub":"alice"}`},
		{name: "F16 JSON called nothing", body: "\ufeff {\"sub\":\"alice\"}\n"},
		{name: "F16 two spellings of what nobody reads", contentType: "application/json", body: `{"sub":"alice","Dept":1,"dept":2}`},
		{name: "F31 sub in two spellings", contentType: "application/json", body: `{"SUB":"bob","sub":"alice"}`, kind: sdk.ErrInvalidResponse, reason: userinfo.ReasonMalformed},
		{name: "F16 401", status: 401, kind: sdk.ErrMisconfigured, reason: userinfo.ReasonRefused},
		{name: "F16 403", status: 403, kind: sdk.ErrMisconfigured, reason: userinfo.ReasonStatus},
		{name: "F16 404", status: 404, kind: sdk.ErrMisconfigured, reason: userinfo.ReasonStatus},
		{name: "F16 redirect", status: 302, kind: sdk.ErrMisconfigured, reason: userinfo.ReasonStatus},
		{name: "F16 408", status: 408, kind: sdk.ErrUnavailable, reason: userinfo.ReasonStatus},
		{name: "F16 425", status: 425, kind: sdk.ErrUnavailable, reason: userinfo.ReasonStatus},
		{name: "F16 429", status: 429, kind: sdk.ErrUnavailable, reason: userinfo.ReasonStatus},
		{name: "F16 503", status: 503, kind: sdk.ErrUnavailable, reason: userinfo.ReasonStatus},
		{name: "F16 500", status: 500, kind: sdk.ErrUnavailable, reason: userinfo.ReasonStatus},

		{name: "F17 signed", contentType: "application/jwt", body: jwt(nil), options: signedOption},
		{name: "F17 signed for us among others", contentType: "application/jwt", body: jwt(map[string]any{"aud": []string{clientID}}), options: signedOption},
		{name: "F17 signed, not asked for", contentType: "application/jwt", body: jwt(nil)},
		{name: "F17 signed otherwise than ID tokens, not asked for", contentType: "application/jwt", body: jwt(nil), options: map[string]any{"client_id_token_signed_response_alg": "PS256"}},
		{name: "F17 signed, not asked for, without iss and aud", contentType: "application/jwt", body: jwt(map[string]any{"iss": nil, "aud": nil})},
		{name: "F17 signed, not asked for, other issuer", contentType: "application/jwt", body: jwt(map[string]any{"iss": "https://evil.example", "aud": nil}), kind: sdk.ErrInvalidResponse, reason: discovery.ReasonIssuerMismatch},
		{name: "F17 signed, not asked for, other audience", contentType: "application/jwt", body: jwt(map[string]any{"iss": nil, "aud": "other"}), kind: sdk.ErrInvalidResponse, reason: idtoken.ReasonAudienceMismatch},
		{name: "F17 signed, not asked for, other sub", contentType: "application/jwt", body: jwt(map[string]any{"iss": nil, "aud": nil, "sub": "bob"}), kind: sdk.ErrInvalidResponse, reason: userinfo.ReasonSubject},
		{name: "F16 201", contentType: "application/json", body: `{"sub":"alice"}`, status: 201},
		{name: "F17 signed, called JSON", contentType: "application/json", body: jwt(nil) + "\n"},
		{name: "F17 signed, not asked for, other key", contentType: "application/jwt", body: josetest.Signed(t, gojose.RS256, other, "1", map[string]any{"iss": theIssuer, "aud": clientID, "sub": "alice"}), kind: sdk.ErrInvalidResponse, reason: jose.ReasonSignature},
		{name: "F17 signed, not asked for, alg none", contentType: "application/jwt", body: josetest.Compact(`{"alg":"none"}`), kind: sdk.ErrInvalidResponse, reason: jose.ReasonAlg},
		{name: "F17 encrypted", contentType: "application/jwt", body: "a.b.c.d.e", kind: sdk.ErrInvalidResponse, reason: jose.ReasonEncrypted},
		{name: "F17 not signed, asked for", contentType: "application/json", body: `{"sub":"alice"}`, options: signedOption, kind: sdk.ErrInvalidResponse, reason: userinfo.ReasonUnsigned},
		{name: "F17 other issuer", contentType: "application/jwt", body: jwt(map[string]any{"iss": "https://evil.example"}), options: signedOption, kind: sdk.ErrInvalidResponse, reason: discovery.ReasonIssuerMismatch},
		{name: "F17 no issuer", contentType: "application/jwt", body: jwt(map[string]any{"iss": nil}), options: signedOption, kind: sdk.ErrInvalidResponse, reason: discovery.ReasonIssuerMismatch},
		{name: "F17 other audience", contentType: "application/jwt", body: jwt(map[string]any{"aud": "other"}), options: signedOption, kind: sdk.ErrInvalidResponse, reason: idtoken.ReasonAudienceMismatch},
		{name: "F17 no audience", contentType: "application/jwt", body: jwt(map[string]any{"aud": nil}), options: signedOption, kind: sdk.ErrInvalidResponse, reason: idtoken.ReasonAudienceMismatch},
		{name: "F17 other sub", contentType: "application/jwt", body: jwt(map[string]any{"sub": "bob"}), options: signedOption, kind: sdk.ErrInvalidResponse, reason: userinfo.ReasonSubject},
		{name: "F17 expired", contentType: "application/jwt", body: jwt(map[string]any{"exp": now.Now().Add(-time.Hour).Unix()}), options: signedOption, kind: sdk.ErrInvalidResponse, reason: idtoken.ReasonExpired},
		{name: "F17 alg none", contentType: "application/jwt", body: josetest.Compact(`{"alg":"none"}`), options: signedOption, kind: sdk.ErrInvalidResponse, reason: jose.ReasonAlg},
		{name: "F17 other algorithm", contentType: "application/jwt", body: jwt(nil), options: map[string]any{"client_userinfo_signed_response_alg": "PS256"}, kind: sdk.ErrInvalidResponse, reason: jose.ReasonAlg},
		{name: "F17 other key", contentType: "application/jwt", body: josetest.Signed(t, gojose.RS256, other, "1", map[string]any{"iss": theIssuer, "aud": clientID, "sub": "alice"}), options: signedOption, kind: sdk.ErrInvalidResponse, reason: jose.ReasonSignature},
	} {
		t.Run(test.name, func(t *testing.T) {
			keys := josetest.StartKeyServer(t, josetest.PublicJWK(t, key.Public(), map[string]any{"kid": "1"}))
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodGet || r.Header.Get("Authorization") != "Bearer the-access-token" || r.URL.RawQuery != "" {
					t.Errorf("request %s %s, Authorization %q", r.Method, r.URL, r.Header.Get("Authorization"))
				}
				w.Header().Set("Content-Type", test.contentType)
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(max(test.status, 200))
				_, _ = w.Write([]byte(test.body))
			}))
			t.Cleanup(server.Close)
			r := openRig(t, theIssuer, now.Now, test.options)
			md := discovery.Metadata{Issuer: theIssuer, JWKSURI: keys.URL, UserInfoEndpoint: server.URL}
			got, err := r.userInfo(t.Context(), md, "the-access-token", "alice")
			if test.kind != nil {
				plugintest.Refused(t, err, test.kind, test.reason)
			} else if err != nil || got["sub"] != "alice" {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}

func TestMerge(t *testing.T) {
	type o = claims.Object
	for _, test := range []struct {
		name          string
		idToken, info o
		want          o
	}{
		{"user info wins", o{"sub": "a", "name": "old", "locale": "de"}, o{"sub": "a", "name": "new"}, o{"sub": "a", "name": "new", "locale": "de"}},
		{"null is absent", o{"sub": "a", "name": "old", "email": "a@example.com", "email_verified": true}, o{"sub": "a", "name": nil, "email": nil, "email_verified": nil},
			o{"sub": "a", "name": "old", "email": "a@example.com", "email_verified": true}},
		{"an empty text is absent", o{"sub": "a", "email": "a@example.com", "email_verified": true}, o{"sub": "a", "email": "", "email_verified": false},
			o{"sub": "a", "email": "a@example.com", "email_verified": true}},
		{"no user info", o{"sub": "a", "name": "old"}, nil, o{"sub": "a", "name": "old"}},
		{
			"protocol claims stay",
			o{"sub": "a", "iss": "i", "aud": "c", "acr": "mfa", "tid": "t", "hd": "d"},
			o{"sub": "b", "iss": "x", "aud": "x", "acr": "x", "amr": []any{"x"}, "auth_time": "x", "exp": "x", "tid": "x", "hd": "x", "azp": "x", "sid": "x", "events": "x"},
			o{"sub": "a", "iss": "i", "aud": "c", "acr": "mfa", "tid": "t", "hd": "d"},
		},
		{"spent claims go", o{"sub": "a", "nonce": "n", "at_hash": "h", "c_hash": "h", "_claim_sources": o{}}, o{"_claim_sources": o{}}, o{"sub": "a"}},
		{"D03 verified address replaced by another", o{"email": "a@example.com", "email_verified": true}, o{"email": "b@example.com"}, o{"email": "b@example.com"}},
		{"D03 verified address confirmed", o{"email": "a@example.com", "email_verified": true}, o{"email": "a@example.com"}, o{"email": "a@example.com", "email_verified": true}},
		{"D03 verified address taken back", o{"email": "a@example.com", "email_verified": true}, o{"email": "a@example.com", "email_verified": false}, o{"email": "a@example.com", "email_verified": false}},
		{"D03 other address, verified there", o{"email": "a@example.com", "email_verified": false}, o{"email": "b@example.com", "email_verified": true}, o{"email": "b@example.com", "email_verified": true}},
		{"D03 word without an address", o{"email": "a@example.com", "email_verified": false}, o{"email_verified": true}, o{"email": "a@example.com", "email_verified": false}},
		{"D03 address is a list twice", o{"email": []any{"b"}, "email_verified": true}, o{"email": []any{"b"}}, o{"email": []any{"b"}}},
		{"D03 address is no string", o{"email": "a@example.com", "email_verified": true}, o{"email": []any{"b"}}, o{"email": []any{"b"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, merge(test.idToken, test.info)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
