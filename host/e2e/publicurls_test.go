package e2e

import (
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/doorward/doorward/plugins/openid/openidtest"
	"github.com/doorward/doorward/plugins/saml/samltest"
)

// manyURLs is a host with two public URLs, each of a proxy that ends TLS, passes the Host
// and takes away the path.
type manyURLs struct {
	*behind // whose pair is that of both proxies
	host    *testHost
	urls    []string // that of PUBLIC_URL, and another one with a path
}

// startMany has the certified OpenID provider as "op" (openid), "posted" (the same, with
// form_post) and "plain" (oauth2), and a SAML provider as "idp".
func startMany(t *testing.T) *manyURLs {
	t.Helper()
	m := &manyURLs{behind: newPlace(t)}
	var err error
	if m.pair, err = m.authority.issue("both", "localhost", "127.0.0.1"); err != nil {
		t.Fatal(err)
	}
	first, second := m.proxy(t, ""), m.proxy(t, "/intern")
	m.urls = []string{fmt.Sprintf("https://localhost:%d", first), fmt.Sprintf("https://127.0.0.1:%d/intern", second)}

	var callbacks, logouts []string
	for _, public := range m.urls {
		for _, name := range []string{"op", "posted", "plain"} {
			callbacks = append(callbacks, public+"/auth/login/"+name+"/callback")
		}
		logouts = append(logouts, public+"/auth/login/op/logout")
	}
	secret := newClientSecret()
	op := startOPWith(t, opSetup{Clients: []map[string]any{{
		"client_id": "rp-many", "client_secret": secret, "redirect_uris": callbacks, "post_logout_redirect_uris": logouts,
		"grant_types": []string{"authorization_code", "refresh_token"}, "response_types": []string{"code"},
	}}}, 0, secret, callbacks...)
	idp, err := samltest.Listen(samltest.Config{AutoApprove: true, Users: []samltest.User{{NameID: "alice"}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = idp.Close() })

	env := map[string]string{
		"AUTH_PROVIDERS": "op,posted,plain,idp", "PUBLIC_URL": m.urls[0], "AUTH_ALLOWED_PUBLIC_URLS": strings.Join(m.urls[1:], ","), "IP_TRUST_PROXY": "127.0.0.1",
	}
	for _, name := range []string{"OP", "POSTED"} {
		provider(env, name, map[string]string{
			"DRIVER": "openid", "ISSUER_URL": op.Issuer, "CLIENT_ID": "rp-many", "CLIENT_SECRET": secret, "OFFLINE_ACCESS": "true", "ALLOW_PUBLIC_REGISTRATION": "true",
		})
	}
	provider(env, "POSTED", map[string]string{"PARAMS": `{"response_mode":"form_post"}`, "KEEP_PROVIDER_SESSION": "true"})
	provider(env, "PLAIN", map[string]string{
		"DRIVER": "oauth2", "AUTHORIZE_URL": op.Issuer + "/auth", "ACCESS_URL": op.Issuer + "/token", "PROFILE_URL": op.Issuer + "/api/owner",
		"ISSUER": op.Issuer, "CLIENT_ID": "plain", "CLIENT_SECRET": secret, "SCOPE": "profile_api", "REQUIRED_SCOPES": "profile_api", "IDENTIFIER_KEY": "sub",
		"ALLOW_PUBLIC_REGISTRATION": "true",
	})
	provider(env, "IDP", map[string]string{"DRIVER": "saml", "IDP_METADATA_URL": idp.MetadataURL(), "ALLOW_PUBLIC_REGISTRATION": "true"})
	m.host = startHost(t, HostConfig{Port: m.hostPort, Env: env})
	m.host.secrets.add("client secret", secret)
	return m
}

// proxy runs one before the host until the test ends, and returns its port.
func (m *manyURLs) proxy(t *testing.T, path string) int {
	t.Helper()
	certificate, err := tls.LoadX509KeyPair(m.pair.CertFile, m.pair.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12})
	if err != nil {
		t.Fatal(err)
	}
	to := &url.URL{Scheme: "http", Host: m.place.host()}
	serveOn(t, listener, http.StripPrefix(path, &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Host = r.In.Host
		r.SetXForwarded()
		r.Out.Header.Set("X-Forwarded-Host", "evil.example") // which nobody reads
	}}))
	address, _ := listener.Addr().(*net.TCPAddr)
	return address.Port
}

