package web_test

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/web"
	"github.com/doorward/doorward/sdk"
)

// application is an origin that the sites of these tests list.
const application = "https://app.example.org"

// fromApplication is what a browser says of a program of application, of another site.
var fromApplication = []string{"Origin", application, "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "cors", "Sec-Fetch-Dest", "empty"}

func sharingSite(t testing.TB, change func(*web.CORS)) *site {
	t.Helper()
	provider := sso.Provider{
		Name: "op", Driver: "openid", Label: "OP", Mode: sso.ModeSession, LoginTimeout: time.Minute, AllowPublicRegistration: true,
	}
	ldap := provider
	ldap.Name, ldap.Driver = "dir", "ldap"
	providers := directory{
		list:       []sso.Provider{provider, ldap},
		mechanisms: map[string]sdk.Mechanism{"op": redirecting{}, "dir": prompting{}},
	}
	return newSiteConfigured(t, "", providers, func(c *web.Config) {
		c.CORS = web.CORS{
			Origins: []string{application, "http://localhost:3000"}, Credentials: true, Methods: []string{"GET", "POST", "PATCH"},
			AllowedHeaders: []string{"Content-Type", "Authorization"}, ExposedHeaders: []string{"Retry-After"}, MaxAge: time.Hour,
		}
		change(&c.CORS)
	})
}

func byName(*web.CORS) {}

func withoutCredentials(c *web.CORS) { c.Credentials = false }

func anyOrigin(c *web.CORS) { c.Origins, c.Any, c.Credentials = []string{application}, true, false }

func preflightOf(method, origin string) []string {
	return []string{"Origin", origin, "Access-Control-Request-Method", method, "Access-Control-Request-Headers", "content-type", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "cors"}
}

// corsHeaders are those that say something about origins.
func corsHeaders(a answer) map[string]string {
	found := map[string]string{}
	for name, values := range a.Header {
		if strings.HasPrefix(name, "Access-Control-") {
			found[name] = strings.Join(values, "|")
		}
	}
	return found
}

func TestPreflights(t *testing.T) {
	told := map[string]string{
		"Access-Control-Allow-Origin": application, "Access-Control-Allow-Credentials": "true", "Access-Control-Allow-Methods": "GET,POST,PATCH",
		"Access-Control-Allow-Headers": "Content-Type,Authorization", "Access-Control-Max-Age": "3600",
	}
	t.Run("of an origin that is named", func(t *testing.T) {
		b := sharingSite(t, byName).browser(t)
		a := b.do("OPTIONS", "/auth/refresh", nil, preflightOf("POST", application)...)
		if diff := cmp.Diff(told, corsHeaders(a)); diff != "" || a.StatusCode != http.StatusNoContent || a.Header.Get("Vary") != "Origin" || len(a.Cookies()) > 0 {
			t.Errorf("%s, Vary %q (-want +got):\n%s", a.Status, a.Header.Get("Vary"), diff)
		}
	})
	t.Run("without credentials", func(t *testing.T) {
		a := sharingSite(t, withoutCredentials).browser(t).do("OPTIONS", "/auth/refresh", nil, preflightOf("POST", application)...)
		want := maps.Clone(told)
		delete(want, "Access-Control-Allow-Credentials")
		if diff := cmp.Diff(want, corsHeaders(a)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
	t.Run("nobody is named", func(t *testing.T) {
		a := newSite(t, "").browser(t).do("OPTIONS", "/auth/refresh", nil, preflightOf("POST", application)...)
		if len(corsHeaders(a)) > 0 || a.Header.Get("Vary") != "" {
			t.Errorf("got %v", a.Header)
		}
	})
	t.Run("of others", func(t *testing.T) {
		b := sharingSite(t, byName).browser(t)
		for _, origin := range strangers {
			a := b.do("OPTIONS", "/auth/refresh", nil, preflightOf("POST", origin)...)
			if len(corsHeaders(a)) > 0 || a.Header.Get("Vary") != "Origin" {
				t.Errorf("%s: %v", origin, a.Header)
			}
		}
		a := b.do("OPTIONS", "/auth/refresh", nil, append(preflightOf("POST", application), "Origin", application)...)
		if len(corsHeaders(a)) > 0 {
			t.Errorf("two origins: %v", a.Header)
		}
	})
}

// strangers are origins that resemble application.
var strangers = []string{
	"https://app.example.org.evil.com", "https://app.example.org:444", "https://app.example.org:443", "http://app.example.org", "null",
	"https://APP.example.org", "HTTPS://app.example.org", "https://app.example.org.", "https://app.example.org/", "https://ada@app.example.org",
	"https://app.example.org, https://app.example.org", "https://evil.com https://app.example.org", "app.example.org", "https://xapp.example.org",
	"https://sub.app.example.org", "https://example.org", "https://localhost:3000", "http://localhost", "http://localhost:30000", "*", "https://app.example.org%00", "https://app.example.orġ",
}

// Exactly these routes are shared; adding a route requires a decision here.
func TestWhatOtherOriginsMayUse(t *testing.T) {
	want := []string{
		"GET /auth", "HEAD /auth", "POST /auth/login", "POST /auth/login/:provider", "POST /auth/refresh", "POST /auth/logout",
		"GET /users/me", "HEAD /users/me", "PATCH /users/me", "GET /roles/me", "HEAD /roles/me",
		"GET /policies/me/globals", "HEAD /policies/me/globals", "POST /utils/resolve-redirect",
		"GET /.well-known/jwks.json", "HEAD /.well-known/jwks.json",
		"GET /.well-known/oauth-authorization-server", "HEAD /.well-known/oauth-authorization-server",
		"GET /.well-known/oauth-authorization-server/*", "HEAD /.well-known/oauth-authorization-server/*",
		"GET /server/ping", "HEAD /server/ping", "GET /server/health", "HEAD /server/health", "GET /server/info", "HEAD /server/info",
	}
	s := sharingSite(t, byName)
	b := s.browser(t)
	shared := 0
	for _, route := range s.server.Routes() {
		name := route.Method + " " + route.Path
		path := strings.NewReplacer(":provider", "dir", ":name", "x.css", "*", "base").Replace(route.Path)
		preflight := b.do("OPTIONS", path, nil, preflightOf(route.Method, application)...)
		if got := preflight.Header.Get("Access-Control-Allow-Origin") != ""; got != slices.Contains(want, name) {
			t.Errorf("%s: preflight is allowed: %v", name, got)
		}
		a := b.do(route.Method, path, nil, fromApplication...)
		got := a.Header.Get("Access-Control-Allow-Origin") != ""
		if got != slices.Contains(want, name) {
			t.Errorf("%s: shared: %v", name, got)
		}
		if got {
			shared++
		}
		if got && (a.Header.Get("Access-Control-Allow-Credentials") != "true" || a.Header.Get("Access-Control-Expose-Headers") != "Retry-After" || a.Header.Get("Vary") != "Origin") {
			t.Errorf("%s: %v", name, a.Header)
		}
		if a := b.do(route.Method, path, nil); a.StatusCode != http.StatusNotFound && slices.Contains(want, name) && a.Header.Get("Vary") != "Origin" {
			t.Errorf("%s without an origin: Vary %q", name, a.Header.Get("Vary"))
		}
	}
	if shared < 15 {
		t.Errorf("%d routes are shared", shared)
	}
	for _, path := range []string{"/", "/login", "/account", "/invitation", "/nothing", "/auth//", "/auth/login//", "/auth/login/dir/callback", "/users/me/x", "//users/me", "/users%2fme"} {
		if a := b.get(path, fromApplication...); len(corsHeaders(a)) > 0 {
			t.Errorf("%s: %v", path, corsHeaders(a))
		}
		if a := b.do("OPTIONS", path, nil, preflightOf("POST", application)...); len(corsHeaders(a)) > 0 {
			t.Errorf("preflight of %s: %v", path, corsHeaders(a))
		}
	}
	if a := b.get("/auth/login/op", fromApplication...); len(corsHeaders(a)) > 0 {
		t.Errorf("the start of a login: %v", corsHeaders(a))
	}
}

// signedInHere is a browser with a session of mode session, signed in from application.
func signedInHere(t *testing.T, s *site) *browser {
	t.Helper()
	b := s.browser(t)
	login := map[string]string{"identifier": "ada", "password": "right", "mode": "session"}
	if a := b.postJSON("/auth/login/dir", login, fromApplication...); a.StatusCode != http.StatusOK || a.Header.Get("Access-Control-Allow-Origin") != application {
		t.Fatalf("signing in: %s %v", a.Status, a.Header)
	}
	if a := b.get("/users/me", fromApplication...); a.StatusCode != http.StatusOK || a.Header.Get("Access-Control-Allow-Origin") != application {
		t.Fatalf("/users/me: %s %v", a.Status, a.Header)
	}
	return b
}

func TestAnotherOriginThatIsNamed(t *testing.T) {
	session := map[string]string{"mode": "session"}
	t.Run("signs in, refreshes and signs out with cookies", func(t *testing.T) {
		b := signedInHere(t, sharingSite(t, byName))
		if a := b.postJSON("/auth/refresh", session, fromApplication...); a.StatusCode != http.StatusOK || a.cookie("directus_session_token") == nil {
			t.Errorf("refresh: %s %v", a.Status, a.Cookies())
		}
		if a := b.do("PATCH", "/users/me", strings.NewReader(`{"first_name":"Augusta"}`), append(fromApplication, "Content-Type", "application/json")...); a.StatusCode != http.StatusOK {
			t.Errorf("a change of the profile: %s", a.Status)
		}
		if a := b.postJSON("/auth/logout", session, fromApplication...); a.StatusCode != http.StatusNoContent {
			t.Errorf("logout: %s", a.Status)
		}
		if a := b.get("/users/me", fromApplication...); a.StatusCode != http.StatusUnauthorized || a.Header.Get("Access-Control-Allow-Origin") != application {
			t.Errorf("afterwards: %s %v", a.Status, a.Header)
		}
	})
	t.Run("needs no body to refresh", func(t *testing.T) {
		b := sharingSite(t, byName).browser(t)
		b.postJSON("/auth/login/dir", map[string]string{"identifier": "ada", "password": "right", "mode": "cookie"}, fromApplication...)
		if a := b.do("POST", "/auth/refresh", nil, fromApplication...); a.StatusCode != http.StatusOK {
			t.Errorf("got %s", a.Status)
		}
	})
	t.Run("on this machine, of the same site, by a browser that says no more", func(t *testing.T) {
		b := signedInHere(t, sharingSite(t, byName))
		for _, header := range [][]string{{"Origin", "http://localhost:3000", "Sec-Fetch-Site", "same-site"}, {"Origin", application}} {
			if a := b.postJSON("/auth/refresh", session, header...); a.StatusCode != http.StatusOK {
				t.Errorf("%v: %s", header, a.Status)
			}
		}
	})
	// A form is posted by the content of a page, not by its scripts.
	t.Run("A17 not by forms", func(t *testing.T) {
		b := signedInHere(t, sharingSite(t, byName))
		navigating := []string{"Origin", application, "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Accept", acceptHTML}
		for name, header := range map[string][]string{"a browser of today": navigating, "an old browser": {"Origin", application}} {
			for path, form := range map[string]url.Values{
				"/auth/logout": {"mode": {"session"}}, "/auth/refresh": {"mode": {"session"}}, "/auth/login/dir": {"identifier": {"eve"}, "password": {"right"}, "mode": {"session"}},
			} {
				if a := b.postForm(path, form, header...); a.StatusCode != http.StatusForbidden || len(a.Cookies()) > 0 {
					t.Errorf("%s of %s: %s %v", path, name, a.Status, a.Cookies())
				}
			}
			if a := b.do("POST", "/auth/logout", nil, append(header, "Content-Type", "text/plain")...); a.StatusCode != http.StatusForbidden {
				t.Errorf("an empty form of %s: %s", name, a.Status)
			}
		}
		b.wantSignedIn(true)
	})
	t.Run("not by no-cors", func(t *testing.T) {
		b := signedInHere(t, sharingSite(t, byName))
		if a := b.do("POST", "/auth/logout", nil, "Origin", application, "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors"); a.StatusCode != http.StatusForbidden {
			t.Errorf("got %s", a.Status)
		}
		b.wantSignedIn(true)
	})
	t.Run("has no part in our pages", func(t *testing.T) {
		b := signedInHere(t, sharingSite(t, byName))
		for _, path := range []string{"/account/end-others", "/invitation"} {
			for _, header := range [][]string{fromApplication, {"Origin", application}} {
				if a := b.postForm(path, url.Values{}, header...); a.StatusCode != http.StatusForbidden {
					t.Errorf("%s with %v: %s", path, header, a.Status)
				}
			}
		}
	})
}

func TestA17OtherOriginsThatAreNotNamed(t *testing.T) {
	b := signedInHere(t, sharingSite(t, byName))
	refused := func(name string, header ...string) {
		t.Helper()
		for path, body := range map[string]map[string]string{
			"/auth/logout": {"mode": "session"}, "/auth/refresh": {"mode": "session"}, "/auth/login/dir": {"identifier": "eve", "password": "right"},
		} {
			a := b.postJSON(path, body, header...)
			if a.StatusCode != http.StatusForbidden || len(corsHeaders(a)) > 0 || len(a.Cookies()) > 0 {
				t.Errorf("%s of %s: %s %v %v", path, name, a.Status, corsHeaders(a), a.Cookies())
			}
		}
		if a := b.do("PATCH", "/users/me", strings.NewReader(`{"first_name":"Eve"}`), append(header, "Content-Type", "application/json")...); a.StatusCode != http.StatusForbidden {
			t.Errorf("a change of the profile by %s: %s", name, a.Status)
		}
		if a := b.get("/users/me", header...); len(corsHeaders(a)) > 0 {
			t.Errorf("/users/me of %s: %v", name, corsHeaders(a))
		}
	}
	for _, origin := range strangers {
		refused(origin, "Origin", origin, "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "cors")
		refused(origin+" of an old browser", "Origin", origin)
	}
	for _, site := range []string{"cross-site", "same-site"} {
		refused("nobody, "+site, "Sec-Fetch-Site", site, "Sec-Fetch-Mode", "cors")
	}
	refused("two", "Origin", application, "Origin", application, "Sec-Fetch-Site", "cross-site")
	refused("two in the other order", "Origin", application, "Origin", "https://evil.com")
	b.wantSignedIn(true)
}

// Without credentials our cookies do not count, whichever browser sends them.
func TestOtherOriginsWithoutCredentials(t *testing.T) {
	for name, change := range map[string]func(*web.CORS){"named": withoutCredentials, "any": anyOrigin} {
		t.Run(name, func(t *testing.T) {
			s := sharingSite(t, change)
			b := s.browser(t)
			first := b.postJSON("/auth/login/dir", map[string]string{"identifier": "ada", "password": "right"}, fromApplication...)
			if first.StatusCode != http.StatusOK || first.Header.Get("Access-Control-Allow-Credentials") != "" || len(first.Cookies()) > 0 {
				t.Fatalf("signing in: %s %v", first.Status, first.Header)
			}
			tokens := first.data(t)
			second := b.postJSON("/auth/refresh", map[string]any{"refresh_token": tokens["refresh_token"]}, fromApplication...).data(t)
			if a := b.get("/users/me", append(fromApplication, "Authorization", "Bearer "+second["access_token"].(string))...); a.StatusCode != http.StatusOK {
				t.Errorf("with a token: %s", a.Status)
			}
			b.signIn("op", "ada")
			for path, body := range map[string]map[string]string{"/auth/refresh": {"mode": "session"}, "/auth/logout": {"mode": "session"}} {
				if a := b.postJSON(path, body, fromApplication...); a.StatusCode != http.StatusForbidden {
					t.Errorf("%s with a cookie: %s", path, a.Status)
				}
			}
			if a := b.get("/users/me", fromApplication...); a.StatusCode != http.StatusUnauthorized {
				t.Errorf("/users/me with a cookie: %s", a.Status)
			}
			// Another login must not end the session that the browser has here.
			b.postJSON("/auth/login/dir", map[string]string{"identifier": "eve", "password": "right"}, fromApplication...)
			b.wantSignedIn(true)
			if a := b.postJSON("/auth/refresh", map[string]string{"mode": "session"}, "Origin", s.URL, "Sec-Fetch-Site", "same-origin"); a.StatusCode != http.StatusOK {
				t.Errorf("our own page: %s", a.Status)
			}
		})
	}
}

func TestAnyOriginReadsWhatNeedsNoCookie(t *testing.T) {
	s := sharingSite(t, func(c *web.CORS) { anyOrigin(c); c.Credentials = true }) // which is taken for none
	b := s.browser(t)
	stranger := []string{"Origin", "https://evil.com", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "cors"}
	for _, path := range []string{"/auth", "/.well-known/jwks.json", "/server/ping", "/users/me"} {
		a := b.get(path, stranger...)
		if got := corsHeaders(a); got["Access-Control-Allow-Origin"] != "*" || got["Access-Control-Allow-Credentials"] != "" || a.Header.Get("Vary") != "Origin" {
			t.Errorf("%s: %v", path, a.Header)
		}
	}
	if a := b.get("/auth", "Origin", "null"); len(corsHeaders(a)) > 0 {
		t.Errorf("null: %v", corsHeaders(a))
	}
	// Otherwise every page of the web could try passwords from the networks of its readers.
	if a := b.postJSON("/auth/login/dir", map[string]string{"identifier": "ada", "password": "right"}, stranger...); a.StatusCode != http.StatusForbidden {
		t.Errorf("login: %s", a.Status)
	}
}
