package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/doorward/doorward/host/internal/web"
)

// If a provider knows only PUBLIC_URL, its logins begin there. They return to where they
// came from if the browser is then signed in there, and otherwise to the same place at
// PUBLIC_URL.
func TestLoginOfADescribedProviderBeginsAtPUBLICURL(t *testing.T) {
	for _, tt := range []struct{ public, domain, asked, sentOn, lands string }{
		{urlC, "", "redirect=/app", urlA + "/auth/login/idp?moved=1&redirect=%2Fapp", "/app"},
		{urlC, "", "", urlA + "/auth/login/idp?moved=1", "/"},
		{urlC, "", "redirect=" + url.QueryEscape(urlC+"/app?x=1"), urlA + "/auth/login/idp?moved=1&redirect=%2Fapp%3Fx%3D1", "/app?x=1"},
		{urlC, "", "redirect=" + url.QueryEscape("https://app.example/welcome"), urlA + "/auth/login/idp?moved=1&redirect=https%3A%2F%2Fapp.example%2Fwelcome", "https://app.example/welcome"},
		{urlC, "", "mode=cookie&login_hint=ada&prompt=1&redirect=/app", urlA + "/auth/login/idp?login_hint=ada&mode=cookie&moved=1&prompt=consent&redirect=%2Fapp", "/app"},
		{urlC, "example.org", "redirect=/app", urlA + "/auth/login/idp?moved=1&redirect=" + url.QueryEscape(urlC+"/app"), urlC + "/app"},
		{urlC, "example.org", "redirect=" + url.QueryEscape(urlA+"/app"), urlA + "/auth/login/idp?moved=1&redirect=" + url.QueryEscape(urlA+"/app"), urlA + "/app"},
		{urlLocal, "example.org", "redirect=/app", urlA + "/auth/login/idp?moved=1&redirect=%2Fapp", "/app"},
		{"https://intern.example:8443", "", "redirect=/sso/account", urlA + "/auth/login/idp?mode=session&moved=1&redirect=%2Faccount", "/account"},
		{"https://intern.example:8443", "", "redirect=/ssoapp", urlA + "/auth/login/idp?moved=1&redirect=%2Fssoapp", "/ssoapp"},
	} {
		v := newSiteOfMany(t, func(c *web.Config) { c.SessionCookie.Domain = tt.domain }).visitor(t)
		sent := v.get(tt.public + "/auth/login/idp?" + tt.asked)
		if got := sent.Header.Get("Location"); sent.StatusCode != http.StatusFound || got != tt.sentOn || len(sent.Cookies()) > 0 {
			t.Errorf("%s %s: %s to\n%s, want\n%s", tt.public, tt.asked, sent.Status, got, tt.sentOn)
			continue
		}
		callback, state := v.begin("", sent.Header.Get("Location"))
		if callback != urlA+"/auth/login/idp/callback" {
			t.Errorf("back to %s", callback)
		}
		if done := v.get(back(callback, state)); done.Header.Get("Location") != tt.lands {
			t.Errorf("%s %s: %s lands on %q, want %q", tt.public, tt.asked, done.Status, done.Header.Get("Location"), tt.lands)
		}
		if strings.Contains(tt.asked, "mode=cookie") {
			continue
		}
		if at, want := v.status(tt.public), map[bool]int{true: 200, false: 401}[strings.HasPrefix(tt.lands, tt.public)]; at != want && tt.domain == "" {
			t.Errorf("%s %s: signed in there: %d", tt.public, tt.asked, at)
		}
	}
}

// A redirect that is not allowed is not sent on either.
func TestDescribedProviderElsewhereChecksTheRedirect(t *testing.T) {
	v := newSiteOfMany(t, nil).visitor(t)
	if a := v.get(urlC + "/auth/login/idp?redirect=" + url.QueryEscape("https://evil.example/")); a.StatusCode != http.StatusBadRequest {
		t.Errorf("%s to %q", a.Status, a.Header.Get("Location"))
	}
}

