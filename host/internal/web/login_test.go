package web_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	hclog "github.com/hashicorp/go-hclog"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
)

func TestLoginInEachMode(t *testing.T) {
	s := newSite(t, "")
	t.Run("session", func(t *testing.T) {
		b := s.browser(t)
		a := b.signIn("op", "ada")
		if a.StatusCode != http.StatusFound || a.Header.Get("Location") != "/" {
			t.Fatalf("callback: %s to %q: %s", a.Status, a.Header.Get("Location"), a.body)
		}
		me := b.get("/users/me").data(t)
		if me["provider"] != "op" || me["external_identifier"] != "ada" || me["email"] != "ada@example.org" || me["role"] != nil {
			t.Errorf("me: %v", me)
		}
		refreshed := b.postJSON("/auth/refresh", map[string]string{"mode": "session"})
		if diff := cmp.Diff(map[string]any{"expires": 86400000.0}, refreshed.data(t)); diff != "" {
			t.Errorf("refresh: %s", diff)
		}
		if refreshed.cookie("directus_session_token") == nil {
			t.Error("refresh sets no cookie")
		}
	})
	t.Run("cookie", func(t *testing.T) {
		b := s.browser(t)
		a := b.signIn("cookie", "ada")
		if a.StatusCode != http.StatusFound || a.cookie("directus_refresh_token") == nil || a.cookie("directus_session_token") != nil {
			t.Fatalf("callback: %s with %v", a.Status, a.Cookies())
		}
		tokens := b.postJSON("/auth/refresh", nil).data(t)
		if tokens["expires"] != 900000.0 || tokens["refresh_token"] != nil {
			t.Errorf("refresh: %v", tokens)
		}
		me := b.get("/users/me", "Authorization", "Bearer "+tokens["access_token"].(string)).data(t)
		if me["external_identifier"] != "ada" {
			t.Errorf("me: %v", me)
		}
	})
	t.Run("json", func(t *testing.T) {
		b := s.browser(t)
		state := b.begin("/auth/login/op?mode=json")
		a := b.get("/auth/login/op/callback?code=ada&state=" + state)
		tokens := a.data(t)
		if tokens["access_token"] == nil || tokens["refresh_token"] == nil || tokens["expires"] != 900000.0 {
			t.Fatalf("callback: %v", tokens)
		}
		if a.cookie("directus_refresh_token") != nil || a.cookie("directus_session_token") != nil {
			t.Errorf("json sets cookies: %v", a.Cookies())
		}
		next := b.postJSON("/auth/refresh", map[string]any{"refresh_token": tokens["refresh_token"]}).data(t)
		if next["refresh_token"] == tokens["refresh_token"] || next["access_token"] == nil {
			t.Errorf("refresh: %v", next)
		}
	})
	t.Run("json with redirect answers as Directus does", func(t *testing.T) {
		b := s.browser(t)
		state := b.begin("/auth/login/op?mode=json&redirect=/app")
		a := b.get("/auth/login/op/callback?code=ada&state=" + state)
		if a.StatusCode != http.StatusFound || a.Header.Get("Location") != "/app" || a.cookie("directus_refresh_token") == nil {
			t.Errorf("callback: %s to %q with %v", a.Status, a.Header.Get("Location"), a.Cookies())
		}
	})
}

func TestRedirectAfterLogin(t *testing.T) {
	s := newSite(t, "")
	b := s.browser(t)
	state := b.begin("/auth/login/op?redirect=" + url.QueryEscape("https://app.example/welcome?x=1#y"))
	a := b.get("/auth/login/op/callback?code=ada&state=" + state + "&redirect=https://evil.example/")
	if got := a.Header.Get("Location"); got != "https://app.example/welcome?x=1#y" {
		t.Errorf("B10: redirected to %q", got)
	}
	refused := b.get("/auth/login/op?redirect=//evil.example")
	if got := extensionsOf(t, refused)["reason"]; got != "redirect is not allowed" {
		t.Errorf("reason %q", got)
	}
	if refused.StatusCode != http.StatusBadRequest || refused.code(t) != "INVALID_PAYLOAD" || len(refused.Cookies()) > 0 {
		t.Errorf("B01: %s %s", refused.Status, refused.body)
	}
}

