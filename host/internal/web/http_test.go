package web_test

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
)

// TestL16HeadersOnEveryAnswer covers pages, JSON, redirects and errors alike.
func TestL16HeadersOnEveryAnswer(t *testing.T) {
	s := newSite(t, "")
	b := s.browser(t)
	for _, path := range []string{
		"/", "/login", "/auth", "/auth/login/op", "/auth/login/dir", "/auth/login/op/callback", "/auth/login/gone", "/users/me",
		"/.well-known/jwks.json", "/.well-known/oauth-authorization-server", "/server/ping", "/server/health", "/nothing", "/auth/logout", "/assets/nothing.css", "/%2e%2e/x",
	} {
		for _, accept := range []string{acceptHTML, "application/json"} {
			a := b.get(path, "Accept", accept)
			for header, want := range map[string]string{
				"Content-Security-Policy":      "frame-ancestors 'none'",
				"X-Content-Type-Options":       "nosniff",
				"X-Frame-Options":              "DENY",
				"Referrer-Policy":              "no-referrer",
				"Cross-Origin-Opener-Policy":   "same-origin",
				"Cross-Origin-Resource-Policy": "same-origin",
				"X-Request-Id":                 "",
			} {
				if got := a.Header.Get(header); got == "" || !strings.Contains(got, want) {
					t.Errorf("%s as %s: %s is %q", path, accept, header, got)
				}
			}
			policy := a.Header.Get("Content-Security-Policy")
			if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
				t.Errorf("%s as %s: policy %q", path, accept, policy)
			}
			if cache := a.Header.Get("Cache-Control"); !strings.HasPrefix(path, "/.well-known/") && cache != "no-store" {
				t.Errorf("A20 %s as %s: Cache-Control %q", path, accept, cache)
			}
			if a.Header.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("L15 %s: CORS", path)
			}
		}
	}
}

func TestL02Bodies(t *testing.T) {
	b := newSite(t, "").browser(t)
	large := strings.Repeat("a", 2<<20)
	for _, path := range []string{"/auth/refresh", "/auth/logout", "/auth/login/dir"} {
		if a := b.postJSON(path, map[string]string{"refresh_token": large}); a.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: %s", path, a.Status)
		}
	}
	if a := b.postForm("/auth/login/op/callback", url.Values{"SAMLResponse": {large}}); a.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("callback: %s", a.Status)
	}
	many := url.Values{"state": {"x"}}
	for i := range 1000 {
		many.Set("k"+strconv.Itoa(i), "v")
	}
	if a := b.postForm("/auth/login/op/callback", many); a.StatusCode != http.StatusBadRequest {
		t.Errorf("many parameters: %s", a.Status)
	}
}

func TestB15OddPaths(t *testing.T) {
	b := newSite(t, "").browser(t)
	for _, path := range []string{
		"//users/me", "/users//me", "/users/me//", "/users/me%2f", "/./users/me", "/USERS/me", "/users%2fme", "/users/me;a=b", "/users/me%00", "/auth/login/../../users/me",
	} {
		if a := b.get(path); a.StatusCode != http.StatusNotFound && a.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %s", path, a.Status)
		}
	}
}

func TestB16Methods(t *testing.T) {
	b := newSite(t, "").browser(t)
	if a := b.do("OPTIONS", "/auth/login/op", nil); a.StatusCode != http.StatusNoContent || len(a.Cookies()) > 0 {
		t.Errorf("OPTIONS: %s with %v", a.Status, a.Cookies())
	}
	for _, method := range []string{"TRACE", "PUT", "DELETE"} {
		a := b.do(method, "/auth/login/op", nil, "X-HTTP-Method-Override", "GET")
		if a.StatusCode != http.StatusMethodNotAllowed || len(a.Cookies()) > 0 {
			t.Errorf("%s: %s with %v", method, a.Status, a.Cookies())
		}
	}
}

func TestB12HostHeaderHasNoEffect(t *testing.T) {
	s := newSite(t, "https://sso.example.org/base")
	a := s.browser(t).get("/login", "Accept", acceptHTML, "X-Forwarded-Host", "evil.example", "X-Forwarded-Proto", "http")
	if strings.Contains(a.body, "evil.example") || !strings.Contains(a.body, `href="/base/auth/login/op"`) {
		t.Errorf("page: %s", a.body)
	}
}

func TestB14ForwardedForIsNotBelieved(t *testing.T) {
	s := newSite(t, "")
	s.browser(t).get("/nothing", "X-Forwarded-For", "203.0.113.7", "X-Real-Ip", "203.0.113.7")
	if strings.Contains(s.log.String(), "203.0.113.7") {
		t.Errorf("log: %s", s.log)
	}
}

func TestListProviders(t *testing.T) {
	b := newSite(t, "").browser(t)
	a := b.get("/auth")
	if !strings.HasPrefix(a.body, `{"data":[{"name":"op","label":"OP","driver":"openid"},`) || !strings.Contains(a.body, `"disableDefault":true}`) {
		t.Errorf("got %s", a.body)
	}
	if a := b.get("/auth?sessionOnly"); strings.Contains(a.body, `"cookie"`) || !strings.Contains(a.body, `"op"`) {
		t.Errorf("sessionOnly: %s", a.body)
	}
}

