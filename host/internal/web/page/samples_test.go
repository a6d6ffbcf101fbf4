package page_test

import (
	"bytes"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/doorward/doorward/host/internal/web/page"
	"github.com/doorward/doorward/sdk"
)

const base = "/sso"

var moment = time.Date(2026, 11, 23, 22, 14, 5, 0, time.FixedZone("CET", 3600))

// samples are all pages in all their forms.
var samples = map[string]page.Page{
	"sign in": page.SignIn{Providers: []page.Provider{
		{Label: "Company account", Icon: "business", URL: "/sso/auth/login/company?redirect=%2Fa%3Fb%26c"},
		{Label: "Google", Icon: "google", URL: "/sso/auth/login/google"},
		{Label: "Staff directory", Icon: "directory", URL: "/sso/auth/login/staff", Unavailable: true},
	}},
	"sign in, just signed out": page.SignIn{SignedOut: true, Providers: []page.Provider{{Label: "Okta", URL: "/sso/auth/login/okta"}}},
	"sign in, nothing set up":  page.SignIn{},
	"prompt": page.Prompt{Provider: "Staff directory", Action: "/sso/auth/login/staff/callback", Hidden: []page.HiddenField{{Name: "state", Value: "abc"}}, Fields: []page.Field{
		{Name: "username", Kind: sdk.FieldUsername},
		{Name: "password", Kind: sdk.FieldPassword},
	}},
	"prompt, again": page.Prompt{
		Provider: "Staff directory", Action: "/sso/auth/login/staff/callback", Hidden: []page.HiddenField{{Name: "state", Value: "abc"}}, Message: page.MessageBadCredentials,
		Fields: []page.Field{{Name: "username", Kind: sdk.FieldUsername}, {Name: "password", Kind: sdk.FieldPassword}},
	},
	"prompt for everything": page.Prompt{Action: "/x", Hidden: []page.HiddenField{{Name: "state", Value: "abc"}}, Message: page.MessagePasswordExpired, Fields: []page.Field{
		{Name: "a", Kind: sdk.FieldText, Label: "Employee number", Optional: true},
		{Name: "b", Kind: sdk.FieldNewPassword},
		{Name: "c", Kind: sdk.FieldNewPassword, Label: "New password, again"},
		{Name: "d", Kind: sdk.FieldOneTimeCode},
	}},
	"submit": page.Submit{Provider: "Company account", Action: "https://idp.example/sso?x=1&y=2", Fields: []page.HiddenField{
		{Name: "SAMLResponse", Value: "PHg+\r\nPC94Pg=="},
		{Name: "submit", Value: ""},
	}},
	"submit, signing out":            page.Submit{Provider: "Company account", SigningOut: true, Action: "https://idp.example/slo", Fields: []page.HiddenField{{Name: "SAMLRequest", Value: "PHg+"}}},
	"signed out, but not everywhere": page.SignIn{SignedOut: true, Elsewhere: true, Providers: []page.Provider{{Label: "Okta", URL: "/sso/auth/login/okta"}}},
	"password expires":               page.PasswordExpires{At: moment, In: 70 * time.Hour, ContinueURL: "https://app.example/?a=1&b=2"},
	"failure":                        page.Failure{Message: page.MessageUnavailable, ID: "9f1c2a77b4e0d351", RetryURL: "/sso/auth/login/staff", HomeURL: "/sso/login"},
	"failure, bare":                  page.Failure{Message: page.MessageInternal},
	"signed in":                      page.SignedIn{Name: "Zoë Müller", Email: "zoe@example.org", Role: "editor", Provider: "Okta", Since: moment, Expires: moment.Add(24 * time.Hour), LogoutURL: "/sso/auth/logout"},
	"already signed in":              page.AlreadySignedIn{Name: "Zoë Müller", Email: "zoe@example.org", ContinueURL: "https://app.example/?a=1&b=2", AgainURL: "/sso/auth/login/okta?redirect=%2Fa"},
	"already signed in, unknown":     page.AlreadySignedIn{ContinueURL: "/sso/"},
	"denied": page.Denied{App: "wiki", Person: page.SignedIn{Name: "Zoë Müller", Provider: "Okta", LogoutURL: "/sso/auth/logout"}, Lacks: []page.Lack{
		{What: "groups", OneOf: []string{"admins", "<b>chiefs"}}, {What: "roles", OneOf: []string{"editor"}}, {What: "providers", OneOf: []string{"Okta"}}, {What: "users"},
	}, ContinueURL: "https://wiki.example/?a=1&b=2", AgainURL: "/sso/login?again=1&redirect=x"},
	"denied, unknown":       page.Denied{App: "wiki", Person: page.SignedIn{LogoutURL: "/sso/auth/logout"}, ContinueURL: "https://wiki.example/", AgainURL: "/sso/login"},
	"denied before":         page.Denied{App: "wiki", Admitted: true, Person: page.SignedIn{LogoutURL: "/sso/auth/logout"}, ContinueURL: "https://wiki.example/"},
	"sign out":              page.SignOut{Person: "Zoë Müller", LogoutURL: "/sso/auth/logout", Redirect: "https://wiki.example/?a=1&b=2", BackURL: "/sso/"},
	"sign out, unknown":     page.SignOut{LogoutURL: "/sso/auth/logout", BackURL: "/sso/"},
	"prompt, with a target": page.Prompt{Action: "/x", SignInURL: "/sso/login?redirect=https%3A%2F%2Fwiki.example%2F", Fields: []page.Field{{Name: "a", Kind: sdk.FieldText}}},
	"invitation": page.Invitation{Name: "Zoë <b>Müller", Email: "zoe@example.org", Action: "/sso/invitation", TokenField: page.HiddenField{Name: "token", Value: "abc"}, Providers: []page.Provider{
		{Name: "company", Label: "Company account", Icon: "business"}, {Name: "staff", Label: "Staff directory", Icon: "directory", Unavailable: true},
	}},
	"invitation of nobody": page.Invitation{Action: "/sso/invitation", TokenField: page.HiddenField{Name: "token", Value: "abc"}},
	"signed in, unknown":   page.SignedIn{LogoutURL: "/sso/auth/logout"},
	"account":              account,
	"account, unknown": page.Account{
		Sessions: []page.AccountSession{{ID: "a", Current: true, Device: "Unknown browser or app"}}, HomeURL: "/sso/", LogoutURL: "/sso/auth/logout",
	},
	"prompt that links": page.Prompt{Provider: "Staff directory", Action: "/x", BackURL: "/sso/account", Fields: []page.Field{{Name: "username", Kind: sdk.FieldUsername}}},
	"linking refused":   page.Failure{Message: page.MessageLinkTaken, ID: "9f1c2a77b4e0d351", BackURL: "/sso/account"},
	"sign in, refused": page.SignIn{
		Problem: page.MessageNotRegistered, ID: "9f1c2a77b4e0d351", Providers: []page.Provider{{Label: "Okta", URL: "/sso/auth/login/okta"}},
	},
}