// After a cancel our own page says that the person cancelled, and not that the provider
// refused. Another page gets the documented code.
func TestCancelledLogin(t *testing.T) {
	b := newSite(t, "").browser(t)
	for redirect, want := range map[string]string{
		"/":      "/?reason=INVALID_CREDENTIALS&detail=cancelled",
		"/login": "/?reason=INVALID_CREDENTIALS&detail=cancelled", // which leads to our home
		"/app":   "/app?reason=INVALID_CREDENTIALS",
	} {
		state := b.begin("/auth/login/op?redirect=" + redirect)
		a := b.get("/auth/login/op/callback?state=" + state)
		if strings.HasPrefix(want, "/?") {
			want += "&reference=" + a.Header.Get("X-Request-Id")
		}
		if got := a.Header.Get("Location"); got != want {
			t.Errorf("back to %s: %q, want %q", redirect, got, want)
		}
	}
	a := b.get("/?reason=INVALID_CREDENTIALS&detail=cancelled&reference=0123456789abcdef", "Accept", acceptHTML)
	if got := a.Header.Get("Location"); got != "/login?reason=INVALID_CREDENTIALS&detail=cancelled&reference=0123456789abcdef" {
		t.Errorf("on to %q", got)
	}
}

func TestRefusedLogin(t *testing.T) {
	for _, test := range []struct {
		code   string
		status int
		want   string
	}{
		{"", http.StatusUnauthorized, "INVALID_CREDENTIALS"},
		{"forged", http.StatusUnauthorized, "INVALID_CREDENTIALS"},
		{"down", http.StatusServiceUnavailable, "SERVICE_UNAVAILABLE"},
		{"misconfigured", http.StatusServiceUnavailable, "INVALID_PROVIDER_CONFIG"},
		{"evil", http.StatusInternalServerError, "INTERNAL_SERVER_ERROR"},
		{"panic", http.StatusInternalServerError, "INTERNAL_SERVER_ERROR"},
		{"bad\x00subject", http.StatusUnauthorized, "INVALID_CREDENTIALS"},
	} {
		t.Run(test.code, func(t *testing.T) {
			s := newSite(t, "")
			b := s.browser(t)
			callback := func(start string) string {
				return "/auth/login/op/callback?" + url.Values{"code": {test.code}, "state": {b.begin(start)}}.Encode()
			}
			a := b.get(callback("/auth/login/op"))
			if a.StatusCode != test.status || a.code(t) != test.want {
				t.Errorf("as JSON: %s %s", a.Status, a.body)
			}
			if a.cookie("directus_session_token") != nil || strings.Contains(a.body, "10.1.2.3") {
				t.Errorf("as JSON: cookie or secret: %v %s", a.Cookies(), a.body)
			}
			a = b.get(callback("/auth/login/op"), "Accept", acceptHTML)
			if a.StatusCode != test.status || !strings.Contains(a.body, "<h1") || strings.Contains(a.body, "<script>no") {
				t.Errorf("as a page: %s %s", a.Status, a.body)
			}
			if test.code != "panic" {
				a = b.get(callback("/auth/login/op?redirect=/app?old=1"))
				if got := a.Header.Get("Location"); got != "/app?reason="+test.want {
					t.Errorf("with redirect: %s to %q", a.Status, got)
				}
			}
			if strings.Contains(s.log.String(), "secret-in-a-panic") || strings.Contains(s.log.String(), "\nforged") {
				t.Errorf("L05, L06: the log holds what it must not: %s", s.log)
			}
		})
	}
}

