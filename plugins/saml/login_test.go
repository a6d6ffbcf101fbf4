package main

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/plugins/saml/internal/validation"
	"github.com/doorward/doorward/plugins/saml/samltest"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/plugintest"
)

// TestStyles signs in with messages in the style of real identity providers, signed in each
// way.
func TestStyles(t *testing.T) {
	for _, style := range samltest.Styles {
		for _, signed := range []struct {
			name                string
			response, assertion bool
		}{{"assertion signed", false, true}, {"response signed", true, false}, {"both signed", true, true}} {
			t.Run(style.Name+", "+signed.name, func(t *testing.T) {
				r := openRig(t, samltest.Config{Style: style}, nil)
				identity, err := r.login(func(d *samltest.Draft) { d.SignResponse, d.SignAssertion = signed.response, signed.assertion })
				if err != nil {
					t.Fatal(err)
				}
				if identity.Subject != "alice-0001" || identity.Username != "alice" || identity.GivenName != "Alice & Co" || identity.FamilyName != "Liddell <3" {
					t.Errorf("%+v", identity)
				}
			})
		}
	}
}

func TestIdentity(t *testing.T) {
	r := openRig(t, samltest.Config{Style: samltest.Styles[0]}, nil)
	got, err := r.login(func(d *samltest.Draft) { d.Assertion.ID = "_the-assertion" })
	if err != nil {
		t.Fatal(err)
	}
	now := r.clock.Now()
	want := sdk.Identity{
		Subject: "alice-0001", Username: "alice", Email: "alice@example.org", GivenName: "Alice & Co", FamilyName: "Liddell <3",
		Groups: []string{"editors", "admins"}, AuthTime: now, ACR: samltest.PasswordClass,
		Claims: map[string]any{
			"uid": "alice", "mail": "alice@example.org", "urn:oid:2.5.4.42": "Alice & Co", "sn": "Liddell <3",
			"groups": []any{"editors", "admins"},
		},
		Grant:     []byte(`{"id":{"v":"alice-0001","f":"` + samltest.Persistent + `"},"i":"session-of-alice-0001"}`),
		SessionID: "session-of-alice-0001", ExpiresAt: now.Add(8 * time.Hour),
		OnceID: "_the-assertion", OnceUntil: now.Add(validation.MaxAge + 3*time.Minute),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAttributes(t *testing.T) {
	user := samltest.User{NameID: "bob", Attributes: []samltest.Attribute{
		{Name: "urn:x:id", Values: []string{"4711"}},
		{Name: "urn:x:name", Friendly: "shown", Values: []string{"Bob"}},
		{Name: "role", Values: []string{"a; b"}},
		{Name: "role", Values: []string{"c"}},
		{Name: "urn:x:other", Friendly: "role-of-friends", Values: []string{"root"}},
	}}
	r := openRig(t, samltest.Config{}, map[string]any{
		"identifier_key": "urn:x:id", "name_key": "shown", "groups_key": "role", "groups_delimiter": ";", "email_key": "shown",
	})
	got, err := r.loginAs(user, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got.Subject != "4711" || got.LogoutSubject != "bob" || got.Name != "Bob" || got.Email != "" {
		t.Errorf("%+v", got)
	}
	if !slices.Equal(got.Groups, []string{"a", "b", "c"}) {
		t.Errorf("groups %q", got.Groups)
	}
	friendly := openRig(t, samltest.Config{}, map[string]any{"groups_key": "role-of-friends"})
	if got, err := friendly.loginAs(user, nil); err != nil || got.Groups != nil {
		t.Errorf("groups by a friendly name: %q, %v", got.Groups, err)
	}
}

// TestH35_ManyGroups has more elements than common libraries can verify.
func TestH35_ManyGroups(t *testing.T) {
	var groups []string
	for i := range 2500 {
		groups = append(groups, "group-of-people-"+strconv.Itoa(i))
	}
	user := samltest.User{NameID: "bob", Attributes: []samltest.Attribute{{Name: "groups", Values: groups}}}
	for _, style := range []samltest.Style{samltest.Styles[0], samltest.Styles[1], samltest.Styles[5]} {
		r := openRig(t, samltest.Config{Style: style}, nil)
		got, err := r.loginAs(user, nil)
		if err != nil || !slices.Equal(got.Groups, groups) {
			t.Errorf("%s: %d groups, %v", style.Name, len(got.Groups), err)
		}
		got, err = r.loginAs(user, func(d *samltest.Draft) { d.SignResponse = true })
		if err != nil || len(got.Groups) != len(groups) {
			t.Errorf("%s: %d groups in a signed response, %v", style.Name, len(got.Groups), err)
		}
	}
	r := openRig(t, samltest.Config{}, nil)
	user.Attributes[0].Values = []string{strings.Repeat("x", 2000), "staff"} // no rule can name the first
	if got, err := r.loginAs(user, nil); err != nil || !slices.Equal(got.Groups, []string{"staff"}) {
		t.Errorf("a group that is too long: %q, %v", got.Groups, err)
	}
}

func TestD09_Identifiers(t *testing.T) {
	r := openRig(t, samltest.Config{}, nil)
	_, err := r.loginAs(samltest.User{NameID: "x", Format: samltest.Transient}, nil)
	plugintest.Refused(t, err, sdk.ErrMisconfigured, reasonTransient)

	subject := func(change func(*samltest.AssertionDraft)) string {
		t.Helper()
		got, err := r.login(func(d *samltest.Draft) { change(d.Assertion) })
		if err != nil {
			t.Fatal(err)
		}
		return got.Subject
	}
	plain := subject(func(*samltest.AssertionDraft) {})
	own := subject(func(a *samltest.AssertionDraft) { a.NameQualifier, a.SPNameQualifier = r.idp.EntityID(), usURL })
	other := subject(func(a *samltest.AssertionDraft) { a.NameQualifier = "https://other.example" })
	affiliation := subject(func(a *samltest.AssertionDraft) { a.SPNameQualifier = "https://other.example" })
	if plain != own || plain == other || plain == affiliation || other == affiliation {
		t.Errorf("subjects %q %q %q %q", plain, own, other, affiliation)
	}

	for value, format := range map[string]string{
		url.QueryEscape("https://other.example") + "!!alice-0001": samltest.Persistent, "a!b!c": samltest.Email, "!!": "", "x!y!z!": samltest.Persistent,
	} {
		_, err := r.login(func(d *samltest.Draft) { d.Assertion.NameID, d.Assertion.NameIDFormat = value, format })
		refused(t, err, validation.ReasonSubject)
	}
	if got := subject(func(a *samltest.AssertionDraft) { a.NameID = "a!b" }); got != "a!b" {
		t.Errorf("one exclamation mark: %q", got)
	}
	if got := subject(func(a *samltest.AssertionDraft) { a.NameID, a.NameQualifier = "a!b!c", "urn:q" }); got != "urn%3Aq!!a!b!c" {
		t.Errorf("with a qualifier: %q", got)
	}

	byAttribute := openRig(t, samltest.Config{}, map[string]any{"identifier_key": "uid"})
	got, err := byAttribute.login(func(d *samltest.Draft) { d.Assertion.NameIDFormat = samltest.Transient })
	if err != nil || got.Subject != "alice" || got.LogoutSubject != "alice-0001" {
		t.Errorf("%q %q %v", got.Subject, got.LogoutSubject, err)
	}
	_, err = byAttribute.loginAs(samltest.User{NameID: "x"}, nil)
	refused(t, err, reasonIdentifier)
	_, err = byAttribute.loginAs(samltest.User{NameID: "x", Attributes: []samltest.Attribute{{Name: "uid", Values: []string{"a", "b"}}}}, nil)
	refused(t, err, reasonIdentifier)
}

// TestNameIDFormat: if a format is requested, nobody becomes another user by asking for
// another format.
func TestNameIDFormat(t *testing.T) {
	sp := `<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="urn:directus"><SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">` +
		`<NameIDFormat>` + samltest.Email + `</NameIDFormat><NameIDFormat>` + samltest.Persistent + `</NameIDFormat></SPSSODescriptor></EntityDescriptor>`
	const unspecified = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"
	for _, test := range []struct {
		values    map[string]any
		good, bad []string
	}{
		{map[string]any{"name_id_format": "persistent"}, []string{samltest.Persistent}, []string{samltest.Email, unspecified, "", "urn:x"}},
		{map[string]any{"name_id_format": "EMAILaddress"}, []string{samltest.Email}, []string{samltest.Persistent}},
		{map[string]any{"name_id_format": "Persistent"}, []string{samltest.Persistent}, []string{samltest.Email}},
		{map[string]any{"name_id_format": "email"}, []string{samltest.Email}, []string{samltest.Persistent, samltest.Email + " ", ""}},
		{map[string]any{"name_id_format": "urn:x"}, []string{"urn:x"}, []string{samltest.Persistent, "urn:X"}},
		{map[string]any{"sp_metadata": sp}, []string{samltest.Email}, []string{samltest.Persistent, ""}},
		{map[string]any{"sp_metadata": sp, "name_id_format": "persistent"}, []string{samltest.Persistent}, []string{samltest.Email}},
		{map[string]any{"name_id_format": "unspecified"}, []string{samltest.Persistent, samltest.Email, unspecified, ""}, nil},
		{nil, []string{samltest.Persistent, samltest.Email, unspecified, "", "urn:x"}, nil},
		// The NameID does not matter if an attribute identifies the user.
		{map[string]any{"name_id_format": "persistent", "identifier_key": "uid"}, []string{samltest.Persistent, samltest.Email, samltest.Transient}, nil},
	} {
		r := openRig(t, samltest.Config{}, test.values)
		login := func(format string) (sdk.Identity, error) {
			return r.login(func(d *samltest.Draft) {
				d.Assertion.NameIDFormat = format
				d.Assertion.Audiences[0] = append(d.Assertion.Audiences[0], "urn:directus")
			})
		}
		for _, format := range test.good {
			got, err := login(format)
			want := "alice-0001"
			if test.values["identifier_key"] != nil {
				want = "alice"
			}
			if err != nil || got.Subject != want {
				t.Errorf("%v, %q: %q %v", test.values, format, got.Subject, err)
			}
		}
		for _, format := range test.bad {
			_, err := login(format)
			refused(t, err, reasonNameIDFormat)
			if err != nil && !strings.Contains(err.Error(), "name_id_format") {
				t.Errorf("the option is not named: %v", err)
			}
		}
	}
}
