package page_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/host/internal/web/page"
	"github.com/doorward/doorward/sdk"
)

func TestSignIn(t *testing.T) {
	root := parse(t, samples["sign in"])
	items := all(root, "li")
	if len(items) != 3 {
		t.Fatalf("%d providers, want 3", len(items))
	}
	for i, want := range []struct{ href, label string }{
		{"/sso/auth/login/company?redirect=%2Fa%3Fb%26c", "Company account"}, {"/sso/auth/login/google", "Google"},
	} {
		link := one(t, items[i], "a")
		if attribute(link, "href") != want.href || !strings.HasSuffix(text(link), want.label) {
			t.Errorf("link %q %q, want %+v", attribute(link, "href"), text(link), want)
		}
	}
	if len(all(items[2], "a")) != 0 || !strings.Contains(text(items[2]), "Staff directory"+"Not available at the moment") {
		t.Errorf("unavailable provider: %q", text(items[2]))
	}
	if strings.Contains(text(root), "signed out") {
		t.Error("says signed out without reason")
	}
	if got := text(parse(t, samples["sign in, just signed out"])); !strings.Contains(got, "You are signed out.") {
		t.Error("does not say signed out")
	}
}

func TestSignInTellsOperatorWhatToDo(t *testing.T) {
	got := text(one(t, parse(t, page.SignIn{}), "main"))
	for _, want := range []string{"No provider is configured", "AUTH_PROVIDERS"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in %q", want, got)
		}
	}
}

func TestPromptFields(t *testing.T) {
	tests := []struct {
		field page.Field
		label string
		want  map[string]string // attributes besides id and name
	}{
		{page.Field{Name: "employee_number", Kind: sdk.FieldText}, "Employee number", map[string]string{"type": "text", "required": ""}},
		{page.Field{Name: "x", Kind: sdk.FieldText, Label: "Hint", Optional: true}, "Hint (optional)", map[string]string{"type": "text"}},
		{page.Field{Name: "u", Kind: sdk.FieldUsername}, "User name", map[string]string{
			"type": "text", "autocomplete": "username", "autocapitalize": "none", "spellcheck": "false", "required": "",
		}},
		{page.Field{Name: "p", Kind: sdk.FieldPassword}, "Password", map[string]string{
			"type": "password", "autocomplete": "current-password", "required": "",
		}},
		{page.Field{Name: "n", Kind: sdk.FieldNewPassword}, "New password", map[string]string{
			"type": "password", "autocomplete": "new-password", "required": "",
		}},
		{page.Field{Name: "c", Kind: sdk.FieldOneTimeCode}, "One-time code", map[string]string{
			"type": "text", "autocomplete": "one-time-code", "inputmode": "numeric", "autocapitalize": "none", "spellcheck": "false", "required": "",
		}},
	}
	for _, tt := range tests {
		t.Run(string(tt.field.Kind), func(t *testing.T) {
			first := page.Field{Name: "first", Kind: sdk.FieldText}
			root := parse(t, page.Prompt{Action: "/x", Hidden: []page.HiddenField{{Name: "state", Value: "s"}}, Fields: []page.Field{first, tt.field}})
			input := visible(root)[1]
			got := map[string]string{}
			for _, a := range input.Attr {
				got[a.Key] = a.Val
			}
			if got["name"] != tt.field.Name {
				t.Errorf("name %q", got["name"])
			}
			delete(got, "id")
			delete(got, "name")
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			if label := text(all(root, "label")[1]); label != tt.label {
				t.Errorf("label %q, want %q", label, tt.label)
			}
		})
	}
}

func visible(root *html.Node) []*html.Node {
	var list []*html.Node
	for _, input := range all(root, "input") {
		if attribute(input, "type") != "hidden" {
			list = append(list, input)
		}
	}
	return list
}