func TestClosedRegistration(t *testing.T) {
	b := newSite(t, "").browser(t)
	if a := b.signIn("closed", "ada"); a.StatusCode != http.StatusUnauthorized || a.code(t) != "INVALID_CREDENTIALS" {
		t.Errorf("got %s %s", a.Status, a.body)
	}
}

func TestUnavailableProvider(t *testing.T) {
	b := newSite(t, "").browser(t)
	if a := b.get("/auth/login/gone"); a.StatusCode != http.StatusServiceUnavailable || a.code(t) != "SERVICE_UNAVAILABLE" {
		t.Errorf("start: %s %s", a.Status, a.body)
	}
	if a := b.get("/auth/login/nobody"); a.StatusCode != http.StatusNotFound || a.code(t) != "ROUTE_NOT_FOUND" {
		t.Errorf("unknown: %s %s", a.Status, a.body)
	}
	if a := b.get("/auth"); !strings.Contains(a.body, `{"name":"gone","label":"GONE","driver":"openid","available":false}`) {
		t.Errorf("list: %s", a.body)
	}
	if a := b.get("/server/health"); a.StatusCode != http.StatusOK || !strings.Contains(a.body, "warn") {
		t.Errorf("health: %s %s", a.Status, a.body)
	}
}

func TestAttempts(t *testing.T) {
	s := newSite(t, "")
	callback := func(provider, code, state string) string {
		return "/auth/login/" + provider + "/callback?" + url.Values{"code": {code}, "state": {state}}.Encode()
	}
	refused := func(t *testing.T, a answer) {
		t.Helper()
		if a.StatusCode/100 != 4 || a.cookie("directus_session_token") != nil {
			t.Errorf("got %s with %v: %s", a.Status, a.Cookies(), a.body)
		}
	}
	t.Run("A10 callback without the cookie", func(t *testing.T) {
		state := s.browser(t).begin("/auth/login/op")
		refused(t, s.browser(t).get(callback("op", "mallory", state)))
	})
	t.Run("A11 state used twice", func(t *testing.T) {
		b := s.browser(t)
		state := b.begin("/auth/login/op")
		at, _ := url.Parse(s.URL)
		kept := b.http.Jar.Cookies(at)
		if a := b.get(callback("op", "ada", state)); a.StatusCode != http.StatusFound {
			t.Fatalf("first use: %s", a.Status)
		}
		again := s.browser(t)
		again.http.Jar.SetCookies(at, kept)
		refused(t, again.get(callback("op", "ada", state)))
	})
	t.Run("A12 state of another browser", func(t *testing.T) {
		other := s.browser(t).begin("/auth/login/op")
		b := s.browser(t)
		b.begin("/auth/login/op")
		refused(t, b.get(callback("op", "ada", other)))
	})
	t.Run("A13 state of another provider", func(t *testing.T) {
		b := s.browser(t)
		refused(t, b.get(callback("cookie", "ada", b.begin("/auth/login/op"))))
	})
	t.Run("A14 odd states", func(t *testing.T) {
		b := s.browser(t)
		state := b.begin("/auth/login/op")
		for _, query := range []string{"", "?state=", "?state=" + strings.Repeat("a", 10<<10), "?state=" + state + "&state=" + state, "?state=" + state + "&RelayState=" + state} {
			if a := b.get("/auth/login/op/callback" + query); a.StatusCode != http.StatusBadRequest {
				t.Errorf("%.40s: %s", query, a.Status)
			}
		}
		if a := b.get(callback("op", "ada", state)); a.StatusCode != http.StatusFound {
			t.Errorf("the login is spoiled: %s", a.Status)
		}
	})
	t.Run("an answer that could not be used may be given again", func(t *testing.T) {
		flaky := &flakyDirectory{directory: directory{
			list:       []sso.Provider{{Name: "op", Mode: sso.ModeSession, LoginTimeout: time.Minute, AllowPublicRegistration: true}},
			mechanisms: map[string]sdk.Mechanism{"op": redirecting{}},
		}}
		b := newSiteWith(t, "", flaky).browser(t)
		state := b.begin("/auth/login/op")
		flaky.down.Store(true)
		if a := b.get(callback("op", "ada", state)); a.StatusCode != http.StatusServiceUnavailable {
			t.Fatalf("while the plugin is down: %s", a.Status)
		}
		flaky.down.Store(false)
		if a := b.get(callback("op", "ada", state)); a.StatusCode != http.StatusFound {
			t.Errorf("reloaded: %s %s", a.Status, a.body)
		}
	})
	t.Run("A16 two tabs", func(t *testing.T) {
		b := s.browser(t)
		one, two := b.begin("/auth/login/op?redirect=/one"), b.begin("/auth/login/op?redirect=/two")
		if a := b.get(callback("op", "ada", one)); a.Header.Get("Location") != "/one" {
			t.Errorf("first tab: %s to %q", a.Status, a.Header.Get("Location"))
		}
		if a := b.get(callback("op", "ada", two)); a.Header.Get("Location") != "/two" {
			t.Errorf("second tab: %s to %q", a.Status, a.Header.Get("Location"))
		}
	})
	t.Run("A09 a browser keeps few attempts", func(t *testing.T) {
		b := s.browser(t)
		var state string
		for range 20 {
			state = b.begin("/auth/login/op")
		}
		at, _ := url.Parse(s.URL)
		if n := len(b.http.Jar.Cookies(at)); n > 5 {
			t.Errorf("%d cookies", n)
		}
		if a := b.get(callback("op", "ada", state)); a.StatusCode != http.StatusFound {
			t.Errorf("the newest attempt is lost: %s", a.Status)
		}
	})
	t.Run("an attempt expires", func(t *testing.T) {
		b := s.browser(t)
		state := b.begin("/auth/login/op")
		s.clock.advance(5*time.Minute + time.Second)
		refused(t, b.get(callback("op", "ada", state)))
	})
	t.Run("B19 odd queries at the start", func(t *testing.T) {
		for _, query := range []string{"redirect=/a&redirect=/b", "redirect=%zz", "redirect=/a;b", "mode=json;redirect=/a"} {
			for _, path := range []string{"/auth/login/op?", "/login?"} {
				if a := s.browser(t).get(path + query); a.StatusCode != http.StatusBadRequest || len(a.Cookies()) > 0 {
					t.Errorf("%s%s: %s to %q", path, query, a.Status, a.Header.Get("Location"))
				}
			}
		}
	})
}

