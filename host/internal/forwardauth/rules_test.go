package forwardauth_test

import (
	"strings"
	"testing"

	"github.com/doorward/doorward/host/internal/forwardauth"
	"github.com/doorward/doorward/host/internal/sso"
)

// The logic of a subject: any entry of a list, all lists, and one of the alternatives.
func TestSubjects(t *testing.T) {
	ann := forwardauth.Person{
		ID: "u-ann", Provider: "corp", Email: "ann@example.org", EmailVerifiedBy: "corp", Role: "r-1", RoleName: "Editor",
		Groups: sso.NewGroups([]string{"staff", "wiki writers"}),
	}
	type subject = forwardauth.Subject
	for name, tc := range map[string]struct {
		app     forwardauth.App
		missing string
	}{
		"everybody":                    {forwardauth.App{}, ""},
		"one of two groups":            {forwardauth.App{Subject: subject{Groups: []string{"admins", "staff"}}}, ""},
		"no group":                     {forwardauth.App{Subject: subject{Groups: []string{"admins"}}}, "groups"},
		"a part of a group's name":     {forwardauth.App{Subject: subject{Groups: []string{"wiki"}}}, "groups"},
		"a group in another case":      {forwardauth.App{Subject: subject{Groups: []string{"Staff"}}}, "groups"},
		"two groups as one":            {forwardauth.App{Subject: subject{Groups: []string{"staff\nwiki writers"}}}, "groups"},
		"the name of a role":           {forwardauth.App{Subject: subject{Roles: []string{"Editor"}}}, ""},
		"the ID of a role":             {forwardauth.App{Subject: subject{Roles: []string{"r-1"}}}, ""},
		"another role":                 {forwardauth.App{Subject: subject{Roles: []string{"Admin"}}}, "roles"},
		"all lists":                    {forwardauth.App{Subject: subject{Groups: []string{"staff"}, Roles: []string{"Editor"}, Providers: []string{"corp"}, Users: []string{"u-ann"}}}, ""},
		"all lists but one":            {forwardauth.App{Subject: subject{Groups: []string{"staff"}, Providers: []string{"other"}}}, "providers"},
		"two lists missing":            {forwardauth.App{Subject: subject{Groups: []string{"admins"}, Providers: []string{"other"}}}, "providers groups"},
		"an alternative":               {forwardauth.App{Allow: []subject{{Groups: []string{"admins"}}, {Users: []string{"u-ann"}}}}, ""},
		"no alternative":               {forwardauth.App{Allow: []subject{{Groups: []string{"admins"}}, {Users: []string{"u-bob"}}}}, "groups users"},
		"an alternative beside a list": {forwardauth.App{Subject: subject{Providers: []string{"other"}}, Allow: []subject{{Groups: []string{"staff"}}}}, "providers"},
		"an address":                   {forwardauth.App{EmailOf: []string{"corp"}, Subject: subject{Users: []string{"ANN@example.org"}}}, ""},
		"an address that counts not":   {forwardauth.App{Subject: subject{Users: []string{"ann@example.org"}}}, "users"},
	} {
		tc.app.Origin, tc.app.Prefix = origin("https://a.test"), "/"
		request, err := forwardauth.RequestTo("GET", "https://a.test/x")
		if err != nil {
			t.Fatal(err)
		}
		d := forwardauth.NewRules([]forwardauth.App{tc.app}).Decide(&request, &ann)
		var missing []string
		for _, lack := range d.Missing {
			missing = append(missing, lack.What)
		}
		if got := strings.Join(missing, " "); got != tc.missing || (d.Verdict == forwardauth.Admitted) != (tc.missing == "") {
			t.Errorf("%s: %s, missing %q, want %q", name, d.Verdict, got, tc.missing)
		}
		if d := forwardauth.NewRules([]forwardauth.App{tc.app}).Decide(&request, nil); d.Verdict != forwardauth.SignIn {
			t.Errorf("%s, nobody: %s", name, d.Verdict)
		}
		nobody := forwardauth.Person{}
		if d := forwardauth.NewRules([]forwardauth.App{tc.app}).Decide(&request, &nobody); name != "everybody" && d.Verdict.Pass() {
			t.Errorf("%s, somebody without anything: %s", name, d.Verdict)
		}
	}
}