func TestSignInPage(t *testing.T) {
	b := newSite(t, "").browser(t)
	a := b.get("/login?redirect="+url.QueryEscape("https://app.example/welcome?a=b&c"), "Accept", acceptHTML)
	if !strings.Contains(a.body, `/auth/login/op?redirect=https%3A%2F%2Fapp.example%2Fwelcome%3Fa%3Db%26c`) {
		t.Errorf("links: %s", a.body)
	}
	if a := b.get("/login?redirect=//evil.example", "Accept", acceptHTML); a.StatusCode != http.StatusBadRequest || !strings.Contains(a.body, "We cannot send you back to that address") {
		t.Errorf("bad redirect: %s", a.Status)
	}
}

// Our own page identifies people by their session cookie, whatever the mode of a provider:
// a login that starts there ends there, and so does a second try.
func TestSignInPageLeadsToASession(t *testing.T) {
	b := newSite(t, "").browser(t)
	a := b.get("/login", "Accept", acceptHTML)
	if !strings.Contains(a.body, `href="/auth/login/op"`) || !strings.Contains(a.body, `href="/auth/login/cookie?mode=session"`) {
		t.Fatalf("links: %s", a.body)
	}
	state := b.begin("/auth/login/cookie?mode=session")
	refused := b.get("/auth/login/cookie/callback?code=down&state="+state, "Accept", acceptHTML)
	if !strings.Contains(refused.body, `href="/auth/login/cookie?mode=session"`) {
		t.Errorf("the way to try again: %s", refused.body)
	}
	state = b.begin("/auth/login/cookie?mode=session")
	if a := b.get("/auth/login/cookie/callback?code=ada&state=" + state); a.Header.Get("Location") != "/" {
		t.Errorf("after the login: %s to %q", a.Status, a.Header.Get("Location"))
	}
	if a := b.get("/", "Accept", acceptHTML); a.StatusCode != http.StatusOK || !strings.Contains(a.body, "ada@example.org") {
		t.Errorf("home: %s %s", a.Status, a.body)
	}
	a = b.get("/login?redirect=/app", "Accept", acceptHTML)
	if !strings.Contains(a.body, `href="/auth/login/cookie?redirect=%2Fapp"`) {
		t.Errorf("an application gets the mode of the provider: %s", a.body)
	}
}

func TestRetryKeepsTheModeOfTheStart(t *testing.T) {
	b := newSite(t, "").browser(t)
	a := b.get("/auth/login/gone?mode=json", "Accept", acceptHTML)
	if a.StatusCode != http.StatusServiceUnavailable || !strings.Contains(a.body, `href="/auth/login/gone?mode=json"`) {
		t.Errorf("got %s %s", a.Status, a.body)
	}
}

func TestReasonIsToldOnTheSignInPage(t *testing.T) {
	b := newSite(t, "").browser(t)
	if a := b.get("/login?reason=INVALID_PAYLOAD", "Accept", acceptHTML); !strings.Contains(a.body, "not accepted") {
		t.Errorf("INVALID_PAYLOAD: %s", a.body)
	}
	if a := b.get("/login?reason=INVALID_CREDENTIALS&detail=cancelled", "Accept", acceptHTML); !strings.Contains(a.body, "You cancelled the sign-in") {
		t.Errorf("after a cancel: %s", a.body)
	}
	if a := b.get("/login?reason=INVALID_CREDENTIALS&detail=%3Cscript%3E", "Accept", acceptHTML); strings.Contains(a.body, "<script") || !strings.Contains(a.body, "refused") {
		t.Errorf("a detail that we do not know: %s", a.body)
	}
	if a := b.get("/login?reason=INVALID_CREDENTIALS&detail=account_disabled", "Accept", acceptHTML); !strings.Contains(a.body, "you cannot use it at the moment") {
		t.Errorf("an account that is not active: %s", a.body)
	}
	if a := b.get("/login?reason=SERVICE_UNAVAILABLE&detail=database", "Accept", acceptHTML); !strings.Contains(a.body, "We cannot look up who you are") {
		t.Errorf("a database that is away: %s", a.body)
	}
	if a := b.get("/login?reason=SERVICE_UNAVAILABLE&detail=cancelled", "Accept", acceptHTML); !strings.Contains(a.body, "The service that checks who you are") {
		t.Errorf("a detail of another reason: %s", a.body)
	}
	a := b.get("/?reason=SERVICE_UNAVAILABLE", "Accept", acceptHTML)
	if a.Header.Get("Location") != "/login?reason=SERVICE_UNAVAILABLE" {
		t.Errorf("home: %s to %q", a.Status, a.Header.Get("Location"))
	}
	if a := b.get("/login?reason=SERVICE_UNAVAILABLE", "Accept", acceptHTML); !strings.Contains(a.body, `role="alert"`) {
		t.Errorf("page: %s", a.body)
	}
	if a := b.get("/login?reason=%3Cscript%3E", "Accept", acceptHTML); strings.Contains(a.body, "script") || strings.Contains(a.body, "alert") {
		t.Errorf("an unknown reason: %s", a.body)
	}
}

func TestHealthWithoutStore(t *testing.T) {
	s := newSite(t, "")
	s.store.Close()
	if a := s.browser(t).get("/server/health"); a.StatusCode != http.StatusServiceUnavailable || !strings.Contains(a.body, "error") {
		t.Errorf("health: %s %s", a.Status, a.body)
	}
	a := s.browser(t).signIn("op", "ada")
	if a.StatusCode != http.StatusServiceUnavailable || extensionsOf(t, a)["service"] != "database" || len(a.Cookies()) > 1 {
		t.Errorf("L10 login without a store: %s %s %v", a.Status, a.body, a.Cookies())
	}
}