var hidden = regexp.MustCompile(`<input[^>]*type="hidden"[^>]*>`)

// hiddenFields reads the hidden fields of a page.
func hiddenFields(t testing.TB, html string) url.Values {
	t.Helper()
	form := url.Values{}
	attribute := func(tag, name string) string {
		m := regexp.MustCompile(name + `="([^"]*)"`).FindStringSubmatch(tag)
		if m == nil {
			t.Fatalf("no %s in %s", name, tag)
		}
		return m[1]
	}
	for _, tag := range hidden.FindAllString(html, -1) {
		form.Add(attribute(tag, "name"), attribute(tag, "value"))
	}
	return form
}

func TestFormPost(t *testing.T) {
	s := newSite(t, "")
	b := s.browser(t)
	start := b.get("/auth/login/post", "Accept", acceptHTML)
	if policy := start.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "form-action 'self' https:") {
		t.Errorf("policy of the form: %s", policy)
	}
	state := hiddenFields(t, start.body).Get("RelayState")
	if state == "" {
		t.Fatalf("no form: %s", start.body)
	}
	response := url.Values{"code": {"ada"}, "RelayState": {state}}

	t.Run("F35 a post without the Lax cookie is posted again", func(t *testing.T) {
		crossSite := s.browser(t).postForm("/auth/login/post/callback", response, "Accept", acceptHTML)
		if crossSite.StatusCode != http.StatusOK || len(crossSite.Cookies()) > 0 {
			t.Fatalf("first post: %s", crossSite.Status)
		}
		again := hiddenFields(t, crossSite.body)
		if again.Get("code") != "ada" || again.Get("RelayState") != state {
			t.Fatalf("fields: %v", again)
		}
		if a := s.browser(t).postForm("/auth/login/post/callback", again); a.StatusCode != http.StatusUnauthorized {
			t.Errorf("A10: another browser's second post: %s", a.Status)
		}
		done := b.postForm("/auth/login/post/callback", again)
		if done.StatusCode != http.StatusSeeOther || done.cookie("directus_session_token") == nil {
			t.Errorf("A22: second post: %s %s", done.Status, done.body)
		}
	})
	t.Run("B20 wrong content type", func(t *testing.T) {
		for _, contentType := range []string{"application/json", "multipart/form-data; boundary=x", "text/plain", ""} {
			a := b.do(http.MethodPost, "/auth/login/post/callback", strings.NewReader(response.Encode()), "Content-Type", contentType)
			if a.StatusCode != http.StatusUnsupportedMediaType {
				t.Errorf("%q: %s", contentType, a.Status)
			}
			if got := extensionsOf(t, a)["reason"]; got != "the content type must be application/x-www-form-urlencoded" {
				t.Errorf("%q: reason %q", contentType, got)
			}
		}
	})
}