// Case does not matter in an address, but other letters that fold into ASCII do: the
// Kelvin sign is not a k, and a long s is not an s.
func TestAddressesThatLookAlike(t *testing.T) {
	app := forwardauth.App{EmailOf: []string{"corp"}, Subject: forwardauth.Subject{Users: []string{"sam@kite.example", "jürgen@kite.example"}}}
	for email, admitted := range map[string]bool{
		"sam@kite.example": true, "SAM@Kite.example": true, "jürgen@KITE.example": true,
		"\u017fam@kite.example": false, "sam@\u212aite.example": false, "JÜRGEN@kite.example": false, "sam@kite.example\x00": false,
	} {
		if got := len(app.Missing(&forwardauth.Person{Provider: "corp", AccountOf: "corp", Email: email})) == 0; got != admitted {
			t.Errorf("%q: admitted %v", email, got)
		}
	}
}

// A public path counts only for its own app, in whatever order they stand.
func TestPublicPathsOfNestedApps(t *testing.T) {
	outer := forwardauth.App{Name: "outer", Origin: origin("https://a.test"), Prefix: "/", Public: []forwardauth.PublicPath{{Path: "/assets/"}}}
	inner := forwardauth.App{Name: "inner", Origin: origin("https://a.test"), Prefix: "/assets/private/", Public: []forwardauth.PublicPath{{Path: "/assets/private/logo", Methods: []string{"GET", "POST"}}}}
	for _, list := range [][]forwardauth.App{{outer, inner}, {inner, outer}} {
		rules := forwardauth.NewRules(list)
		for asked, want := range map[string]string{
			"GET /assets/x": "outer public", "GET /x": "outer sign_in", "GET /assets/private/x": "inner sign_in", "GET /assets/private": "inner sign_in",
			"GET /assets/private/logo": "inner public", "POST /assets/private/logo": "inner public", "HEAD /assets/private/logo": "inner public",
			"PUT /assets/private/logo": "inner sign_in", "POST /assets/x": "outer sign_in", "GET /assets/Private/x": " ambiguous",
		} {
			method, path, _ := strings.Cut(asked, " ")
			request, err := forwardauth.RequestTo(method, "https://a.test"+path)
			if err != nil {
				t.Fatal(err)
			}
			d := rules.Decide(&request, nil)
			app := ""
			if d.App != nil {
				app = d.App.Name
			}
			if got := app + " " + d.Verdict.String(); got != want {
				t.Errorf("%s: %s, want %s", asked, got, want)
			}
		}
	}
	rules := forwardauth.NewRules([]forwardauth.App{outer, inner})
	if app := rules.AppOf("https://a.test/assets/private/x?y#z"); app == nil || app.Name != "inner" || rules.AppOf("https://b.test/") != nil || rules.AppOf("/x") != nil {
		t.Errorf("the app of a URL is %v", app)
	}
}

// Every public path decodes to what the rule says in every way in which servers decode:
// once, twice, with dot segments removed, with case and parameters ignored.
func FuzzPublicPath(f *testing.F) {
	for _, path := range []string{"/public/x", "/public/../x", "/public/%2e%2e/x", "/public/..;/x", `/public\..\x`, "/public//x", "/public/%252e%252e/x", "/public/a.b", "/%70ublic/x", "/public/\xff"} {
		f.Add(path)
	}
	rules := forwardauth.NewRules([]forwardauth.App{{Origin: origin("https://a.test"), Prefix: "/", Public: []forwardauth.PublicPath{{Path: "/public/"}}}})
	f.Fuzz(func(t *testing.T, path string) {
		request, err := forwardauth.RequestTo("GET", "https://a.test"+path)
		if err != nil || rules.Decide(&request, nil).Verdict != forwardauth.Public {
			return
		}
		for name, read := range readings(request.Target) {
			if !strings.HasPrefix(read, "/public/") {
				t.Errorf("%q is public, and %s reads %q", path, name, read)
			}
		}
	})
}
