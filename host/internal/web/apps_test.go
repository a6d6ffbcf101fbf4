package web_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/web"
)

// scriptedApps are applications for which the test decides who is admitted.
type scriptedApps struct {
	places []string
	judged web.Judged
}

func (a *scriptedApps) Places() []string { return a.places }

func (a *scriptedApps) Judge(context.Context, string, sso.Principal) (web.Judged, error) {
	return a.judged, nil
}

const deepLink = "https://wiki.example/page?a=b&c=d%26e"

func newSiteWithApps(t *testing.T) *site {
	t.Helper()
	s := newSite(t, "")
	s.apps.places = []string{"https://wiki.example/"}
	return s
}

var toDeepLink = "redirect=" + url.QueryEscape(deepLink)

// page sends a request as a browser does.
func (b *browser) page(path string, header ...string) answer {
	b.t.Helper()
	return b.get(path, append([]string{"Accept", acceptHTML}, header...)...)
}

// A deep link leads back to exactly where the person was, with every provider, and in mode
// session, whatever the mode of the provider.
func TestDeepLinks(t *testing.T) {
	s := newSiteWithApps(t)
	for _, provider := range []string{"op", "cookie"} {
		b := s.browser(t)
		chooser := b.page("/login?" + toDeepLink)
		if want := "/auth/login/" + provider; !strings.Contains(chooser.body, want) {
			t.Fatalf("the page does not lead to %s: %s", provider, chooser.body)
		}
		state := b.begin("/auth/login/" + provider + "?" + toDeepLink)
		done := b.page("/auth/login/" + provider + "/callback?code=ada&state=" + state)
		if done.StatusCode != http.StatusFound || done.Header.Get("Location") != deepLink || done.cookie("directus_session_token") == nil {
			t.Errorf("%s: %s to %q with %v", provider, done.Status, done.Header.Get("Location"), done.Cookies())
		}
	}
	links := s.browser(t).page("/login?" + toDeepLink).body
	if strings.Count(links, url.QueryEscape(toDeepLink[len("redirect="):])) > 0 || !strings.Contains(links, "mode=session&amp;"+strings.ReplaceAll(toDeepLink, "&", "&amp;")) {
		t.Errorf("a provider of mode cookie is not asked for a session: %s", links)
	}
	if a := s.browser(t).page("/login?redirect=" + url.QueryEscape("https://evil.example/")); a.StatusCode != http.StatusBadRequest {
		t.Errorf("FA31 elsewhere: %s", a.Status)
	}
	if a := s.browser(t).page("/auth/login/op?redirect=" + url.QueryEscape("https://wiki.example.evil/")); a.StatusCode != http.StatusBadRequest {
		t.Errorf("FA31 a look-alike: %s", a.Status)
	}
	b := s.browser(t)
	long := b.begin("/auth/login/op?redirect=" + url.QueryEscape("https://wiki.example/"+strings.Repeat("a", 4000)))
	if done := b.page("/auth/login/op/callback?code=ada&state=" + long); done.Header.Get("Location") != "https://wiki.example/" {
		t.Errorf("FA33 a long one: to %q", done.Header.Get("Location"))
	}
	s.apps.places = nil
	if a := s.browser(t).page("/login?" + toDeepLink); a.StatusCode != http.StatusBadRequest {
		t.Errorf("an app that is gone: %s", a.Status)
	}
}

// People who are already signed in are not asked again, and are never redirected in a loop
// (FA36).
func TestSignedInAlreadyGoesBack(t *testing.T) {
	s := newSiteWithApps(t)
	b := s.browser(t)
	b.signIn("op", "ada")
	if a := b.page("/login?" + toDeepLink); a.StatusCode != http.StatusFound || a.Header.Get("Location") != deepLink {
		t.Fatalf("%s to %q", a.Status, a.Header.Get("Location"))
	}
	again := b.page("/login?" + toDeepLink)
	if again.StatusCode != http.StatusConflict || !strings.Contains(again.body, "The app does not see that you are signed in") || !strings.Contains(again.body, `href="https://wiki.example/page?`) {
		t.Errorf("FA36 at once again: %s %s", again.Status, again.body)
	}
	if !strings.Contains(s.log.String(), "SESSION_COOKIE_DOMAIN") || strings.Contains(s.log.String(), "c=d") {
		t.Errorf("the log: %s", s.log.String())
	}
	if a := b.page("/login?" + toDeepLink); a.StatusCode != http.StatusFound {
		t.Errorf("a try by hand: %s", a.Status)
	}
	if a := b.page("/login?again=1&" + toDeepLink); a.StatusCode != http.StatusOK || !strings.Contains(a.body, "Choose how") {
		t.Errorf("as another user: %s", a.Status)
	}
	if a := b.page("/login"); a.StatusCode != http.StatusOK {
		t.Errorf("without a target: %s", a.Status)
	}
	if a := s.browser(t).page("/login?" + toDeepLink); a.StatusCode != http.StatusOK {
		t.Errorf("FA36 without cookies: %s", a.Status)
	}
}

