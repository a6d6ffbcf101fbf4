package web_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/web"
	"github.com/doorward/doorward/sdk"
)

// The public URLs of these tests: that of PUBLIC_URL, one with a path, one below the same
// domain, and one without TLS.
const (
	urlA     = "https://login.example.org"
	urlB     = "https://intern.example:8443/sso"
	urlC     = "https://team.example.org"
	urlLocal = "http://localhost:8055"
)

// atCallback redirects to the provider with the callback of each login, and redeems a code
// with that callback only, as a provider does.
type atCallback struct{ redirecting }

func (r atCallback) Begin(ctx context.Context, req sdk.BeginRequest) (sdk.Step, error) {
	step, err := r.redirecting.Begin(ctx, req)
	redirect, _ := step.(sdk.Redirect)
	redirect.URL += "&" + url.Values{"redirect_uri": {req.CallbackURL}}.Encode()
	return redirect, err
}

func (r atCallback) Continue(ctx context.Context, req sdk.ContinueRequest) (sdk.Step, error) {
	if asked := req.Response.Query.Get("of"); asked != "" && asked != req.CallbackURL {
		return nil, sdk.InvalidResponse("invalid_grant", "redeemed with %s", req.CallbackURL)
	}
	return r.redirecting.Continue(ctx, req)
}

func (atCallback) BeginLogout(_ context.Context, req sdk.LogoutRequest) (sdk.Step, error) {
	return sdk.Redirect{URL: idp + "/logout?" + url.Values{"return": {req.ReturnURL}}.Encode(), Memory: []byte("memory")}, nil
}

// described publishes the document that its provider reads.
type described struct{ atCallback }

func (described) Metadata(context.Context) (sdk.Document, error) {
	return sdk.Document{ContentType: "application/xml", Content: []byte("<urls of='A'/>")}, nil
}

func newSiteOfMany(t *testing.T, configure func(*web.Config)) *site {
	t.Helper()
	var allowed []*url.URL
	for _, text := range []string{urlB, urlC, urlLocal} {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		allowed = append(allowed, u)
	}
	provider := func(name string) sso.Provider {
		return sso.Provider{
			Name: name, Driver: "openid", Label: strings.ToUpper(name), Mode: sso.ModeSession, LoginTimeout: 5 * time.Minute, AllowPublicRegistration: true,
			RedirectAllowList: []string{"https://app.example/welcome"},
		}
	}
	providers := directory{
		list:       []sso.Provider{provider("op"), provider("idp"), provider("dir")},
		mechanisms: map[string]sdk.Mechanism{"op": atCallback{}, "idp": described{}, "dir": prompting{}},
	}
	return newSiteMade(t, urlA, providers, func(c *web.Config) {
		c.AllowedPublicURLs = allowed
		if configure != nil {
			configure(c)
		}
	}, func(c *sso.Config) { c.AllowedPublicURLs, c.AccountLinking = []string{urlB, urlC, urlLocal}, true })
}

// visitor is a browser that reaches the site under all of its names.
type visitor struct {
	t    *testing.T
	http *http.Client
}

// proxied is a proxy that terminates TLS and passes on the Host, or writes the one in the
// header, which the cookie jar does not know.
type proxied struct{ to string }

func (p proxied) RoundTrip(req *http.Request) (*http.Response, error) {
	inner := req.Clone(req.Context())
	if inner.Host = req.URL.Host; req.Header.Get("Host") != "" {
		inner.Host = req.Header.Get("Host")
	}
	inner.URL.Scheme, inner.URL.Host = "http", p.to
	return http.DefaultTransport.RoundTrip(inner)
}