// A proxy that writes another Host would send the browser round in a loop.
func TestNoLoopWhereTheProxyWritesTheHost(t *testing.T) {
	s := newSiteOfMany(t, nil)
	v := s.visitor(t)
	sent := v.get(urlA+"/auth/login/idp", "Host", "localhost:8055")
	again := v.get(sent.Header.Get("Location"), "Host", "localhost:8055", "Accept", acceptHTML)
	if again.StatusCode != http.StatusServiceUnavailable || again.Header.Get("Location") != "" {
		t.Errorf("%s to %q", again.Status, again.Header.Get("Location"))
	}
	if log := s.log.String(); !strings.Contains(log, "configure the proxy to pass on the Host header") {
		t.Errorf("the operator is not warned: %s", log)
	}
}

// The provider would send the browser back to PUBLIC_URL, which does not know the logout:
// so people are told that they are signed out only here.
func TestSignOutOfADescribedProviderElsewhere(t *testing.T) {
	v := newSiteOfMany(t, func(c *web.Config) { c.SessionCookie.Domain = "example.org" }).visitor(t)
	v.signIn(urlA, "/auth/login/idp")
	if out := v.post(urlA+"/auth/logout", url.Values{"mode": {"session"}}, "Accept", acceptHTML, "Origin", urlA); !strings.HasPrefix(out.Header.Get("Location"), idp+"/logout?") {
		t.Errorf("at PUBLIC_URL: %s to %q", out.Status, out.Header.Get("Location"))
	}
	v.signIn(urlA, "/auth/login/idp")
	out := v.post(urlC+"/auth/logout", url.Values{"mode": {"session"}}, "Accept", acceptHTML, "Origin", urlC)
	if out.Header.Get("Location") != "/login?signed_out=partial" || v.status(urlA) != http.StatusUnauthorized {
		t.Errorf("%s to %q, and at A %d", out.Status, out.Header.Get("Location"), v.status(urlA))
	}
}

// A program is told that it needs a browser, as at PUBLIC_URL.
func TestDirectLoginElsewhere(t *testing.T) {
	v := newSiteOfMany(t, nil).visitor(t)
	for _, provider := range []string{"idp", "op"} {
		a := v.ask(http.MethodPost, urlC+"/auth/login/"+provider, `{"identifier":"ada","password":"x"}`, "Content-Type", "application/json")
		if reason, _ := extensionsOf(t, a)["reason"].(string); a.StatusCode != http.StatusBadRequest || !strings.Contains(reason, "open /auth/login/"+provider) {
			t.Errorf("%s: %s %s", provider, a.Status, a.body)
		}
	}
	a := v.ask(http.MethodPost, "https://intern.example:8443/auth/login/dir", `{"identifier":"ada","password":"right"}`, "Content-Type", "application/json")
	if a.StatusCode != http.StatusOK {
		t.Errorf("a directory: %s %s", a.Status, a.body)
	}
}

// A prompt is shown and answered at the URL where it began.
func TestPromptAtEachPublicURL(t *testing.T) {
	for _, public := range []string{urlA, urlC, urlLocal} {
		v := newSiteOfMany(t, nil).visitor(t)
		page := v.get(public+"/auth/login/dir?redirect=/app", "Accept", acceptHTML).body
		state := between(t, page, `name="state" value="`, `"`)
		form := url.Values{"state": {state}, "doorward_reposted": {"1"}, "username": {"ada"}, "password": {"right"}}
		if a := v.post(public+"/auth/login/dir/callback", form, "Origin", public); a.Header.Get("Location") != "/app" || v.status(public) != http.StatusOK {
			t.Errorf("%s: %s to %q %s", public, a.Status, a.Header.Get("Location"), a.body)
		}
	}
	v := newSiteOfMany(t, nil).visitor(t)
	if page := v.get("https://intern.example:8443/auth/login/dir", "Accept", acceptHTML).body; !strings.Contains(page, `action="/sso/auth/login/dir/callback"`) {
		t.Errorf("the form of a prompt below a path: %s", page)
	}
}