func TestPromptHeading(t *testing.T) {
	tests := []struct {
		kinds           []sdk.FieldKind
		heading, button string
	}{
		{[]sdk.FieldKind{sdk.FieldUsername, sdk.FieldPassword}, "Sign in with Okta", "Sign in"},
		{[]sdk.FieldKind{sdk.FieldUsername, sdk.FieldPassword, sdk.FieldOneTimeCode}, "Sign in with Okta", "Sign in"},
		{[]sdk.FieldKind{sdk.FieldUsername}, "Sign in with Okta", "Continue"},
		{[]sdk.FieldKind{sdk.FieldOneTimeCode}, "Enter your code", "Continue"},
		{[]sdk.FieldKind{sdk.FieldPassword, sdk.FieldNewPassword}, "Choose a new password", "Continue"},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.kinds), func(t *testing.T) {
			v := page.Prompt{Provider: "Okta", Action: "/x", Hidden: []page.HiddenField{{Name: "state", Value: "s"}}}
			for i, kind := range tt.kinds {
				v.Fields = append(v.Fields, page.Field{Name: fmt.Sprint("f", i), Kind: kind})
			}
			root := parse(t, v)
			if got := text(one(t, root, "h1")); got != tt.heading {
				t.Errorf("heading %q, want %q", got, tt.heading)
			}
			if got := text(one(t, root, "button")); got != tt.button {
				t.Errorf("button %q, want %q", got, tt.button)
			}
		})
	}
}

func TestPromptForm(t *testing.T) {
	form := one(t, parse(t, samples["prompt"]), "form")
	hidden := all(form, "input")[0]
	if attribute(hidden, "type") != "hidden" || attribute(hidden, "name") != "state" || attribute(hidden, "value") != "abc" {
		t.Errorf("state is not carried: %v", hidden.Attr)
	}
	if got := attribute(form, "action"); got != "/sso/auth/login/staff/callback" {
		t.Errorf("action %q", got)
	}
}

func TestPromptTellsWhatWasWrong(t *testing.T) {
	for _, name := range []string{"prompt", "prompt, again"} {
		t.Run(name, func(t *testing.T) {
			root, again := parse(t, samples[name]), name == "prompt, again"
			fields := visible(root)
			if !has(fields[0], "autofocus") || has(fields[1], "autofocus") {
				t.Error("autofocus is not on the first field alone")
			}
			if got := attribute(fields[0], "aria-describedby") != ""; got != again {
				t.Errorf("first field described: %v, want %v", got, again)
			}
			var alerts []string
			for _, n := range all(root, "p") {
				if attribute(n, "role") == "alert" {
					alerts = append(alerts, text(n))
				}
			}
			if again != (len(alerts) == 1) || again && alerts[0] != page.MessageBadCredentials.What {
				t.Errorf("alerts %q", alerts)
			}
		})
	}
}

func TestSubmit(t *testing.T) {
	root := parse(t, samples["submit"])
	form := one(t, root, "form")
	if attribute(form, "id") != "submit" || attribute(form, "action") != "https://idp.example/sso?x=1&y=2" {
		t.Errorf("form %v", form.Attr)
	}
	var got []page.HiddenField
	for _, input := range all(form, "input") {
		got = append(got, page.HiddenField{Name: attribute(input, "name"), Value: attribute(input, "value")})
	}
	// An HTML parser turns CRLF into LF; a browser turns it back when it posts.
	want := []page.HiddenField{{Name: "SAMLResponse", Value: "PHg+\nPC94Pg=="}, {Name: "submit", Value: ""}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if text(one(t, form, "button")) != "Continue" {
		t.Error("no button for browsers without scripts")
	}
	one(t, root, "script")
}

func TestFailure(t *testing.T) {
	root := parse(t, samples["failure"])
	got := text(one(t, root, "main"))
	m := page.MessageUnavailable
	for _, want := range []string{m.Title, m.What, m.Next, "9f1c2a77b4e0d351"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in %q", want, got)
		}
	}
	var links []string
	for _, a := range all(root, "a") {
		links = append(links, attribute(a, "href"))
	}
	if diff := cmp.Diff([]string{"/sso/auth/login/staff", "/sso/login"}, links); diff != "" {
		t.Error(diff)
	}
	bare := parse(t, samples["failure, bare"])
	if len(all(bare, "a")) != 0 || strings.Contains(text(bare), "Reference") {
		t.Error("shows a link or reference that it does not have")
	}
}