// at is somebody with a browser at one of the public URLs. Those of one browser share its
// cookies.
func (m *manyURLs) at(t *testing.T, public string, browser *http.Client) *agent {
	t.Helper()
	seen := *m.host.Host
	seen.URL = public
	person := newAgent(t, &testHost{Host: &seen, secrets: m.host.secrets}, "alice")
	if browser != nil {
		person.client = browser
	}
	person.client.Transport = m.outside(t)
	return person
}

// TestSeveralPublicURLs signs in at two names of one host, through plugins and at providers
// that compare the callback byte for byte at both of their endpoints.
func TestSeveralPublicURLs(t *testing.T) {
	m := startMany(t)
	for _, name := range []string{"op", "posted", "plain"} {
		t.Run(name, func(t *testing.T) {
			var browser *http.Client
			var signedIn []*agent
			for _, public := range m.urls {
				person := m.at(t, public, browser)
				browser = person.client
				got := person.signIn(public + "/auth/login/" + name + "?mode=session&redirect=/app")
				if target := got.location(); target == nil || target.String() != origin(t, public)+"/app" || person.cookie(sessionCookie) == "" {
					t.Fatalf("at %s: %d to %v %.300s", public, got.status, target, got.body)
				}
				signedIn = append(signedIn, person)
			}
			one, two := signedIn[0], signedIn[1]
			if first, second := one.cookie(sessionCookie), two.cookie(sessionCookie); first == second {
				t.Error("both have one session")
			}
			for i, person := range signedIn {
				refreshed := person.call(http.MethodPost, "/auth/refresh", map[string]string{"mode": "session"}, http.Header{"Origin": {origin(t, m.urls[i])}})
				if me := person.call(http.MethodGet, "/users/me", nil, nil); refreshed.status != http.StatusOK || me.status != http.StatusOK || me.json(t).Data.ExternalIdentifier != "alice" {
					t.Errorf("at %s: refresh %d %s, me %d %s", m.urls[i], refreshed.status, refreshed.body, me.status, me.body)
				}
			}
			// Signing out at one, and at its provider, comes back to the same one, and
			// leaves the other.
			home := one.get(m.urls[0] + "/")
			if got := one.goOn(one.post(home.url, "/auth/logout", url.Values{"mode": {"session"}})); got.location() == nil || got.location().String() != m.urls[0]+"/login?signed_out" {
				t.Errorf("signing out: %d to %v", got.status, got.location())
			}
			if a, b := one.call(http.MethodGet, "/users/me", nil, nil), two.call(http.MethodGet, "/users/me", nil, nil); a.status != http.StatusUnauthorized || b.status != http.StatusOK {
				t.Errorf("after that: %d and %d", a.status, b.status)
			}
			home = two.get(m.urls[1] + "/")
			if got := two.goOn(two.post(home.url, "/intern/auth/logout", url.Values{"mode": {"session"}})); got.location() == nil || got.location().String() != m.urls[1]+"/login?signed_out" {
				t.Errorf("signing out at the other: %d to %v", got.status, got.location())
			}
		})
	}
	t.Run("a login ends where it began", func(t *testing.T) { m.testEndsWhereItBegan(t) })
	t.Run("SAML", func(t *testing.T) { m.testSAML(t) })
	t.Run("what the operator is told", func(t *testing.T) { m.testTold(t) })
	t.Run("issuer and keys", func(t *testing.T) { m.testIssuer(t) })
}

func origin(t *testing.T, text string) string {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u.Scheme + "://" + u.Host
}