// A failed login says why, once, on our own page, which leads on to the same place.
func TestFailedLoginForAnApp(t *testing.T) {
	s := newSiteWithApps(t)
	b := s.browser(t)
	state := b.begin("/auth/login/op?" + toDeepLink)
	a := b.page("/auth/login/op/callback?state=" + state) // cancelled
	location, err := url.Parse(a.Header.Get("Location"))
	if err != nil || location.Path != "/login" || location.Query().Get("redirect") != deepLink || location.Query().Get("reason") != "INVALID_CREDENTIALS" {
		t.Fatalf("%s to %q", a.Status, a.Header.Get("Location"))
	}
	told := b.page(location.String())
	if told.StatusCode != http.StatusOK || !strings.Contains(told.body, `role="alert"`) || !strings.Contains(told.body, strings.ReplaceAll(toDeepLink, "&", "&amp;")) {
		t.Errorf("%s %s", told.Status, told.body)
	}
	if next := b.page("/login?" + toDeepLink); strings.Contains(next.body, `role="alert"`) {
		t.Errorf("the reason is shown again: %s", next.body)
	}
	b.signIn("op", "ada")
	if a := b.page(location.String()); a.StatusCode != http.StatusOK {
		t.Errorf("the message is lost for a signed-in user: %s", a.Status)
	}
	plain := s.browser(t)
	state = plain.begin("/auth/login/op?redirect=" + url.QueryEscape("https://app.example/welcome"))
	if a := plain.page("/auth/login/op/callback?state=" + state); a.Header.Get("Location") != "https://app.example/welcome?reason=INVALID_CREDENTIALS" {
		t.Errorf("a target that is not an app gets another answer than before: %q", a.Header.Get("Location"))
	}
}

// "Sign in another way" keeps the target.
func TestAnotherWayKeepsTheTarget(t *testing.T) {
	s := newSiteWithApps(t)
	prompt := s.browser(t).page("/auth/login/dir?" + toDeepLink)
	if want := `<a href="/login?` + strings.ReplaceAll(toDeepLink, "&", "&amp;") + `">Sign in another way`; !strings.Contains(prompt.body, want) {
		t.Errorf("no %s in %s", want, prompt.body)
	}
	if bare := s.browser(t).page("/auth/login/dir"); !strings.Contains(bare.body, `<a href="/login">Sign in another way`) {
		t.Errorf("without a target: %s", bare.body)
	}
}

func TestDeniedPage(t *testing.T) {
	s := newSiteWithApps(t)
	s.apps.judged = web.Judged{App: "wiki", Lacks: []web.Lack{{What: "groups", OneOf: []string{"admins"}}, {What: "users", OneOf: []string{"boss@example.org"}}, {What: "providers", OneOf: []string{"op"}}, {What: "name"}}}
	b := s.browser(t)
	if a := b.page("/denied?" + toDeepLink); a.Header.Get("Location") != "/login?"+toDeepLink {
		t.Errorf("nobody: %s to %q", a.Status, a.Header.Get("Location"))
	}
	b.signIn("op", "ada")
	a := b.page("/denied?" + toDeepLink)
	if a.StatusCode != http.StatusForbidden {
		t.Errorf("got %s", a.Status)
	}
	for _, want := range []string{"You do not have access to wiki", "as Ada &lt;b&gt;Lovelace", "<b>admins</b>", "<b>OP</b>", "can be passed to the app</li>", `href="/login?again=1&amp;redirect=`, "Sign out"} {
		if !strings.Contains(a.body, want) {
			t.Errorf("the page has no %s: %s", want, a.body)
		}
	}
	if strings.Contains(a.body, "boss@") {
		t.Error("the page names others")
	}
	s.apps.judged.Admitted = true
	if a := b.page("/denied?" + toDeepLink); a.StatusCode != http.StatusOK || !strings.Contains(a.body, "Continue") {
		t.Errorf("admitted by now: %s", a.Status)
	}
	for _, target := range []string{"https://evil.example/", "/", "", "javascript:alert(1)"} {
		if a := b.page("/denied?redirect=" + url.QueryEscape(target)); a.StatusCode != http.StatusBadRequest {
			t.Errorf("%q: %s", target, a.Status)
		}
	}
}

