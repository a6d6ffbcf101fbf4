package claims

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/sdk"
)

func TestIdentity(t *testing.T) {
	o := decode(t, `{
		"sub":"248289761001","preferred_username":"j.doe","email":"jane@example.com","email_verified":true,
		"given_name":"Jane","family_name":"Doe","name":"Jane Doe","groups":["editors","a,b"],
		"auth_time":1700000000,"amr":["pwd","otp"],"acr":"urn:mfa","locale":"en"
	}`)
	got, err := OpenID().Identity(o)
	if err != nil {
		t.Fatal(err)
	}
	want := sdk.Identity{
		Subject: "248289761001", Username: "j.doe", Email: "jane@example.com", EmailVerified: true,
		GivenName: "Jane", FamilyName: "Doe", Name: "Jane Doe", Groups: []string{"editors", "a,b"},
		AuthTime: time.Unix(1_700_000_000, 0).UTC(), AMR: []string{"pwd", "otp"}, ACR: "urn:mfa", Claims: o,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestIdentityOfSubjectAlone(t *testing.T) {
	o := decode(t, `{"sub":"a","email":null,"auth_time":0}`)
	got, err := OpenID().Identity(o)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sdk.Identity{Subject: "a", Claims: o}, got); diff != "" {
		t.Error(diff)
	}
}

func TestSubject(t *testing.T) {
	long := strings.Repeat("x", sdk.MaxSubject)
	for _, test := range []struct {
		name, json, want string
		reason           sdk.Reason
	}{
		{name: "D05 kept byte by byte", json: `" Ａlice\u200b "`, want: " Ａlice\u200b "},
		{name: "D05 255 bytes", json: `"` + long + `"`, want: long},
		{name: "D05 256 bytes", json: `"` + long + `x"`, reason: ReasonSubjectInvalid},
		{name: "D05 empty", json: `""`, reason: ReasonSubjectInvalid},
		{name: "D05 new line", json: `"a\n"`, reason: ReasonSubjectInvalid},
		{name: "D05 DEL", json: `"a\u007f"`, reason: ReasonSubjectInvalid},
		{name: "D05 C1 control", json: `"a\u0085"`, reason: ReasonSubjectInvalid},
		{name: "F03 null", json: `null`, reason: ReasonSubjectMissing},
		{name: "D08 number", json: `1`, want: "1"},
		{name: "D08 beyond 2^53", json: `9007199254740993`, want: "9007199254740993"},
		{name: "D08 1.0", json: `1.0`, reason: ReasonSubjectInvalid},
		{name: "D08 1e0", json: `1e0`, reason: ReasonSubjectInvalid},
		{name: "D08 1E2", json: `1E2`, reason: ReasonSubjectInvalid},
		{name: "D08 -0", json: `-0`, reason: ReasonSubjectInvalid},
		{name: "D08 true", json: `true`, reason: ReasonSubjectInvalid},
		{name: "D08 list", json: `["a"]`, reason: ReasonSubjectInvalid},
		{name: "D08 object", json: `{}`, reason: ReasonSubjectInvalid},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := OpenID().Identity(decode(t, `{"sub":`+test.json+`}`))
			checkReason(t, err, test.reason)
			if got.Subject != test.want {
				t.Errorf("got %q, want %q", got.Subject, test.want)
			}
		})
	}
	_, err := OpenID().Identity(decode(t, `{"email":"jane@example.com","email_verified":true}`))
	checkReason(t, err, ReasonSubjectMissing)
}

func TestSubjectByPath(t *testing.T) {
	mapping := OpenID()
	mapping.Subject = "attributes.employee"
	got, err := mapping.Identity(decode(t, `{"sub":"a","attributes":{"employee":4711}}`))
	if err != nil || got.Subject != "4711" {
		t.Errorf("got %q, %v", got.Subject, err)
	}
	_, err = mapping.Identity(decode(t, `{"sub":"a","attributes":{"employee":4711},"attributes.employee":"1"}`))
	checkReason(t, err, ReasonSubjectInvalid)
}