func (m *manyURLs) testEndsWhereItBegan(t *testing.T) {
	person := m.at(t, m.urls[1], nil)
	back := person.untilCallback(m.urls[1] + "/auth/login/op?redirect=/app")
	if !strings.HasPrefix(back.String(), m.urls[1]+"/auth/login/op/callback?") {
		t.Fatalf("the provider sends back to %s", back)
	}
	elsewhere := strings.Replace(back.String(), m.urls[1], m.urls[0], 1)
	if got := person.get(elsewhere); got.status != http.StatusUnauthorized {
		t.Errorf("at the other: %d %.300s", got.status, got.body)
	}
	if got := person.get(back.String()); got.location() == nil || got.location().Path != "/app" {
		t.Errorf("where it began: %d %.300s", got.status, got.body)
	}
}

// untilCallback signs in at the provider, and returns where that sends the browser.
func (a *agent) untilCallback(target string) *url.URL {
	a.t.Helper()
	got := a.get(target)
	for range maxSteps {
		if to := got.location(); to != nil && strings.HasSuffix(to.Path, "/callback") && a.isHost(to) {
			return to
		}
		next, ok := a.next(got)
		if !ok {
			break
		}
		got = next
	}
	a.t.Fatalf("no callback: %d at %s", got.status, got.url)
	return nil
}

// A SAML provider has read our metadata, which is of PUBLIC_URL: the login goes there.
func (m *manyURLs) testSAML(t *testing.T) {
	person := m.at(t, m.urls[0], nil)
	got := person.goOn(person.get(m.urls[1] + "/auth/login/idp?mode=session&redirect=/intern/account"))
	for range 2 { // to PUBLIC_URL, and from there to the provider
		if to := got.location(); to != nil && to.Path == "/auth/login/idp" {
			if origin(t, to.String()) != m.urls[0] {
				t.Fatalf("sent on to %s", to)
			}
			got = person.goOn(person.get(to.String()))
		}
	}
	if to := got.location(); to == nil || to.String() != m.urls[0]+"/account" {
		t.Errorf("signed in, and sent to %v: %d %.300s", to, got.status, got.body)
	}
	if me := person.call(http.MethodGet, "/users/me", nil, nil); me.status != http.StatusOK {
		t.Errorf("at PUBLIC_URL: %d", me.status)
	}
	if me := m.at(t, m.urls[1], person.client).call(http.MethodGet, "/users/me", nil, nil); me.status != http.StatusUnauthorized {
		t.Errorf("at the other: %d", me.status)
	}
}

func (m *manyURLs) testTold(t *testing.T) {
	if log := m.host.Logs(); !strings.Contains(log, "logins may begin at another URL, too") || !strings.Contains(log, m.urls[1]+"/auth/login/<provider>/callback") {
		t.Error("the log of the start does not say what to register")
	}
	said := map[string]string{}
	for name, checked := range m.host.checkJSON(t, 0) {
		for _, f := range checked.Findings {
			said[name] += f.Text + "\n"
		}
	}
	for _, name := range []string{"op", "plain"} {
		for _, public := range m.urls {
			if want := "register " + public + "/auth/login/" + name + "/callback"; !strings.Contains(said[name], want) {
				t.Errorf("check of %s does not say: %s\n%s", name, want, said[name])
			}
		}
	}
	if strings.Contains(said["idp"], m.urls[1]) {
		t.Errorf("check of idp: %s", said["idp"])
	}
}

func (m *manyURLs) testIssuer(t *testing.T) {
	read := func(public, path string) string { return m.at(t, public, nil).get(public + path).body }
	for _, path := range []string{"/.well-known/oauth-authorization-server", "/.well-known/jwks.json", "/auth/login/idp/metadata"} {
		if one, two := read(m.urls[0], path), read(m.urls[1], path); one != two || strings.Contains(two, m.urls[1]) {
			t.Errorf("%s differs:\n%s\n%s", path, one, two)
		}
	}
	person := m.at(t, m.urls[1], nil)
	tokens := person.signIn(m.urls[1] + "/auth/login/op?mode=json").json(t).Data
	var claims struct {
		Issuer string `json:"iss"`
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(tokens.AccessToken, ".")[1])
	if err == nil {
		err = json.Unmarshal(payload, &claims)
	}
	if err != nil || claims.Issuer != m.urls[0] {
		t.Errorf("iss is %q, %v", claims.Issuer, err)
	}
}