func (s *site) visitor(t *testing.T) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &visitor{t, &http.Client{
		Jar: jar, Transport: proxied{s.Listener.Addr().String()},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func (v *visitor) ask(method, target, body string, header ...string) answer {
	v.t.Helper()
	req, err := http.NewRequestWithContext(v.t.Context(), method, target, strings.NewReader(body))
	if err != nil {
		v.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := v.http.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return answer{resp, string(text)}
}

func (v *visitor) get(target string, header ...string) answer {
	v.t.Helper()
	return v.ask(http.MethodGet, target, "", header...)
}

func (v *visitor) post(target string, form url.Values, header ...string) answer {
	v.t.Helper()
	return v.ask(http.MethodPost, target, form.Encode(), append(header, "Content-Type", "application/x-www-form-urlencoded")...)
}

// begin begins a login at a public URL, and returns where the provider sends back to.
func (v *visitor) begin(public, path string) (callback, state string) {
	v.t.Helper()
	a := v.get(public + path)
	target, err := url.Parse(a.Header.Get("Location"))
	if err != nil || a.StatusCode != http.StatusFound || !strings.HasPrefix(target.String(), idp) {
		v.t.Fatalf("GET %s%s: %s to %q %s", public, path, a.Status, a.Header.Get("Location"), a.body)
	}
	return target.Query().Get("redirect_uri"), target.Query().Get("state")
}

func back(callback, state string) string {
	return callback + "?" + url.Values{"code": {"ada"}, "state": {state}, "of": {callback}}.Encode()
}

func (v *visitor) signIn(public, path string) answer {
	v.t.Helper()
	return v.get(back(v.begin(public, path)))
}

// status is the status of GET /users/me.
func (v *visitor) status(public string) int { return v.get(public + "/users/me").StatusCode }

func TestLoginAtEachPublicURL(t *testing.T) {
	for _, tt := range []struct{ public, home, cookie string }{
		{urlA, "/", "__Host-doorward_attempt_"},
		{urlB, "/sso/", "__Host-doorward_attempt_"},
		{urlC, "/", "__Host-doorward_attempt_"},
		{urlLocal, "/", "doorward_attempt_"},
	} {
		t.Run(tt.public, func(t *testing.T) {
			v := newSiteOfMany(t, nil).visitor(t)
			inside := strings.TrimSuffix(tt.public, "/sso") // the proxy takes the path away
			at := func(callback string) string { return strings.Replace(callback, tt.public, inside, 1) }
			started := v.get(inside + "/auth/login/op")
			if c := started.Cookies()[0]; !strings.HasPrefix(c.Name, tt.cookie) || c.Secure != strings.HasPrefix(tt.public, "https") || c.Domain != "" || c.Path != "/" {
				t.Errorf("cookie of the attempt: %s", c)
			}
			callback, state := v.begin(inside, "/auth/login/op")
			if want := tt.public + "/auth/login/op/callback"; callback != want {
				t.Fatalf("comes back to %s, want %s", callback, want)
			}
			query := url.Values{"code": {"ada"}, "state": {state}, "of": {callback}}.Encode()
			done := v.get(at(callback) + "?" + query)
			session := done.cookie("directus_session_token")
			if done.StatusCode != http.StatusFound || done.Header.Get("Location") != tt.home || session == nil {
				t.Fatalf("%s to %q, cookies %v", done.Status, done.Header.Get("Location"), done.Cookies())
			}
			if session.Secure != strings.HasPrefix(tt.public, "https") || session.Domain != "" {
				t.Errorf("session cookie %s", session)
			}
			if hsts := done.Header.Get("Strict-Transport-Security"); (hsts != "") != strings.HasPrefix(tt.public, "https") {
				t.Errorf("HSTS %q", hsts)
			}
			// Cookies of one public URL do not count at another.
			for _, other := range []string{urlA, "https://intern.example:8443", urlC, urlLocal} {
				if got, want := v.status(other), map[bool]int{true: 200, false: 401}[other == inside]; got != want {
					t.Errorf("at %s: %d, want %d", other, got, want)
				}
			}
			refreshed := v.ask(http.MethodPost, inside+"/auth/refresh", `{"mode":"session"}`, "Content-Type", "application/json", "Origin", inside)
			if refreshed.StatusCode != http.StatusOK || refreshed.cookie("directus_session_token") == nil {
				t.Errorf("refresh: %s %s", refreshed.Status, refreshed.body)
			}
			for _, path := range []string{"/", "/login", "/account", "/logout"} {
				body := v.get(inside+path, "Accept", acceptHTML).body
				if base := strings.TrimSuffix(tt.home, "/"); path != "/login" && !strings.Contains(body, `"`+base+`/auth/logout"`) || !strings.Contains(body, `"`+base+"/assets/") {
					t.Errorf("links of %s: %s", path, body)
				}
			}
			out := v.post(inside+"/auth/logout", url.Values{"mode": {"session"}}, "Accept", acceptHTML, "Origin", inside)
			if c := out.cookie("directus_session_token"); c == nil || c.MaxAge >= 0 || !strings.HasPrefix(out.Header.Get("Location"), idp+"/logout?return="+url.QueryEscape(tt.public+"/auth/login/op/logout?state=")) {
				t.Errorf("logout: %s to %q, %v", out.Status, out.Header.Get("Location"), out.Cookies())
			}
			if got := v.status(inside); got != http.StatusUnauthorized {
				t.Errorf("after the logout: %d", got)
			}
		})
	}
}

// TestHTTPSBesideHTTP: PUBLIC_URL is for development, and its cookies need not be Secure.
func TestHTTPSBesideHTTP(t *testing.T) {
	other, err := url.Parse(urlC)
	if err != nil {
		t.Fatal(err)
	}
	providers := directory{
		list:       []sso.Provider{{Name: "op", Label: "OP", Mode: sso.ModeSession, LoginTimeout: time.Minute, AllowPublicRegistration: true}},
		mechanisms: map[string]sdk.Mechanism{"op": atCallback{}},
	}
	v := newSiteMade(t, urlLocal, providers, func(c *web.Config) { c.AllowedPublicURLs = []*url.URL{other} },
		func(c *sso.Config) { c.AllowedPublicURLs = []string{urlC} }).visitor(t)
	for public, secure := range map[string]bool{urlLocal: false, urlC: true} {
		if c := v.signIn(public, "/auth/login/op").cookie("directus_session_token"); c == nil || c.Secure != secure {
			t.Errorf("at %s: %v", public, c)
		}
	}
}

// If the domain of a cookie covers the host, the cookie is for that domain, otherwise for
// the host only.
func TestCookieDomainAtEachPublicURL(t *testing.T) {
	v := newSiteOfMany(t, func(c *web.Config) { c.SessionCookie.Domain = "example.org" }).visitor(t)
	if c := v.signIn(urlC, "/auth/login/op").cookie("directus_session_token"); c == nil || c.Domain != "example.org" {
		t.Errorf("within the domain: %v", c)
	}
	if a, c := v.status(urlA), v.status(urlC); a != 200 || c != 200 {
		t.Errorf("of one domain: %d and %d", a, c)
	}
	if c := v.signIn(urlLocal, "/auth/login/op").cookie("directus_session_token"); c == nil || c.Domain != "" || c.Secure {
		t.Errorf("outside of it: %v", c)
	}
}

// At an http URL next to an https PUBLIC_URL a cookie is not Secure, unless its name or
// SameSite requires it.
func TestCookiesOverHTTPBesideHTTPS(t *testing.T) {
	for name, want := range map[string]bool{"directus_session_token": false, "__Host-session": true, "__Secure-session": true} {
		v := newSiteOfMany(t, func(c *web.Config) { c.SessionCookie.Name = name }).visitor(t)
		if c := v.signIn(urlLocal, "/auth/login/op").cookie(name); c == nil || c.Secure != want {
			t.Errorf("%s: %v", name, c)
		}
	}
	v := newSiteOfMany(t, func(c *web.Config) { c.SessionCookie.SameSite = http.SameSiteNoneMode }).visitor(t)
	if c := v.signIn(urlLocal, "/auth/login/op").cookie("directus_session_token"); c == nil || !c.Secure {
		t.Errorf("SameSite=None: %v", c)
	}
}

// Only the Host says which URL a request came to.
func TestHostChoosesAmongPublicURLs(t *testing.T) {
	v := newSiteOfMany(t, nil).visitor(t)
	for host, want := range map[string]string{
		"login.example.org":          urlA,
		"team.example.org":           urlC,
		"TEAM.Example.org":           urlC,
		"team.example.org:443":       urlC,
		"team.example.org:80":        urlA,
		"team.example.org:8443":      urlA,
		"team.example.org.":          urlA,
		"intern.example:8443":        urlB,
		"intern.example":             urlA,
		"intern.example:443":         urlA,
		"localhost:8055":             urlLocal,
		"localhost":                  urlA,
		"evil.example":               urlA,
		"team.example.org.evil":      urlA,
		"evil@team.example.org":      urlA,
		"team.example.org@evil":      urlA,
		"team.example.org:443:443":   urlA,
		"team.example.org,evil":      urlA,
		"[::1]:8055":                 urlA,
		"127.0.0.1:8055":             urlA,
		strings.Repeat("a.", 4000):   urlA,
		"team.example.org:443.evil":  urlA,
		"%74eam.example.org":         urlA,
		"team.example.org:000443":    urlA,
		"xn--team-.example.org:443":  urlA,
		"localhost:8055:8055":        urlA,
		"https://team.example.org":   urlA,
		"team.example.org/sso":       urlA,
		"intern.example:8443/sso":    urlA,
		"login.example.org%0d%0aX:y": urlA,
	} {
		a := v.get(urlA+"/auth/login/op", "Host", host)
		target, err := url.Parse(a.Header.Get("Location"))
		if a.StatusCode == http.StatusBadRequest {
			continue // net/http takes it for no host
		}
		if got := target.Query().Get("redirect_uri"); err != nil || got != want+"/auth/login/op/callback" {
			t.Errorf("Host %.60s: %s, back to %s, want %s", host, a.Status, got, want)
		}
	}
	for name, value := range map[string]string{
		"X-Forwarded-Host": "team.example.org", "X-Forwarded-Proto": "http", "Forwarded": "host=team.example.org;proto=http",
		"X-Host": "team.example.org", "X-Original-Host": "team.example.org", "X-Forwarded-Server": "team.example.org", "X-Forwarded-Prefix": "/evil",
	} {
		if callback, _ := v.beginWith(urlA, name, value); callback != urlA+"/auth/login/op/callback" {
			t.Errorf("%s: back to %s", name, callback)
		}
	}
}

func (v *visitor) beginWith(public string, header ...string) (callback, state string) {
	v.t.Helper()
	target, err := url.Parse(v.get(public+"/auth/login/op", header...).Header.Get("Location"))
	if err != nil {
		v.t.Fatal(err)
	}
	return target.Query().Get("redirect_uri"), target.Query().Get("state")
}

// Requests that a client of the standard library does not send.
func TestRawHosts(t *testing.T) {
	s := newSiteOfMany(t, nil)
	for name, tt := range map[string]struct{ request, want string }{
		"two of them":           {"GET /auth/login/op HTTP/1.1\r\nHost: login.example.org\r\nHost: team.example.org\r\n\r\n", "400"},
		"none":                  {"GET /auth/login/op HTTP/1.1\r\n\r\n", "400"},
		"none, HTTP/1.0":        {"GET /auth/login/op HTTP/1.0\r\n\r\n", urlA},
		"empty":                 {"GET /auth/login/op HTTP/1.1\r\nHost: \r\n\r\n", urlA},
		"in the request target": {"GET https://team.example.org/auth/login/op HTTP/1.1\r\nHost: login.example.org\r\n\r\n", urlC},
		"another there":         {"GET https://evil.example/auth/login/op HTTP/1.1\r\nHost: team.example.org\r\n\r\n", urlA},
		"a user there":          {"GET https://team.example.org@evil.example/auth/login/op HTTP/1.1\r\nHost: team.example.org\r\n\r\n", urlA},
	} {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
		if _, err := io.WriteString(conn, tt.request); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		resp.Body.Close()
		got := fmt.Sprint(resp.StatusCode)
		if target, err := url.Parse(resp.Header.Get("Location")); err == nil && target.Query().Has("redirect_uri") {
			got = strings.TrimSuffix(target.Query().Get("redirect_uri"), "/auth/login/op/callback")
		}
		if got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}

// A login that began at one public URL does not end at another, however its response gets
// there, and is not used up by that.
func TestLoginIsOfOnePublicURL(t *testing.T) {
	for _, tt := range []struct{ begun, arrives string }{{urlA, urlC}, {urlC, urlA}, {urlC, "https://evil.example"}, {urlLocal, "http://localhost:8056"}} {
		v := newSiteOfMany(t, nil).visitor(t)
		callback, state := v.begin(tt.begun, "/auth/login/op?redirect=/app")
		elsewhere := back(tt.arrives+"/auth/login/op/callback", state)
		if a := v.get(elsewhere); a.StatusCode != http.StatusUnauthorized || len(a.Cookies()) > 0 {
			t.Errorf("%s at %s, as a browser does it: %s %v", tt.begun, tt.arrives, a.Status, a.Cookies())
		}
		// With the cookie nevertheless: a forged Host, or a proxy that writes one.
		host, _ := url.Parse(tt.arrives)
		if a := v.get(back(callback, state), "Host", host.Host); a.StatusCode != http.StatusUnauthorized || a.cookie("directus_session_token") != nil || a.Header.Get("Location") != "" {
			t.Errorf("%s with the Host of %s: %s %v to %q", tt.begun, tt.arrives, a.Status, a.Cookies(), a.Header.Get("Location"))
		}
		if a := v.get(back(callback, state)); a.Header.Get("Location") != "/app" || v.status(tt.begun) != http.StatusOK {
			t.Errorf("%s where it began: %s to %q", tt.begun, a.Status, a.Header.Get("Location"))
		}
	}
}

// A session cookie that is copied manually from one public URL to another is still a
// session of the same user. A page of one URL is another site at the other.
func TestOtherPublicURLsAreOtherSites(t *testing.T) {
	v := newSiteOfMany(t, func(c *web.Config) { c.SessionCookie.Domain = "example.org" }).visitor(t)
	v.signIn(urlA, "/auth/login/op")
	for _, tt := range []struct {
		public, origin, fetch string
		refused               bool
	}{
		{urlA, urlA, "", false}, {urlC, urlC, "", false}, {urlA, urlC, "", true}, {urlC, urlA, "", true}, {urlC, "null", "", true},
		{urlC, urlC, "same-origin", false}, {urlC, urlC, "same-site", true}, {urlC, urlC, "cross-site", true},
		{urlA, "https://evil.example", "", true}, {urlC, "https://team.example.org.evil", "", true}, {urlC, "http://team.example.org", "", true},
	} {
		header := []string{"Content-Type", "application/json", "Origin", tt.origin}
		if tt.fetch != "" {
			header = append(header, "Sec-Fetch-Site", tt.fetch)
		}
		a := v.ask(http.MethodPost, tt.public+"/auth/refresh", `{"mode":"session"}`, header...)
		if (a.StatusCode == http.StatusForbidden) != tt.refused || !tt.refused && a.StatusCode != http.StatusOK {
			t.Errorf("%s from %s (%s): %s", tt.public, tt.origin, tt.fetch, a.Status)
		}
	}
	if a := v.ask(http.MethodPost, urlC+"/auth/refresh", `{"mode":"session"}`, "Content-Type", "application/json", "Origin", urlC, "Host", "login.example.org"); a.StatusCode != http.StatusForbidden {
		t.Errorf("C's page with A's Host: %s", a.Status)
	}
}

// A login is allowed to return to the same places at all of them: to all of them, and to no
// place that the Host names.
func TestRedirectsAtEachPublicURL(t *testing.T) {
	s := newSiteOfMany(t, nil)
	for asked, want := range map[string]string{
		"/app":                                  "/app",
		urlA + "/x":                             urlA + "/x",
		urlC + "/x":                             urlC + "/x",
		"https://intern.example:8443/":          "https://intern.example:8443/",
		urlLocal + "/x":                         urlLocal + "/x",
		urlC + "/auth/login/op":                 "/",
		"https://intern.example:8443/sso/login": "/",
		"https://intern.example:8443/sso/":      "https://intern.example:8443/sso/",
		"https://app.example/welcome":           "https://app.example/welcome",
		"https://evil.example/":                 "",
		"https://team.example.org.evil/":        "",
		"https://team.example.org@evil.example": "",
		"http://team.example.org/":              "",
		"https://intern.example/":               "",
		"//team.example.org/x":                  "",
		"http://localhost:8056/x":               "",
	} {
		for _, public := range []string{urlA, urlC, urlLocal} {
			v := s.visitor(t)
			link := "/auth/login/op?redirect=" + url.QueryEscape(asked)
			if want == "" {
				if a := v.get(public + link); a.StatusCode != http.StatusBadRequest {
					t.Errorf("%s at %s: %s to %s", asked, public, a.Status, a.Header.Get("Location"))
				}
				continue
			}
			if got := v.signIn(public, link).Header.Get("Location"); got != want {
				t.Errorf("%s at %s: to %q, want %q", asked, public, got, want)
			}
		}
	}
	v := s.visitor(t)
	if a := v.get(urlA+"/auth/login/op?redirect="+url.QueryEscape("https://evil.example/"), "Host", "evil.example"); a.StatusCode != http.StatusBadRequest {
		t.Errorf("an open redirect by the Host: %s to %s", a.Status, a.Header.Get("Location"))
	}
	if a := v.get(urlA+"/", "Host", "evil.example", "Accept", acceptHTML); strings.Contains(a.Header.Get("Location")+a.body, "evil") {
		t.Errorf("the Host is repeated: %q %s", a.Header.Get("Location"), a.body)
	}
}

// Cacheable answers do not depend on the Host.
func TestPublicDocumentsDoNotDependOnTheHost(t *testing.T) {
	v := newSiteOfMany(t, nil).visitor(t)
	for _, path := range []string{"/.well-known/jwks.json", "/.well-known/oauth-authorization-server", "/auth/login/idp/metadata"} {
		first := v.get(urlA + path)
		for _, host := range []string{"team.example.org", "intern.example:8443", "evil.example"} {
			a := v.get(urlA+path, "Host", host)
			if a.StatusCode != http.StatusOK || a.body != first.body || strings.Contains(a.body, strings.Split(host, ":")[0]) {
				t.Errorf("%s with the Host %s: %s %s", path, host, a.Status, a.body)
			}
		}
	}
	if body := v.get(urlC + "/.well-known/oauth-authorization-server").body; !strings.Contains(body, `"issuer":"`+urlA+`"`) {
		t.Errorf("issuer: %s", body)
	}
	for _, public := range []string{urlA, urlC} {
		for _, path := range []string{"/", "/login", "/auth", "/auth/login/op"} {
			if got := v.get(public+path, "Accept", acceptHTML).Header.Get("Cache-Control"); got != "no-store" {
				t.Errorf("%s%s may be stored: %q", public, path, got)
			}
		}
	}
}