func TestEmailVerified(t *testing.T) {
	for claim, want := range map[string]bool{
		`"email_verified":true`: true, `"email_verified":false`: false, `"email_verified":"true"`: false,
		`"email_verified":1`: false, `"email_verified":["true"]`: false, `"x":1`: false,
	} {
		t.Run("D03 "+claim, func(t *testing.T) {
			got, err := OpenID().Identity(decode(t, `{"sub":"a","email":"a@example.com",`+claim+`}`))
			if err != nil || got.EmailVerified != want {
				t.Errorf("got %v, %v; want %v", got.EmailVerified, err, want)
			}
		})
	}
	got, err := OpenID().Identity(decode(t, `{"sub":"a","email_verified":true}`))
	if err != nil || got.EmailVerified {
		t.Errorf("verified without an address: %v, %v", got.EmailVerified, err)
	}
}

// TestTextVerified: only the two texts count, and only with providers known to send them.
func TestTextVerified(t *testing.T) {
	mapping := OpenID()
	mapping.TextVerified = true
	for claim, want := range map[string]bool{`"true"`: true, `true`: true, `"false"`: false, `"True"`: false, `"yes"`: false, `"1"`: false, `1`: false, `["true"]`: false} {
		got, err := mapping.Identity(decode(t, `{"sub":"a","email":"a@example.com","email_verified":`+claim+`}`))
		if err != nil || got.EmailVerified != want {
			t.Errorf("D03 %s: %v, %v", claim, got.EmailVerified, err)
		}
	}
}

func TestGroups(t *testing.T) {
	many := func(n int) string {
		return `["` + strings.Repeat(`g","`, n-1) + `g"]`
	}
	for _, test := range []struct {
		name, json        string
		separator, member string
		want              []string
		unknown           bool
		refuse            sdk.Reason
	}{
		{name: "list", json: `["a","b"]`, want: []string{"a", "b"}},
		{name: "empty list", json: `[]`, want: []string{}},
		{name: "null", json: `null`},
		{name: "one string", json: `"a,b"`, want: []string{"a,b"}},
		{name: "empty string", json: `""`, want: []string{}},
		{name: "one string split at commas", json: `" a, b,,c d "`, separator: ",", want: []string{"a", "b", "c d"}},
		{name: "one string split at spaces", json: `"a b,c"`, separator: " ", want: []string{"a", "b,c"}},
		{name: "C04 list is never split", json: `["a,admin"]`, separator: ",", want: []string{"a,admin"}},
		{name: "numbers", json: `[1,90071992547409930]`, want: []string{"1", "90071992547409930"}},
		{name: "one number", json: `7`, want: []string{"7"}},
		{name: "nothing among them", json: `["a",null,""]`, want: []string{"a"}},
		{name: "Zitadel's object", json: `{"editor":{"1":"acme.example"},"admin":{"2":"b.example"}}`, want: []string{"admin", "editor"}},
		{name: "object of booleans", json: `{"admin":false,"editor":true,"x":null}`, want: []string{"editor"}},
		{name: "empty object", json: `{}`},
		{name: "objects with a member", json: `[{"id":1,"name":"a"},{"id":2,"name":"b"},"c"]`, member: "name", want: []string{"a", "b", "c"}},
		{name: "objects by number", json: `[{"id":1},{"id":2}]`, member: "id", want: []string{"1", "2"}},
		{name: "objects by path", json: `[{"org":{"slug":"a"}}]`, member: "org.slug", want: []string{"a"}},
		{name: "one object with a member", json: `{"name":"a","admin":true}`, member: "name", want: []string{"a"}},
		{name: "D12 10000 groups", json: many(sdk.MaxGroups), want: strings.Split(strings.Repeat("g,", sdk.MaxGroups-1)+"g", ",")},
		{name: "D12 10001 groups", json: many(sdk.MaxGroups + 1), refuse: "groups_too_large"},
		{name: "D12 control character", json: `["admin\u0001","staff"]`, want: []string{"staff"}},
		{name: "D12 endless group", json: `["` + strings.Repeat("g", sdk.MaxAttribute+1) + `"]`, want: []string{}},
		{name: "D12 objects", json: `["a",{"name":"admin"}]`, unknown: true},
		{name: "D12 object without the member", json: `[{"name":"a"},{"id":2}]`, member: "name", unknown: true},
		{name: "D12 member that is a list", json: `[{"name":["a"]}]`, member: "name", unknown: true},
		{name: "D12 object that is no set", json: `{"name":"admin","id":"5"}`, unknown: true},
		{name: "D12 lists in a list", json: `["a",["admin"]]`, unknown: true},
		{name: "D12 fraction", json: `[1.5]`, unknown: true},
		{name: "D12 boolean in a list", json: `["a",true]`, unknown: true},
		{name: "D12 boolean", json: `false`, unknown: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			mapping := OpenID()
			mapping.GroupSeparator, mapping.GroupMember = test.separator, test.member
			got, err := mapping.Identity(decode(t, `{"sub":"a","groups":`+test.json+`}`))
			if test.refuse != "" {
				checkReason(t, err, test.refuse)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got.Groups); diff != "" {
				t.Error(diff)
			}
			if got.GroupsUnknown != test.unknown || test.unknown && (len(got.Warnings) != 1 || !strings.Contains(got.Warnings[0], `"groups"`)) {
				t.Errorf("unknown %v, want %v; warnings %q", got.GroupsUnknown, test.unknown, got.Warnings)
			}
		})
	}
}