// The link of an application signs out after a button is pressed, or at once if a person
// has clicked the link there.
func TestSignOutLink(t *testing.T) {
	click := map[string]string{
		"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Sec-Fetch-User": "?1", "Referer": "https://wiki.example/page",
	}
	ask := func(t *testing.T, name, value, method string) (signedIn bool, a answer) {
		t.Helper()
		s := newSiteWithApps(t)
		b := s.browser(t)
		b.signIn("op", "ada")
		header := []string{"Accept", acceptHTML}
		for k, v := range click {
			if k == name {
				v = value
			}
			if v != "" {
				header = append(header, k, v)
			}
		}
		if click[name] == "" && name != "" {
			header = append(header, name, value)
		}
		a = b.do(method, "/logout?"+toDeepLink, nil, header...)
		return b.get("/users/me").StatusCode == http.StatusOK, a
	}
	if signedIn, a := ask(t, "", "", http.MethodGet); signedIn || a.Header.Get("Location") != deepLink || a.cookie("directus_session_token").MaxAge != -1 {
		t.Errorf("a click: signed in %v, %s to %q", signedIn, a.Status, a.Header.Get("Location"))
	}
	if signedIn, _ := ask(t, "", "", http.MethodHead); !signedIn {
		t.Error("HEAD signs out")
	}
	for name, value := range map[string]string{
		"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "iframe", "Sec-Fetch-User": "", "Referer": "https://other.example/page", "Sec-Purpose": "prefetch",
	} {
		signedIn, a := ask(t, name, value, http.MethodGet)
		if !signedIn || a.StatusCode != http.StatusOK || !strings.Contains(a.body, "Sign out?") {
			t.Errorf("%s: %s: signed in %v, %s", name, value, signedIn, a.Status)
		}
	}
	if signedIn, _ := ask(t, "Referer", "", http.MethodGet); !signedIn {
		t.Error("without a referrer it signs out")
	}

	s := newSiteWithApps(t)
	if a := s.browser(t).page("/logout"); a.Header.Get("Location") != "/login?signed_out" {
		t.Errorf("nobody: %s to %q", a.Status, a.Header.Get("Location"))
	}
	b := s.browser(t)
	b.signIn("op", "ada")
	form := b.page("/logout?" + toDeepLink)
	keeps := `name="redirect" value="` + strings.ReplaceAll(deepLink, "&", "&amp;") + `"`
	out := b.postForm("/auth/logout", url.Values{"mode": {"session"}, "redirect": {deepLink}}, "Accept", acceptHTML, "Sec-Fetch-Site", "same-origin")
	if out.StatusCode != http.StatusSeeOther || out.Header.Get("Location") != deepLink || b.get("/users/me").StatusCode != http.StatusUnauthorized || strings.Count(form.body, keeps) != 2 {
		t.Errorf("the button: %s to %q, by %s", out.Status, out.Header.Get("Location"), form.body)
	}
}

func TestSignOutEverywhere(t *testing.T) {
	s := newSiteWithApps(t)
	here, there, other := s.browser(t), s.browser(t), s.browser(t)
	here.signIn("op", "ada")
	there.signIn("op", "ada")
	other.signIn("op", "bob")
	if a := here.postForm("/auth/logout", url.Values{"mode": {"session"}, "everywhere": {"true"}}, "Accept", acceptHTML, "Sec-Fetch-Site", "cross-site"); a.StatusCode != http.StatusForbidden {
		t.Errorf("from another site: %s", a.Status)
	}
	here.postForm("/auth/logout", url.Values{"mode": {"session"}, "everywhere": {"true"}}, "Accept", acceptHTML, "Sec-Fetch-Site", "same-origin")
	for name, b := range map[string]*browser{"here": here, "there": there} {
		if a := b.get("/users/me"); a.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: %s", name, a.Status)
		}
	}
	if a := other.get("/users/me"); a.StatusCode != http.StatusOK {
		t.Errorf("another person: %s", a.Status)
	}
}

// FA51: clients of the main listener cannot ask what only a proxy is allowed to ask.
func TestFA51NotOnTheMainListener(t *testing.T) {
	s := newSiteWithApps(t)
	b := s.browser(t)
	b.signIn("op", "ada")
	for _, path := range []string{"/forward-auth", "/forward-auth/nginx", "/forward-auth/envoy/x"} {
		if a := b.get(path, "X-Original-URL", "https://wiki.example/", "X-Original-Method", "GET"); a.StatusCode != http.StatusNotFound || a.Header.Get("Remote-User") != "" {
			t.Errorf("%s: %s", path, a.Status)
		}
	}
}