func TestPrompt(t *testing.T) {
	s := newSite(t, "")
	b := s.browser(t)
	ask := func(a answer) url.Values {
		t.Helper()
		if !strings.Contains(a.body, `type="password"`) {
			t.Fatalf("no form: %s %s", a.Status, a.body)
		}
		return hiddenFields(t, a.body)
	}
	form := ask(b.get("/auth/login/dir", "Accept", acceptHTML))
	form.Set("username", "ada")
	form.Set("password", "wrong")
	again := b.postForm("/auth/login/dir/callback", form, "Accept", acceptHTML)
	if again.StatusCode != http.StatusUnauthorized {
		t.Errorf("wrong password: %s", again.Status)
	}
	form = ask(again)
	form.Set("username", "ada")
	form.Set("password", "right")
	done := b.postForm("/auth/login/dir/callback", form, "Accept", acceptHTML)
	if lost := s.browser(t).postForm("/auth/login/dir/callback", form, "Accept", acceptHTML); strings.Contains(lost.body, "right") {
		t.Errorf("a password is repeated in a page: %s", lost.body)
	}
	if done.StatusCode != http.StatusSeeOther || b.get("/users/me").data(t)["external_identifier"] != "uuid-of-ada" {
		t.Errorf("right password: %s", done.Status)
	}
	if strings.Contains(s.log.String(), "wrong") && strings.Contains(s.log.String(), `"password"`) {
		t.Errorf("L06: the log holds a password: %s", s.log)
	}
}