// account has everything that there can be.
var account = page.Account{
	Name: "Zoë Müller", Email: "zoe@example.org", Username: "zmueller", Role: "editor", Groups: []string{"staff", "<b>chiefs"}, MoreGroups: 3,
	Sessions: []page.AccountSession{
		{ID: "1", Current: true, Device: "Firefox on Linux", Address: "192.0.2.7", Provider: "Okta", Since: moment, Refreshed: moment.Add(time.Hour), Expires: moment.Add(24 * time.Hour)},
		{ID: "2", Device: "Safari on iPhone", Address: "2001:db8:85a3:8d3:1319:8a2e:370:7348", Provider: "Okta", Since: moment, Expires: moment.Add(24 * time.Hour)},
		{ID: "3", Device: "backup-tool", Program: true, Since: moment},
	},
	MoreSessions: true, Others: true,
	Links: []page.AccountLink{
		{Label: "Okta", Provider: "okta", Subject: "u1", Removable: true, Current: true},
		{Label: "Google", Provider: "google", Subject: `"1`, ShownSubject: `"1`, Removable: true},
		{Label: "Google", Provider: "google", Subject: "2", ShownSubject: "2", Removable: true},
	},
	Linkable: []page.Linkable{
		{Provider: page.Provider{Name: "google", Label: "Google", Icon: "google"}, Again: true}, {Provider: page.Provider{Name: "staff", Label: "Staff directory", Icon: "directory", Unavailable: true}},
		{Provider: page.Provider{Name: "new", Label: "New"}},
	},
	HomeURL: "/sso/", LogoutURL: "/sso/auth/logout", EndURL: "/sso/account/end", EndOthersURL: "/sso/account/end-others", LinkURL: "/sso/account/link", UnlinkURL: "/sso/account/unlink",
}

func newPages(t testing.TB) *page.Pages {
	t.Helper()
	p, err := page.New(base)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func render(t testing.TB, v page.Page) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := newPages(t).Render(&b, v); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func parse(t testing.TB, v page.Page) *html.Node {
	t.Helper()
	root, err := html.Parse(bytes.NewReader(render(t, v)))
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// all returns the elements of that name, or all elements for "".
func all(root *html.Node, name string) []*html.Node {
	var list []*html.Node
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && (name == "" || n.Data == name) {
			list = append(list, n)
		}
	}
	return list
}

// one returns the only element of that name.
func one(t testing.TB, root *html.Node, name string) *html.Node {
	t.Helper()
	found := all(root, name)
	if len(found) != 1 {
		t.Fatalf("%d elements %s, want 1", len(found), name)
	}
	return found[0]
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, name string) bool {
	for _, a := range n.Attr {
		if a.Key == name {
			return true
		}
	}
	return false
}

func text(n *html.Node) string {
	var b bytes.Buffer
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return b.String()
}