// What docs/production.md says that the proxies must be told, or need not.
func TestSeveralPublicURLsBehindProxies(t *testing.T) {
	for name, edits := range map[string][]string{
		"nginx":   {"proxy_set_header X-Forwarded-For", "proxy_set_header Host $http_host;\n        proxy_set_header X-Forwarded-For"},
		"HAProxy": nil,
		"Caddy":   {"https://localhost:", "https://127.0.0.1:PORT, https://localhost:"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newPlace(t)
			var err error
			if b.pair, err = b.authority.issue("both", "localhost", "127.0.0.1"); err != nil {
				t.Fatal(err)
			}
			other := fmt.Sprintf("https://127.0.0.1:%d/sso", b.port)
			callbacks := []string{b.public() + "/auth/login/fake/callback", other + "/auth/login/fake/callback"}
			client := openidtest.Client{ID: "doorward", Secret: newClientSecret(), RedirectURIs: callbacks}
			fake := openidtest.Start(t, openidtest.Config{AutoApprove: true, Clients: []openidtest.Client{client}})
			env := map[string]string{"AUTH_PROVIDERS": "fake", "PUBLIC_URL": b.public(), "AUTH_ALLOWED_PUBLIC_URLS": other, "IP_TRUST_PROXY": "127.0.0.1"}
			provider(env, "FAKE", map[string]string{
				"DRIVER": "openid", "ISSUER_URL": fake.Issuer(), "CLIENT_ID": client.ID, "CLIENT_SECRET": client.Secret, "ALLOW_PUBLIC_REGISTRATION": "true",
			})
			m := &manyURLs{behind: b, host: startHost(t, HostConfig{Port: b.hostPort, Env: env}), urls: []string{b.public(), other}}
			m.host.secrets.add("client secret", client.Secret)
			for i := range edits {
				edits[i] = strings.ReplaceAll(edits[i], "PORT", strconv.Itoa(b.port))
			}
			b.start(t, name, edits...)
			for _, public := range m.urls {
				person := m.at(t, public, nil)
				back := person.untilCallback(public + "/auth/login/fake?redirect=/sso/account")
				if !strings.HasPrefix(back.String(), public+"/auth/login/fake/callback?") {
					t.Fatalf("at %s, and back to %s", public, back)
				}
				if got := person.get(back.String()); got.location() == nil || got.location().String() != public+"/account" {
					t.Errorf("at %s: %d to %v", public, got.status, got.location())
				}
			}
		})
	}
}

// TestBrowserAtSeveralPublicURLs: a real browser keeps one session at each, and is sent
// back to where it began.
func TestBrowserAtSeveralPublicURLs(t *testing.T) {
	m := startMany(t)
	browser := startBrowser(t, m.trusting(t))
	person := newTab(t, browser)
	for i, base := range []string{"", "/intern"} {
		person.open(m.urls[i] + "/login")
		person.click(`a[href^="` + base + `/auth/login/posted"]`)
		if i == 0 { // then the provider knows who it is
			person.waitFor("#login")
			person.do("entering a name", chromedp.SendKeys(chromedp.CSS(`input[name="login"]`), "alice"), chromedp.SendKeys(chromedp.CSS(`input[name="password"]`), anyPassword+"\r"))
			person.click("#consent button")
		}
		person.waitFor(`form[action="` + base + `/auth/logout"] button`)
		person.wantText("alice")
		if got := person.location(); got != m.urls[i]+"/" {
			t.Errorf("signed in, and at %s", got)
		}
	}
	person.open(m.urls[0] + "/")
	person.click(`form[action="/auth/logout"] button`)
	person.waitFor(`a[href^="/auth/login/posted"]`)
	person.open(m.urls[1] + "/")
	person.waitFor(`form[action="/intern/auth/logout"] button`)
	person.screenshot("signed-in-at-the-other")
}