func TestDirectLogin(t *testing.T) {
	s := newSite(t, "")
	login := func(t *testing.T, body map[string]any) answer {
		return s.browser(t).postJSON("/auth/login/dir", body)
	}
	t.Run("json is the default", func(t *testing.T) {
		got := login(t, map[string]any{"identifier": "ada", "password": "right"}).data(t)
		if got["access_token"] == nil || got["refresh_token"] == nil || got["expires"] != 900000.0 {
			t.Errorf("got %v", got)
		}
	})
	t.Run("cookie", func(t *testing.T) {
		a := login(t, map[string]any{"identifier": "ada", "password": "right", "mode": "cookie"})
		if a.data(t)["refresh_token"] != nil || a.cookie("directus_refresh_token") == nil {
			t.Errorf("got %s", a.body)
		}
	})
	t.Run("session", func(t *testing.T) {
		a := login(t, map[string]any{"identifier": "ada", "password": "right", "mode": "session"})
		if a.data(t)["expires"] != 86400000.0 || a.cookie("directus_session_token") == nil {
			t.Errorf("got %s", a.body)
		}
	})
	t.Run("wrong password", func(t *testing.T) {
		if a := login(t, map[string]any{"identifier": "ada", "password": "no"}); a.StatusCode != 401 || a.code(t) != "INVALID_CREDENTIALS" {
			t.Errorf("got %s %s", a.Status, a.body)
		}
	})
	t.Run("more is wanted", func(t *testing.T) {
		a := login(t, map[string]any{"identifier": "ada", "password": "expired"})
		attempt := regexp.MustCompile(`"attempt":"([^"]+)"`).FindStringSubmatch(a.body)
		if a.StatusCode != 401 || attempt == nil || !strings.Contains(a.body, `"kind":"new_password"`) {
			t.Fatalf("got %s %s", a.Status, a.body)
		}
		next := login(t, map[string]any{"attempt": attempt[1], "answers": map[string]string{"password": "right"}})
		if next.data(t)["access_token"] == nil {
			t.Errorf("got %s", next.body)
		}
	})
	t.Run("A10 from another site", func(t *testing.T) {
		body := map[string]any{"identifier": "mallory", "password": "right", "mode": "session"}
		a := s.browser(t).postJSON("/auth/login/dir", body, "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site")
		if a.StatusCode != http.StatusForbidden || len(a.Cookies()) > 0 {
			t.Errorf("got %s %v", a.Status, a.Cookies())
		}
	})
	t.Run("A02 a login replaces the session of the browser", func(t *testing.T) {
		b := s.browser(t)
		old := b.signIn("op", "ada").cookie("directus_session_token")
		b.postJSON("/auth/login/dir", map[string]any{"identifier": "bob", "password": "right", "mode": "cookie"})
		if a := s.browser(t).get("/users/me", "Cookie", old.Name+"="+old.Value); a.StatusCode != http.StatusUnauthorized {
			t.Errorf("the old session lives: %s", a.Status)
		}
	})
	t.Run("J19 a password of 10 KB", func(t *testing.T) {
		a := login(t, map[string]any{"identifier": "ada", "password": strings.Repeat("p", 10<<10)})
		if a.StatusCode != 400 || a.code(t) != "INVALID_PAYLOAD" {
			t.Errorf("got %s", a.Status)
		}
	})
	t.Run("L07 a wrong password is logged", func(t *testing.T) {
		s := newSite(t, "")
		s.logger.SetLevel(hclog.Info)
		s.browser(t).postJSON("/auth/login/dir", map[string]any{"identifier": "ada", "password": "no"})
		if !strings.Contains(s.log.String(), "bad_credentials") {
			t.Errorf("log: %s", s.log)
		}
	})
	t.Run("J01 nothing entered", func(t *testing.T) {
		if a := login(t, map[string]any{"identifier": "ada"}); a.StatusCode != 400 || a.code(t) != "INVALID_PAYLOAD" {
			t.Errorf("got %s", a.Status)
		}
	})
	t.Run("a provider that redirects", func(t *testing.T) {
		a := s.browser(t).postJSON("/auth/login/op", map[string]any{"identifier": "ada", "password": "right"})
		if a.StatusCode != 400 || a.code(t) != "INVALID_PAYLOAD" || !strings.Contains(a.body, "open /auth/login/op in a browser") {
			t.Errorf("got %s: %s", a.Status, a.body)
		}
	})
	t.Run("no local passwords", func(t *testing.T) {
		a := s.browser(t).postJSON("/auth/login", map[string]any{"email": "a@example.org", "password": "x"})
		if a.StatusCode != 404 || a.code(t) != "ROUTE_NOT_FOUND" {
			t.Errorf("got %s", a.Status)
		}
	})
}