func TestIdentityRefuses(t *testing.T) {
	for _, test := range []struct {
		name, json string
		reason     sdk.Reason
	}{
		{"too large when encoded", `"x":"` + strings.Repeat("<", 200<<10) + `"`, ReasonClaimsTooLarge},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := OpenID().Identity(decode(t, `{"sub":"a",`+test.json+`}`))
			checkReason(t, err, test.reason)
		})
	}
}

func TestIdentityLeavesOutWhatOnlyDecorates(t *testing.T) {
	for _, test := range []struct {
		name, json, warning string
		want                sdk.Identity
	}{
		{"name is a number", `"name":1`, `claim "name" is a number`, sdk.Identity{}},
		{"e-mail is a list", `"email":["a@example.com"],"email_verified":true`, `claim "email" is a list`, sdk.Identity{}},
		{"e-mail with a new line", `"email":"a@example.com\nBcc: b","email_verified":true`, "e-mail address", sdk.Identity{}},
		{"endless e-mail", `"email":"` + strings.Repeat("x", 1106) + `"`, "e-mail address", sdk.Identity{}},
		{"family name with a new line", `"family_name":"van\nDyke"`, "family name", sdk.Identity{FamilyName: "van Dyke"}},
		{"endless name", `"name":"` + strings.Repeat("x", sdk.MaxAttribute+1) + `"`, "name", sdk.Identity{Name: strings.Repeat("x", sdk.MaxAttribute)}},
		{"auth_time is a string", `"auth_time":"1700000000"`, `claim "auth_time" is a string`, sdk.Identity{}},
		{"endless amr", `"amr":["` + strings.Repeat(`a","`, sdk.MaxAMR) + `a"]`, `claim "amr" has 65 values`, sdk.Identity{}},
		{"one endless amr", `"amr":"` + strings.Repeat(`a`, sdk.MaxAttribute+1) + `"`, `claim "amr"`, sdk.Identity{}},
		{"email_verified is a string", `"email_verified":"true"`, `claim "email_verified" is a string, not a boolean`, sdk.Identity{}},
		{"email_verified is an object", `"email_verified":{}`, `claim "email_verified" is an object`, sdk.Identity{}},
		{"amr is an object", `"amr":{}`, `claim "amr" is an object`, sdk.Identity{}},
		{"one group with a tab", `"groups":["a","b\tc"]`, "group: 1 of 2", sdk.Identity{Groups: []string{"a"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := decode(t, `{"sub":"a",`+test.json+`}`)
			got, err := OpenID().Identity(o)
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Warnings) != 1 || !strings.Contains(got.Warnings[0], test.warning) || strings.Contains(got.Warnings[0], "Bcc") {
				t.Errorf("warnings %q, want one of %s", got.Warnings, test.warning)
			}
			test.want.Subject, test.want.Claims, got.Warnings = "a", o, nil
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func checkReason(t *testing.T, err error, want sdk.Reason) {
	t.Helper()
	if want == "" && err != nil {
		t.Errorf("unexpected error: %v", err)
	}
	if want != "" && (!errors.Is(err, sdk.ErrInvalidResponse) || sdk.ReasonOf(err) != want) {
		t.Errorf("error %v, want reason %s", err, want)
	}
}

func ExampleMapping_Identity() {
	object, err := Decode([]byte(`{"sub":"248289761001","name":"Jane Doe","realm_access":{"roles":["editor"]}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	mapping := OpenID()
	mapping.Groups = "realm_access.roles"
	identity, err := mapping.Identity(object)
	fmt.Println(identity.Subject, identity.Groups, err)
	// Output: 248289761001 [editor] <nil>
}