func between(t *testing.T, text, before, after string) string {
	t.Helper()
	_, rest, ok := strings.Cut(text, before)
	found, _, ok2 := strings.Cut(rest, after)
	if !ok || !ok2 {
		t.Fatalf("no %s in %s", before, text)
	}
	return found
}

// A response that is posted from the provider's site is posted again where it arrived.
func TestFormPostElsewhere(t *testing.T) {
	v := newSiteOfMany(t, nil).visitor(t)
	_, state := v.begin(urlC, "/auth/login/op?redirect=/app")
	form := url.Values{"code": {"ada"}, "state": {state}}
	other := postedFromElsewhere(t, v, urlC+"/auth/login/op/callback", form)
	if action := between(t, other.body, `action="`, `"`); action != "/auth/login/op/callback" {
		t.Errorf("posted again to %q", action)
	}
	below := postedFromElsewhere(t, v, "https://intern.example:8443/auth/login/op/callback", form)
	if action := between(t, below.body, `action="`, `"`); action != "/sso/auth/login/op/callback" {
		t.Errorf("below a path posted again to %q", action)
	}
	form.Set("doorward_reposted", "1")
	if a := v.post(urlA+"/auth/login/op/callback", form, "Origin", urlA); a.StatusCode != http.StatusUnauthorized {
		t.Errorf("at another: %s", a.Status)
	}
	if a := v.post(urlC+"/auth/login/op/callback", form, "Origin", urlC); a.Header.Get("Location") != "/app" {
		t.Errorf("where it began: %s to %q", a.Status, a.Header.Get("Location"))
	}
}

// postedFromElsewhere posts a form as a browser does that comes from another site: without
// Lax cookies.
func postedFromElsewhere(t *testing.T, v *visitor, target string, form url.Values) answer {
	t.Helper()
	bare := &visitor{t, &http.Client{Transport: v.http.Transport}}
	return bare.post(target, form, "Origin", "https://idp.example", "Accept", acceptHTML)
}

func TestLinkingElsewhere(t *testing.T) {
	v := newSiteOfMany(t, nil).visitor(t)
	v.signIn(urlC, "/auth/login/op")
	link := func(provider string) answer {
		return v.post(urlC+"/account/link", url.Values{"provider": {provider}}, "Origin", urlC, "Accept", acceptHTML)
	}
	if a := link("idp"); a.StatusCode != http.StatusConflict || !strings.Contains(a.body, `href="`+urlA+`/account"`) {
		t.Errorf("a described provider: %s %s", a.Status, a.body)
	}
	a := link("op")
	target, err := url.Parse(a.Header.Get("Location"))
	if err != nil || target.Query().Get("redirect_uri") != urlC+"/auth/login/op/callback" {
		t.Fatalf("%s to %q", a.Status, target)
	}
	done := v.get(urlC + "/auth/login/op/callback?" + url.Values{"code": {"other"}, "state": {target.Query().Get("state")}}.Encode())
	if done.Header.Get("Location") != "/account#links" {
		t.Errorf("linked: %s to %q %s", done.Status, done.Header.Get("Location"), done.body)
	}
}

// An invitation link leads to PUBLIC_URL. It also works at another public URL, and leads to
// PUBLIC_URL if the provider knows no other.
func TestInvitationElsewhere(t *testing.T) {
	s := newSiteOfMany(t, nil)
	token := s.invite(t, "one")
	v := s.visitor(t)
	accept := func(provider string) string {
		a := v.post(urlC+"/invitation", url.Values{"token": {token}, "provider": {provider}}, "Origin", urlC, "Accept", acceptHTML)
		return a.Header.Get("Location")
	}
	if got := accept("idp"); got != urlA+"/invitation?token="+token {
		t.Errorf("a described provider: to %q", got)
	}
	target, err := url.Parse(accept("op"))
	if err != nil {
		t.Fatal(err)
	}
	done := v.get(back(urlC+"/auth/login/op/callback", target.Query().Get("state")))
	if done.Header.Get("Location") != "/" || v.status(urlC) != http.StatusOK {
		t.Errorf("%s to %q %s", done.Status, done.Header.Get("Location"), done.body)
	}
}
