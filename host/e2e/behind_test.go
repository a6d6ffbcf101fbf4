package e2e

import (
	"crypto/rand"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/doorward/doorward/plugins/openid/openidtest"
	"github.com/doorward/doorward/plugins/saml/samltest"
)

// startBehind runs a host behind a front. The providers are "fake" (OpenID Connect), and "idp"
// and "large" (SAML), of which the last sends a lot of data about each user.
func startBehind(t *testing.T, name string, op openidtest.Config, env map[string]string) (*behind, *testHost) {
	t.Helper()
	b := newPlace(t)
	client := openidtest.Client{
		ID: "doorward", Secret: newClientSecret(), RedirectURIs: []string{b.public() + "/auth/login/fake/callback"},
		PostLogoutRedirectURIs: []string{b.public() + "/auth/login/fake/logout"},
	}
	op.Clients = []openidtest.Client{client}
	fake := openidtest.Start(t, op)
	all := map[string]string{
		"AUTH_PROVIDERS": "fake,idp,large", "PUBLIC_URL": b.public() + "/", "IP_TRUST_PROXY": "127.0.0.1", "LOG_LEVEL": "debug",
		"SESSION_COOKIE_NAME": "__Host-session_token", "REFRESH_TOKEN_COOKIE_NAME": "__Host-refresh_token",
	}
	provider(all, "FAKE", map[string]string{
		"DRIVER": "openid", "LABEL": "Fake Provider", "ISSUER_URL": fake.Issuer(), "CLIENT_ID": client.ID, "CLIENT_SECRET": client.Secret,
		"ALLOW_PUBLIC_REGISTRATION": "true",
	})
	for idp, told := range map[string]int{"IDP": 0, "LARGE": 220_000} {
		provider(all, idp, map[string]string{"DRIVER": "saml", "IDP_METADATA_URL": startTalkative(t, told), "ALLOW_PUBLIC_REGISTRATION": "true"})
	}
	maps.Copy(all, env)
	host := startHost(t, HostConfig{Port: b.hostPort, Env: all})
	host.secrets.add("client secret", client.Secret)
	b.start(t, name)
	return b, host
}

// startTalkative runs a SAML provider that sends this many bytes about each user.
func startTalkative(t *testing.T, bytes int) (metadata string) {
	t.Helper()
	user := samltest.User{NameID: "alice"}
	for range bytes / 1000 {
		user.Attributes = append(user.Attributes, samltest.Attribute{Name: "group", Values: []string{rand.Text() + strings.Repeat("g", 950)}})
	}
	idp, err := samltest.Listen(samltest.Config{AutoApprove: true, Users: []samltest.User{user}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = idp.Close() })
	return idp.MetadataURL()
}

// The configuration of each proxy in docs/production.md works: complete logins, long URLs and
// large bodies work, and forwarding headers of a client have no effect.
func TestBehindProxies(t *testing.T) {
	for name := range fronts {
		t.Run(name, func(t *testing.T) {
			b, host := startBehind(t, name, openidtest.Config{AutoApprove: true}, nil)
			t.Run("OpenID", func(t *testing.T) { testLoginBehind(t, b, host, "fake") })
			t.Run("SAML", func(t *testing.T) { testLoginBehind(t, b, host, "idp") })
			t.Run("large", func(t *testing.T) { testLargeBehind(t, b, host) })
			t.Run("long", func(t *testing.T) { testLongBehind(t, b, host) })
			t.Run("B12 B13 B14 forged", func(t *testing.T) { testForgedBehind(t, b, host, name) })
			t.Run("B15 odd paths", func(t *testing.T) { testOddPathsBehind(t, b, host) })
			t.Run("redirects", func(t *testing.T) { testRedirectsBehind(t, b, host, name) })
			if log := b.log(t); name != "Caddy" && !strings.Contains(log, "/sso/auth/login/fake/callback") {
				t.Errorf("the log of requests has none:\n%s", log)
			}
			if strings.Contains(b.log(t), "temporary file") {
				t.Errorf("the proxy writes what passes through it to a disk:\n%s", b.log(t))
			}
			for _, leak := range host.secrets.leaks(b.log(t)) {
				t.Errorf("L06 the proxy logged %s", leak)
			}
		})
	}
}

