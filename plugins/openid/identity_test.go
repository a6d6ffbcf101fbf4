package main

import (
	"encoding/json"
	"strings"
	"testing"

	gojose "github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/plugins/openid/internal/discovery"
	"github.com/doorward/doorward/plugins/openid/internal/jose"
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
		{name: "groups in one string", claims: change{"groups": "a, b"}, options: change{"group_claim_separator": "comma"}, want: func(i *sdk.Identity) { i.Groups = []string{"a", "b"} }},
		{name: "groups in one string with spaces", claims: change{"groups": "a b"}, options: change{"group_claim_separator": "space"}, want: func(i *sdk.Identity) { i.Groups = []string{"a", "b"} }},
		{name: "groups by a path with a dot in a name", options: change{"group_claim_name": `resource_access.my\.app.roles`}, claims: change{"resource_access": change{"my.app": change{"roles": []string{"r"}}}},
			want: func(i *sdk.Identity) { i.Groups = []string{"r"} }},
		{name: "groups as keys", options: change{"group_claim_name": "urn:zitadel:iam:org:project:roles"}, claims: change{"urn:zitadel:iam:org:project:roles": change{"b": change{"1": "x"}, "a": change{"1": "x"}}},
			want: func(i *sdk.Identity) { i.Groups = []string{"a", "b"} }},
		{name: "groups with a member", options: change{"group_claim_member": "name"}, claims: change{"groups": []change{{"id": 1, "name": "a"}}}, want: func(i *sdk.Identity) { i.Groups = []string{"a"} }},
		{name: "names by path", options: change{"username_key": "u.n", "email_key": "u.mail", "email_verified_key": "u.ok", "name_key": "u.full", "first_name_key": "u.f", "last_name_key": "u.l"},
			claims: change{"u": change{"n": "al", "mail": "a@example.com", "ok": true, "full": "A B", "f": "A", "l": "B"}},
			want: func(i *sdk.Identity) {
				i.Username, i.Email, i.EmailVerified, i.Name, i.GivenName, i.FamilyName = "al", "a@example.com", true, "A B", "A", "B"
			}},
		{name: "D03 the standard word says nothing of another claim", options: change{"email_key": "mail"}, claims: change{"mail": "a@example.com", "email_verified": true},
			want: func(i *sdk.Identity) { i.Email = "a@example.com" }},
		{name: "D03 a text by option", options: change{"email_verified_text": true, "identifier_key": "email"}, claims: change{"email": "a@example.com", "email_verified": "true"},
			want: func(i *sdk.Identity) { i.Subject, i.Email, i.EmailVerified = "a@example.com", "a@example.com", true }},
		{name: "D03 a text by option that says no", options: change{"email_verified_text": true}, claims: change{"email": "a@example.com", "email_verified": "false"},
			want: func(i *sdk.Identity) { i.Email = "a@example.com" }},
		{name: "D12 an overage of Entra ID", claims: change{"_claim_names": change{"groups": "src1"}, "_claim_sources": change{"src1": change{"endpoint": "https://graph.windows.net/x"}}},
			want: func(i *sdk.Identity) { i.GroupsUnknown = true }},
		{name: "D12 an overage without room for a reference", claims: change{"hasgroups": true}, want: func(i *sdk.Identity) { i.GroupsUnknown = true }},
		{name: "D12 some groups, and a reference", claims: change{"groups": []string{"a"}, "_claim_names": change{"groups": "src1"}},
			want: func(i *sdk.Identity) { i.GroupsUnknown = true }},
		{name: "D12 a reference to what is no group", claims: change{"groups": []string{"a"}, "_claim_names": change{"credit": "src1"}}, want: func(i *sdk.Identity) { i.Groups = []string{"a"} }},
		{name: "D12 a reference to the first step of the path", options: change{"group_claim_name": "realm_access.roles"}, claims: change{"_claim_names": change{"realm_access": "src1"}},
			want: func(i *sdk.Identity) { i.GroupsUnknown = true }},
		{name: "D12 a reference that cannot be read", claims: change{"_claim_names": []string{"groups"}}, want: func(i *sdk.Identity) { i.GroupsUnknown = true }},
		{name: "a reference that cannot be read, and groups", claims: change{"groups": []string{"a"}, "_claim_names": "x"}, want: func(i *sdk.Identity) { i.Groups = []string{"a"} }},
		{name: "null is absent", claims: change{"azp": json.RawMessage("null"), "at_hash": json.RawMessage("null"), "events": json.RawMessage("null"), "groups": json.RawMessage("null"), "acr": json.RawMessage("null")},
			want: func(*sdk.Identity) {}},
		{name: "two spellings of what nobody reads", claims: change{"Dept": "a", "dept": "b"}, want: func(*sdk.Identity) {}},
		{name: "F31 two spellings of the identifier", options: change{"identifier_key": "oid"}, claims: change{"oid": "a", "OID": "b"}, kind: sdk.ErrInvalidResponse, reason: jose.ReasonClaims},
		{name: "F31 two spellings of the groups", claims: change{"groups": []string{"a"}, "Groups": []string{"admin"}}, kind: sdk.ErrInvalidResponse, reason: jose.ReasonClaims},
		{name: "C04 group with a comma in one string", claims: change{"groups": "a,admin"}, want: func(i *sdk.Identity) { i.Groups = []string{"a,admin"} }},
		{name: "C04 group with a comma in a list", claims: change{"groups": []string{"a,admin"}}, want: func(i *sdk.Identity) { i.Groups = []string{"a,admin"} }},
		{name: "groups by number", claims: change{"groups": []int{1}}, want: func(i *sdk.Identity) { i.Groups = []string{"1"} }},
		{name: "D12 groups of a wrong type", claims: change{"groups": []any{"a", []string{"b"}}}, want: func(i *sdk.Identity) { i.GroupsUnknown = true }},
		{name: "how and when", claims: change{"auth_time": now.Now().Unix(), "amr": []string{"pwd"}, "acr": "1"},
			want: func(i *sdk.Identity) { i.AuthTime, i.AMR, i.ACR = now.Now(), []string{"pwd"}, "1" }},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := openRig(t, theIssuer, now.Now, test.options)
			raw := josetest.Signed(t, gojose.RS256, key, "", idClaims(now.Now(), test.claims))
			got, err := r.identify(t.Context(), discovery.Metadata{Issuer: theIssuer, JWKSURI: server.URL, Algs: []string{"RS256"}}, tokens{idToken: raw, accessToken: "at"}, theNonce)
			if test.kind != nil {
				plugintest.Refused(t, err, test.kind, test.reason)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			want := sdk.Identity{Subject: "alice"}
			test.want(&want)
			if got.GroupsUnknown && len(got.Warnings) != 1 {
				t.Errorf("D12 the warnings do not say so: %q", got.Warnings)
			}
			if want.Subject != "alice" {
				want.LogoutSubject = "alice" // F26 as the provider calls them
				want.Aliases = []string{"alice"}
			}
			got.Claims, got.Grant, got.Warnings = nil, nil, nil
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestGrantWithALongAccessToken: an access token that is longer than a grant may be is left
// out.
func TestGrantWithALongAccessToken(t *testing.T) {
	data, err := grantContent{Subject: "alice", IDToken: "a.b.c", AccessToken: strings.Repeat("t", sdk.MaxGrant)}.encode()
	if err != nil || len(data) > sdk.MaxGrant {
		t.Errorf("%d bytes, %v", len(data), err)
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
