package page_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"github.com/doorward/doorward/host/internal/web/page"
)

// forms returns what each form of a page posts, and its button.
func forms(root *html.Node) (list []string) {
	for _, form := range all(root, "form") {
		text := attribute(form, "action") + "?"
		for _, input := range all(form, "input") {
			text += attribute(input, "name") + "=" + attribute(input, "value") + "&"
		}
		list = append(list, text+" "+strings.TrimSpace(textOf(all(form, "button"))))
	}
	return list
}

func textOf(nodes []*html.Node) (all string) {
	for _, n := range nodes {
		all += text(n)
	}
	return all
}

func TestAccount(t *testing.T) {
	root := parse(t, samples["account"])
	got := text(one(t, root, "main"))
	for _, want := range []string{
		"You are signed in as Zoë Müller.", "zoe@example.org", "zmueller", "editor", "staff, <b>chiefs, and 3 more", "Firefox on Linux this browser",
		"from 2001:db8:85a3:8d3:1319:8a2e:370:7348 with Okta", "Last renewed 23 November 2026, 22:14 UTC", "An app, ", "more than this page can show",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in %q", want, got)
		}
	}
	want := []string{
		"/sso/account/end?session=2& Sign out", "/sso/account/end?session=3& Sign out", "/sso/account/end-others? Sign out everywhere else",
		"/sso/account/unlink?provider=okta&subject=u1& Unlink", `/sso/account/unlink?provider=google&subject="1& Unlink`, "/sso/account/unlink?provider=google&subject=2& Unlink",
		"/sso/account/link?provider=google& GLink another account at Google", "/sso/account/link?provider=new& NLink New", "/sso/auth/logout?mode=session& Sign out of this browser",
	}
	if diff := cmp.Diff(want, forms(root)); diff != "" {
		t.Error(diff)
	}
	for _, button := range all(root, "button") {
		if by := attribute(button, "aria-describedby"); (by != "") != (text(button) == "Sign out" || text(button) == "Unlink") {
			t.Errorf("the button %q is described by %q: there are several of one name", text(button), by)
		}
	}
	unknown := parse(t, samples["account, unknown"])
	if got := text(one(t, unknown, "main")); !strings.Contains(got, "You are not signed in anywhere else.") || len(all(unknown, "dt")) != 0 || len(all(unknown, "form")) != 1 {
		t.Errorf("shows what it does not know: %q", got)
	}
	if got := (page.Account{Email: "zoe@example.org"}).Person(); got != "zoe@example.org" {
		t.Errorf("person %q", got)
	}
}