func testLoginBehind(t *testing.T, b *behind, host *testHost, mechanism string) {
	person := b.person(t, host, "alice")
	done := person.signIn(b.public() + "/auth/login/" + mechanism)
	if target := done.location(); target == nil || target.String() != b.public()+"/" {
		t.Fatalf("signed in, and sent to %v: %d %.300s", target, done.status, done.body)
	}
	wantSecureCookies(t, done)
	if home := person.get(b.public() + "/"); home.status != http.StatusOK || !strings.Contains(home.body, `action="/sso/auth/logout"`) {
		t.Errorf("home: %d %.300s", home.status, home.body)
	}
	me := person.call(http.MethodGet, "/users/me", nil, nil)
	if me.status != http.StatusOK || me.json(t).Data.Provider != mechanism {
		t.Errorf("me: %d %s", me.status, me.body)
	}
	if got := person.goOn(person.post(done.url, "/sso/auth/logout", url.Values{"mode": {"session"}})); got.location() == nil || !strings.HasPrefix(got.location().String(), b.public()+"/login") {
		t.Errorf("signing out: %d to %v", got.status, got.location())
	}
	if me := person.call(http.MethodGet, "/users/me", nil, nil); me.status != http.StatusUnauthorized {
		t.Errorf("me after signing out: %d %s", me.status, me.body)
	}
	wantClientAddress(t, host)
}

// wantSecureCookies checks that the cookies of a response fit their names: browsers otherwise
// drop cookies with __Host-.
func wantSecureCookies(t *testing.T, got answer) {
	t.Helper()
	cookies := (&http.Response{Header: got.header}).Cookies()
	if len(cookies) == 0 {
		t.Errorf("no cookie: %d", got.status)
	}
	for _, cookie := range cookies {
		if !cookie.Secure || !cookie.HttpOnly || cookie.Path != "/" || cookie.Domain != "" || !strings.HasPrefix(cookie.Name, "__Host-") {
			t.Errorf("the cookie %s: %+v", cookie.Name, cookie)
		}
	}
}

// wantClientAddress checks that the log has the address of the client for all requests through
// the front.
func wantClientAddress(t *testing.T, host *testHost) {
	t.Helper()
	seen := 0
	for line := range strings.Lines(host.Logs()) {
		if !strings.Contains(line, "request: method=") || strings.Contains(line, "path=/server/") {
			continue // requests of the front itself, and direct requests of the test
		}
		if seen++; !strings.Contains(line, " ip="+outsideAddress+" ") {
			t.Errorf("B14 logged: %s", line)
		}
	}
	if seen == 0 {
		t.Error("no request is logged")
	}
}

// testLargeBehind signs in with a response that is nearly as large as the limit for SAML, and
// posts one that is too large: the host must refuse it, not the front.
func testLargeBehind(t *testing.T, b *behind, host *testHost) {
	testLoginBehind(t, b, host, "large")
	person := b.person(t, host, "alice")
	person.accept = "application/json"
	for size, want := range map[int]int{500_000: http.StatusBadRequest, 600_000: http.StatusRequestEntityTooLarge} {
		got := person.post(mustParse(t, b.public()), b.public()+"/auth/login/idp/acs", url.Values{"SAMLResponse": {strings.Repeat("A", size)}})
		wantStatus(t, fmt.Sprintf("%d bytes", size), got, want)
		if got.header.Get("X-Request-Id") == "" {
			t.Errorf("%d bytes: answered by the proxy: %s", size, got.body)
		}
	}
}

// testLongBehind uses maximum lengths: the return URL, and with it the URL at the provider and
// the cookies, and the cookies of an application on the same host name.
func testLongBehind(t *testing.T, b *behind, host *testHost) {
	person := b.person(t, host, "alice")
	home := mustParse(t, b.public())
	var theirs []*http.Cookie
	for i := range 4 {
		theirs = append(theirs, &http.Cookie{Name: fmt.Sprint("theirs", i), Value: strings.Repeat("c", 3000), Path: "/", Secure: true})
	}
	person.client.Jar.SetCookies(home, theirs)
	long := "/" + strings.Repeat("r", 2000)
	longest := 0
	for range 6 {
		begun := person.get(b.public() + "/auth/login/idp?redirect=" + long)
		wantStatus(t, "beginning a login", begun, http.StatusFound)
		longest = max(longest, headSize(begun.header))
	}
	if longest <= 4096 {
		t.Errorf("the longest head of an answer has %d bytes, which all proxies take anyway", longest)
	}
	for _, mechanism := range []string{"fake", "idp"} {
		if done := person.signIn(b.public() + "/auth/login/" + mechanism + "?redirect=" + long); done.location() == nil || done.location().Path != long {
			t.Errorf("%s: %d %.300s", mechanism, done.status, done.body)
		}
	}
	// The longest URL of a signed message with the redirect binding of SAML.
	query := url.Values{"SAMLResponse": {strings.Repeat("A", 14_000)}}
	if got := person.get(b.public() + "/auth/login/idp/logout?" + query.Encode()); got.header.Get("X-Request-Id") == "" {
		t.Errorf("answered by the proxy: %d %.300s", got.status, got.body)
	}
}

