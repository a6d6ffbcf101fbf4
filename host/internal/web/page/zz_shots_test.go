package page

import (
	"os"
	"testing"
	"time"

	"github.com/doorward/doorward/sdk"
)

func TestZZShots(t *testing.T) {
	dir := "/tmp/rw/site/"
	os.MkdirAll(dir+"assets", 0o755)
	p, err := New("")
	if err != nil {
		t.Fatal(err)
	}
	for n, a := range p.assets {
		os.WriteFile(dir+"assets/"+n, a.content, 0o644)
	}
	w := func(name string, v Page) {
		f, _ := os.Create(dir + name + ".html")
		if err := p.Render(f, v); err != nil {
			t.Fatal(name, err)
		}
		f.Close()
	}
	up := []sdk.FieldKind{sdk.FieldUsername, sdk.FieldPassword}
	_ = up
	fields := []Field{{Name: "username", Kind: sdk.FieldUsername}, {Name: "password", Kind: sdk.FieldPassword}}
	w("signin", SignIn{Providers: []Provider{
		{Label: "Company account", Icon: "business", URL: "/auth/login/a"},
		{Label: "Google", Icon: "google", URL: "/b"},
		{Label: "University of Applied Sciences and Arts, Western campus", Icon: "school", URL: "/b"},
		{Label: "Staff directory", Icon: "directory", URL: "/b", Unavailable: true},
		{Label: "GitHub", Icon: "github", URL: "/b"},
	}})
	var all []Provider
	for n := range icons {
		all = append(all, Provider{Label: n, Icon: n, URL: "/x"})
	}
	for _, n := range []string{"Okta", "GitHub", "GitLab", "Keycloak", "Entra ID", "Zitadel", "Ärzte", "日本"} {
		all = append(all, Provider{Label: n, URL: "/x"})
	}
	w("icons", SignIn{Providers: all})
	w("signedout", SignIn{SignedOut: true, Providers: []Provider{{Label: "Company account", Icon: "key", URL: "/auth/login/a"}}})
	w("empty", SignIn{})
	w("prompt", Prompt{Provider: "Staff directory", Action: "/x", State: "s", Fields: fields})
	w("promptbad", Prompt{Provider: "Staff directory", Action: "/x", State: "s", Fields: fields, Message: MessageBadCredentials})
	w("code", Prompt{Provider: "Staff directory", Action: "/x", State: "s", Fields: []Field{{Name: "otp", Kind: sdk.FieldOneTimeCode}}})
	w("newpassword", Prompt{Provider: "Staff directory", Action: "/x", State: "s", Message: MessagePasswordExpired, Fields: []Field{{Name: "new", Kind: sdk.FieldNewPassword}, {Name: "again", Kind: sdk.FieldNewPassword, Label: "New password, again"}, {Name: "hint", Kind: sdk.FieldText, Optional: true, Label: "A hint for yourself"}}})
	w("submit", Submit{Provider: "Company account", Action: "/x", Fields: []HiddenField{{"SAMLResponse", "x"}}})
	w("failure", Failure{Message: MessageUnavailable, ID: "9f1c2a77b4e0d351", RetryURL: "/a", HomeURL: "/login"})
	w("cookie", Failure{Message: MessageNoCookie, ID: "9f1c2a77b4e0d351", HomeURL: "/login"})
	w("signedin", SignedIn{Name: "Zoë Müller", Email: "zoe.mueller@example.org", Role: "editor", Provider: "Company account", Since: time.Now(), Expires: time.Now().Add(24 * time.Hour), LogoutURL: "/auth/logout"})
	w("signedin2", SignedIn{LogoutURL: "/auth/logout"})
}
