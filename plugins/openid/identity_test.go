package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	gojose "github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/plugins/openid/internal/discovery"
	"github.com/doorward/doorward/plugins/openid/internal/jose/josetest"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
	"github.com/doorward/doorward/sdk/plugintest"
)

func TestIdentity(t *testing.T) {
	now := plugintest.NewClock()
	key := josetest.RSAKey(t, 2048, 1)
	server := josetest.StartKeyServer(t, josetest.PublicJWK(t, key.Public(), nil))
	type change = map[string]any
	for _, test := range []struct {
		name    string
		claims  change
		options change
		want    func(*sdk.Identity)
		kind    error
		reason  sdk.Reason
	}{
		{name: "sub alone", want: func(*sdk.Identity) {}},
		{name: "D02 e-mail is no key", claims: change{"email": "victim@example.com", "email_verified": true},
			want: func(i *sdk.Identity) { i.Email, i.EmailVerified = "victim@example.com", true }},
		{name: "D02 identifier is a verified e-mail", options: change{"identifier_key": "email"}, claims: change{"email": "a@example.com", "email_verified": true},
			want: func(i *sdk.Identity) { i.Subject, i.Email, i.EmailVerified = "a@example.com", "a@example.com", true }},
		{name: "D02 identifier is an unverified e-mail", options: change{"identifier_key": "email"}, claims: change{"email": "a@example.com"}, kind: sdk.ErrDenied, reason: reasonEmailNotVerified},
		{name: "D03 identifier is an e-mail verified by a string", options: change{"identifier_key": "email"}, claims: change{"email": "a@example.com", "email_verified": "true"}, kind: sdk.ErrDenied, reason: reasonEmailNotVerified},
		{name: "D02 no fallback to e-mail", options: change{"identifier_key": "oid"}, claims: change{"email": "a@example.com", "email_verified": true}, kind: sdk.ErrInvalidResponse, reason: claims.ReasonSubjectMissing},
		{name: "identifier by path", options: change{"identifier_key": "attributes.employee"}, claims: change{"attributes": change{"employee": 9007199254740993}},
			want: func(i *sdk.Identity) { i.Subject = "9007199254740993" }},
		{name: "D08 identifier is a fraction", options: change{"identifier_key": "n"}, claims: change{"n": json.RawMessage("1.0")}, kind: sdk.ErrInvalidResponse, reason: claims.ReasonSubjectInvalid},
		{name: "D05 identifier with a control character", options: change{"identifier_key": "n"}, claims: change{"n": "a\tb"}, kind: sdk.ErrInvalidResponse, reason: claims.ReasonSubjectInvalid},
		{name: "groups by path", options: change{"group_claim_name": "realm_access.roles"}, claims: change{"realm_access": change{"roles": []string{"editor"}}},
			want: func(i *sdk.Identity) { i.Groups = []string{"editor"} }},
		{name: "groups in one string", claims: change{"groups": "a, b"}, want: func(i *sdk.Identity) { i.Groups = []string{"a", "b"} }},
		{name: "C04 group with a comma in one string", claims: change{"groups": "a,admin"}, options: change{"group_claim_separator": "none"}, want: func(i *sdk.Identity) { i.Groups = []string{"a,admin"} }},
		{name: "C04 group with a comma in a list", claims: change{"groups": []string{"a,admin"}}, want: func(i *sdk.Identity) { i.Groups = []string{"a,admin"} }},
		{name: "D12 groups of a wrong type", claims: change{"groups": []int{1}}, kind: sdk.ErrInvalidResponse, reason: claims.ReasonClaimInvalid},
		{name: "how and when", claims: change{"auth_time": now.Now().Unix(), "amr": []string{"pwd"}, "acr": "1"},
			want: func(i *sdk.Identity) { i.AuthTime, i.AMR, i.ACR = now.Now(), []string{"pwd"}, "1" }},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := openRig(t, theIssuer, now.Now, test.options)
			raw := josetest.Signed(t, gojose.RS256, key, "", idClaims(now.Now(), test.claims))
			got, err := r.identify(t.Context(), discovery.Metadata{Issuer: theIssuer, JWKSURI: server.URL}, tokens{idToken: raw, accessToken: "at"}, theNonce)
			if test.kind != nil {
				plugintest.Refused(t, err, test.kind, test.reason)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			want := sdk.Identity{Subject: "alice"}
			test.want(&want)
			if want.Subject != "alice" {
				want.LogoutSubject = "alice" // F26 as the provider calls them
			}
			got.Claims, got.Grant = nil, nil
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestGroupsLeftOutByTheProvider(t *testing.T) {
	r := openRig(t, theIssuer, time.Now, nil)
	r.warnOverage(claims.Object{"_claim_names": map[string]any{"groups": "src1"}})
	if !strings.Contains(r.log.String(), "groups") {
		t.Errorf("D12 the operator is not told: %q", r.log.String())
	}
}

func TestGrantIsBounded(t *testing.T) {
	for _, test := range []struct {
		size    int
		idToken bool
	}{{1 << 10, true}, {(64 << 10), false}} {
		data, err := grantContent{Subject: "alice", IDToken: strings.Repeat("t", test.size), RefreshToken: "rt"}.encode()
		if err != nil || len(data) > sdk.MaxGrant {
			t.Fatalf("%d bytes, %v", len(data), err)
		}
		var content grantContent
		if err := json.Unmarshal(data, &content); err != nil {
			t.Fatal(err)
		}
		if content.RefreshToken != "rt" || (content.IDToken != "") != test.idToken {
			t.Errorf("ID token of %d bytes: kept %v", test.size, content.IDToken != "")
		}
	}
}
