package e2e

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/doorward/doorward/plugins/openid/openidtest"
)

// The names in docs/forward-auth. Clients of the tests resolve all of them to the proxy,
// so that URLs have no port, as in production.
const (
	ssoOrigin   = "https://sso.example.org"
	wikiOrigin  = "https://wiki.example.org"
	filesOrigin = "https://files.example.org"

	defaultSessionCookie = "directus_session_token"
)

// guarded is Doorward with the applications of docs/forward-auth/doorward.yaml. The tests
// add different proxies.
type guarded struct {
	*behind
	host        *testHost
	checks      string // the address for checks
	wiki, files *recordedApp
	lua         []string // pairs of texts in doorward.lua and their replacements

	staff *groupsOfBob
}

// groupsOfBob contains the groups of bob at the provider.
type groupsOfBob struct {
	mu   sync.Mutex
	list []string
}

func (g *groupsOfBob) set(list ...string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.list = list
}

// MarshalJSON encodes the groups for the provider.
func (g *groupsOfBob) MarshalJSON() ([]byte, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return json.Marshal(g.list)
}

// startGuarded starts Doorward and the applications, without a proxy.
func startGuarded(t *testing.T) *guarded {
	t.Helper()
	g := &guarded{behind: newPlace(t), wiki: newRecordedApp(t, "wiki"), files: newRecordedApp(t, "files"), staff: &groupsOfBob{}}
	var err error
	if g.pair, err = g.authority.issue("apps", "*.example.org"); err != nil {
		t.Fatal(err)
	}
	g.staff.set("bakers")
	people := openidtest.DefaultPeople()
	people[1].Claims["groups"] = g.staff
	client := openidtest.Client{
		ID: "doorward", Secret: newClientSecret(), RedirectURIs: []string{ssoOrigin + "/auth/login/fake/callback"},
		PostLogoutRedirectURIs: []string{ssoOrigin + "/auth/login/fake/logout"},
	}
	fake := openidtest.Start(t, openidtest.Config{Name: "Example ID", People: people, Clients: []openidtest.Client{client}})
	g.checks = fmt.Sprintf("127.0.0.1:%d", freePort(t))
	env := map[string]string{
		"AUTH_PROVIDERS": "fake", "PUBLIC_URL": ssoOrigin, "SESSION_COOKIE_NAME": defaultSessionCookie, "FORWARD_AUTH_ADDRESS": g.checks, "LOG_LEVEL": "debug",
	}
	provider(env, "FAKE", map[string]string{
		"DRIVER": "openid", "LABEL": "Fake Provider", "ISSUER_URL": fake.Issuer(), "CLIENT_ID": client.ID, "CLIENT_SECRET": client.Secret,
		"ALLOW_PUBLIC_REGISTRATION": "true",
	})
	config := filepath.Join(g.dir, "doorward.yaml")
	if err := os.WriteFile(config, []byte(forwardAuthFile(t, "doorward.yaml")), 0o600); err != nil {
		t.Fatal(err)
	}
	g.host = startHost(t, HostConfig{Port: g.hostPort, Env: env, Flags: []string{"--config", config}})
	g.host.secrets.add("client secret", client.Secret)
	return g
}

// forwardAuthFile returns a file of docs/forward-auth with replaced texts, in pairs as for
// documented.
func forwardAuthFile(t *testing.T, name string, here ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository(t), "docs", "forward-auth", name))
	if err != nil {
		t.Fatal(err)
	}
	config := string(text)
	for i := 0; i < len(here); i += 2 {
		before := config
		if config = strings.ReplaceAll(config, here[i], here[i+1]); config == before {
			t.Fatalf("%s does not have %q", name, here[i])
		}
	}
	return config
}

// address is the address that clients use for every name.
func (g *guarded) address() string { return fmt.Sprintf("127.0.0.1:%d", g.port) }

// transport returns the transport of a client outside.
func (g *guarded) transport(t *testing.T) *http.Transport {
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(outsideAddress)}, Timeout: 30 * time.Second}
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if strings.HasSuffix(address, ".example.org:443") {
				address = g.address()
			}
			return dialer.DialContext(ctx, network, address)
		},
		TLSClientConfig: &tls.Config{RootCAs: g.authority.trust("").RootCAs, MinVersion: tls.VersionTLS12},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

// signedIn signs somebody in from outside, and returns the value of the session cookie.
func (g *guarded) signedIn(t *testing.T, login string) (person *agent, token string) {
	t.Helper()
	outside := *g.host.Host
	outside.URL = ssoOrigin
	person = newAgent(t, &testHost{Host: &outside, secrets: g.host.secrets}, login)
	person.client.Transport = g.transport(t)
	if done := person.signIn(ssoOrigin + "/auth/login/fake?mode=session"); person.cookie(defaultSessionCookie) == "" {
		t.Fatalf("signing in: %d %.300s", done.status, done.body)
	}
	return person, person.cookie(defaultSessionCookie)
}

// resolving makes Chromium resolve every name to the proxy.
func (g *guarded) resolving() chromedp.ExecAllocatorOption {
	return chromedp.Flag("host-resolver-rules", "MAP *.example.org:443 "+g.address())
}

// raw sends the exact bytes of a request over TLS, and returns the response.
func (g *guarded) raw(t *testing.T, name, request string) answer {
	t.Helper()
	dialer := &tls.Dialer{Config: &tls.Config{ServerName: name, RootCAs: g.authority.trust("").RootCAs, MinVersion: tls.VersionTLS12}}
	conn, err := dialer.DialContext(t.Context(), "tcp", g.address())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("%q: %v", request, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{url: mustParse(t, "https://"+name), status: resp.StatusCode, header: resp.Header, body: string(body)}
}

// recordedApp is an application that records and shows its requests.
type recordedApp struct {
	name    string
	address string

	mu   sync.Mutex
	seen []*http.Request
}

func newRecordedApp(t testing.TB, name string) *recordedApp {
	t.Helper()
	app := &recordedApp{name: name}
	server := httptest.NewServer(app)
	t.Cleanup(server.Close)
	app.address = server.Listener.Addr().String()
	return app
}

func (a *recordedApp) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	a.seen = append(a.seen, r.Clone(context.Background()))
	a.mu.Unlock()
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(w, `<!doctype html><title>%[1]s</title><link rel="icon" href="data:,"><h1 id="%[1]s">%[1]s</h1><p id="user">%[2]q</p><p><a id="out" href="%[3]s/logout">Sign out</a></p>`,
		a.name, r.Header.Get("Remote-Name"), ssoOrigin)
}

// take returns the requests since the last call.
func (a *recordedApp) take() []*http.Request {
	a.mu.Lock()
	defer a.mu.Unlock()
	seen := a.seen
	a.seen = nil
	return seen
}

// one returns the only request that has reached the application.
func (a *recordedApp) one(t *testing.T, what string) *http.Request {
	t.Helper()
	seen := a.take()
	if len(seen) != 1 {
		t.Fatalf("%s: %d requests have reached %s", what, len(seen), a.name)
	}
	return seen[0]
}