func headSize(header http.Header) int {
	n := 0
	for name, values := range header {
		for _, value := range values {
			n += len(name) + len(value) + len(": \r\n")
		}
	}
	return n
}

// forged are headers with which a client can pretend to have another address or URL.
var forged = http.Header{
	"X-Forwarded-For": {"192.0.2.66"}, "X-Real-Ip": {"192.0.2.66"}, "X-Forwarded-Proto": {"http"}, "X-Forwarded-Host": {"evil.example"},
	"X-Forwarded-Port": {"81"}, "X-Forwarded-Prefix": {"/evil"}, "X-Forwarded-Server": {"evil.example"}, "X-Forwarded-Ssl": {"off"},
	"X-Original-Url": {"/evil"}, "X-Rewrite-Url": {"/evil"}, "X-Url-Scheme": {"http"}, "Front-End-Https": {"off"},
	"Forwarded": {"for=192.0.2.66;proto=http;host=evil.example"}, "Cf-Connecting-Ip": {"192.0.2.66"}, "True-Client-Ip": {"192.0.2.66"},
}

// testForgedBehind compares the responses of a login with and without them.
func testForgedBehind(t *testing.T, b *behind, host *testHost, name string) {
	for what, path := range map[string]string{
		"login": "/auth/login/fake", "metadata": "/auth/login/idp/metadata", "page": "/login", "home": "/", "not there": "/nothing",
	} {
		honest := b.person(t, host, "alice").get(b.public() + path)
		got := b.person(t, host, "alice").do(http.MethodGet, b.public()+path, nil, forged.Clone())
		if got.status != honest.status || strings.Contains(got.body+fmt.Sprint(got.header), "evil") {
			t.Errorf("%s: %d %v %s", what, got.status, got.header, got.body)
		}
		if target := honest.location(); target != nil && (got.location() == nil || got.location().Query().Get("redirect_uri") != target.Query().Get("redirect_uri") || got.location().Path != target.Path) {
			t.Errorf("%s: sent to %v, and without it to %v", what, got.location(), target)
		}
		if hsts := got.header.Values("Strict-Transport-Security"); len(hsts) != 1 || hsts[0] == "" {
			t.Errorf("%s: Strict-Transport-Security is %q", what, hsts)
		}
		if what == "login" {
			wantSecureCookies(t, got)
			if want := b.public() + "/auth/login/fake/callback"; got.location().Query().Get("redirect_uri") != want {
				t.Errorf("redirect_uri is %s", got.location())
			}
		}
	}
	wantClientAddress(t, host)
	if name == "Caddy" {
		return // the front serves no other host name
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.public()+"/auth/login/fake", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "evil.example"
	resp, err := b.outside(t).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	target := mustParse(t, resp.Header.Get("Location"))
	if want := b.public() + "/auth/login/fake/callback"; target.Query().Get("redirect_uri") != want || strings.Contains(fmt.Sprint(resp.Header), "evil") {
		t.Errorf("B12 with another Host: %s %v", resp.Status, resp.Header)
	}
}

// testOddPathsBehind: however a proxy treats such a path, nobody is redirected to another
// site, and no login or session begins or ends.
func testOddPathsBehind(t *testing.T, b *behind, host *testHost) {
	for _, path := range []string{
		"//evil.example/", "//login", "/./login", "/%2e%2e/login", "/..;/login", "/%2Flogin", "/auth%2flogin%2fnobody", "/LOGIN", "/login%00", "/login;a=b",
	} {
		got := b.person(t, host, "alice").get(b.public() + path)
		if target := got.location(); got.status >= 500 || target != nil && target.Host != mustParse(t, b.public()).Host {
			t.Errorf("%s: %d to %v", path, got.status, target)
		}
		if len(got.header.Values("Set-Cookie")) > 0 {
			t.Errorf("%s sets cookies: %v", path, got.header)
		}
	}
}

func mustParse(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// testRedirectsBehind checks the redirects for addresses that a person types.
func testRedirectsBehind(t *testing.T, b *behind, host *testHost, name string) {
	person := b.person(t, host, "alice")
	for path, want := range map[string]string{"": "/sso/", "/": "/sso/login"} {
		if got := person.get(b.public() + path); got.location() == nil || got.location().Path != want || got.location().Host != mustParse(t, b.public()).Host {
			t.Errorf("%s%s leads to %v: %d", b.public(), path, got.location(), got.status)
		}
	}
	if name == "Caddy" {
		return // redirects by itself, unless the ports differ
	}
	got := person.get(localURL("localhost", b.plainPort) + "/sso/login")
	if target := got.location(); target == nil || target.Scheme != "https" || target.Path != "/sso/login" {
		t.Errorf("without TLS: %d to %v", got.status, target)
	}
}