func TestSignedIn(t *testing.T) {
	root := parse(t, samples["signed in"])
	got := text(one(t, root, "main"))
	for _, want := range []string{"Hello, Zoë Müller.", "zoe@example.org", "Okta", "editor", "23 November 2026, 21:14 UTC", "24 November 2026, 21:14 UTC"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in %q", want, got)
		}
	}
	form := one(t, root, "form")
	hidden := one(t, form, "input")
	if attribute(form, "action") != "/sso/auth/logout" || attribute(hidden, "name") != "mode" || attribute(hidden, "value") != "session" {
		t.Error("the form does not sign out")
	}
	if unknown := parse(t, samples["signed in, unknown"]); len(all(unknown, "dt")) != 0 || !strings.Contains(text(unknown), "Hello.") {
		t.Errorf("shows what it does not know: %q", text(one(t, unknown, "main")))
	}
	if got := text(parse(t, page.SignedIn{Email: "zoe@example.org", LogoutURL: "/x"})); !strings.Contains(got, "Hello, zoe@example.org.") {
		t.Error("does not fall back to the e-mail address")
	}
}

func TestRenderRefuses(t *testing.T) {
	tests := map[string]func(link string) page.Page{
		"sign in":        func(l string) page.Page { return page.SignIn{Providers: []page.Provider{{Label: "x", URL: l}}} },
		"prompt":         func(l string) page.Page { return page.Prompt{Action: l} },
		"submit":         func(l string) page.Page { return page.Submit{Action: l} },
		"failure, retry": func(l string) page.Page { return page.Failure{RetryURL: l} },
		"failure, home":  func(l string) page.Page { return page.Failure{HomeURL: l} },
		"signed in":      func(l string) page.Page { return page.SignedIn{LogoutURL: l} },
		"an unknown field": func(string) page.Page {
			return page.Prompt{Action: "/x", Fields: []page.Field{{Name: "x", Kind: "retina"}}}
		},
	}
	for name, make := range tests {
		for _, link := range []string{
			"javascript:alert(1)", "JaVaScRiPt:alert(1)", " javascript:alert(1)", "data:text/html,x", "vbscript:x", "//evil.example", `/\evil.example`, "/\t/evil.example",
			"mailto:a@b", "evil.example", "https:evil.example", "?x", "#x", "\x01https://x", "file:///etc/passwd",
		} {
			t.Run(name+" "+link, func(t *testing.T) {
				var b bytes.Buffer
				if err := newPages(t).Render(&b, make(link)); err == nil || b.Len() > 0 {
					t.Errorf("error %v, %d bytes written", err, b.Len())
				}
			})
		}
	}
}

func TestRenderAllowsCapitalsInScheme(t *testing.T) {
	form := one(t, parse(t, page.Submit{Action: "HTTPS://idp.example/sso"}), "form")
	if got := attribute(form, "action"); got != "HTTPS://idp.example/sso" {
		t.Errorf("action %q", got)
	}
}

type brokenWriter struct{}

var errBroken = errors.New("broken")

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

func TestRenderReturnsErrorOfWriter(t *testing.T) {
	if err := newPages(t).Render(brokenWriter{}, page.SignIn{}); !errors.Is(err, errBroken) {
		t.Errorf("error %v", err)
	}
}

func TestNewRefusesBase(t *testing.T) {
	for _, base := range []string{"sso", "//evil.example", `/\evil`, "javascript:alert(1)", "/a\n"} {
		if _, err := page.New(base); err == nil {
			t.Errorf("base %q is taken", base)
		}
	}
	for _, base := range []string{"", "/", "/sso", "/sso/", "/a/b"} {
		if _, err := page.New(base); err != nil {
			t.Errorf("base %q: %v", base, err)
		}
	}
}
