package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/doorward/doorward/host/internal/store/pgtest"
	"github.com/doorward/doorward/plugins/openid/openidtest"
)

const severalHosts = "several-hosts.md"

// cluster is two hosts on one PostgreSQL, with HAProxy in front of them, as
// docs/several-hosts.md configures them. Their providers are "fake" (OpenID Connect, with
// refresh tokens that can be used once), "idp" (SAML) and "directory" (LDAP).
type cluster struct {
	*behind
	hosts    []*testHost
	public   *testHost // the hosts as people see them
	env      map[string]string
	op       *openidtest.Provider
	server   *pgtest.Server
	database string

	refreshes atomic.Int32 // refresh requests to "fake"
	onRefresh atomic.Pointer[func()]
}

func startCluster(t *testing.T, bouncer bool, env map[string]string) *cluster {
	t.Helper()
	c := &cluster{behind: newPlace(t)}
	server, err := pgtest.Start(pgtest.Durable...)
	pgtest.Require(t, err)
	t.Cleanup(func() {
		if err := server.Remove(); err != nil {
			t.Error(err)
		}
	})
	c.server, c.database = server, server.NewDatabase(t)
	address, port := server.Host, server.Port
	if bouncer {
		between, err := pgtest.StartBouncer(server)
		pgtest.Require(t, err)
		t.Cleanup(func() {
			if err := between.Remove(); err != nil {
				t.Error(err)
			}
		})
		address, port = between.Host, between.Port
	}
	c.configure(t, address, port)
	maps.Copy(c.env, env)
	c.startHosts(t)
	one, two := c.hosts[0], c.hosts[1]
	c.startFrom(t, severalHosts, "HAProxy", "10.0.0.11:8055", addressOf(one), "10.0.0.12:8055", addressOf(two))
	c.public = c.seen(one)
	return c
}

func addressOf(host *testHost) string { return "127.0.0.1:" + host.Env("PORT") }

// configure takes the environment from the page, except for what is different here.
func (c *cluster) configure(t *testing.T, address string, port int) {
	t.Helper()
	c.env = map[string]string{}
	for line := range strings.Lines(documented(t, severalHosts, "The environment of a host", []string{
		"https://example.org/sso/", c.behind.public() + "/", "SECRET_FILE=/etc/doorward/secret", "SECRET=" + newSecret(),
		"HOST=10.0.0.11", "HOST=127.0.0.1", "IP_TRUST_PROXY=10.0.0.10", "IP_TRUST_PROXY=127.0.0.1",
		"db.example.org", address, "DB_PORT=5432", "DB_PORT=" + strconv.Itoa(port),
		"DB_DATABASE=doorward", "DB_DATABASE=" + c.database,
		"DB_PASSWORD_FILE=/etc/doorward/database-password", "DB_PASSWORD=it trusts everybody", "DB_SSL=true", "DB_SSL=false",
		"CONTROL_SOCKET=/run/doorward/control.sock", "CONTROL_SOCKET=control.sock", "SHUTDOWN_DELAY=5s", "SHUTDOWN_DELAY=3s",
	})) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		c.env[name] = value
	}
	c.env["AUTH_PROVIDERS"], c.env["LOG_LEVEL"] = "fake,idp,directory", "info"
	client := openidtest.Client{
		ID: "doorward", Secret: newClientSecret(), RedirectURIs: []string{c.behind.public() + "/auth/login/fake/callback"},
		PostLogoutRedirectURIs: []string{c.behind.public() + "/auth/login/fake/logout"},
	}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if refreshesAt(r) {
			c.refreshes.Add(1)
			if do := c.onRefresh.Load(); do != nil {
				(*do)()
			}
		}
		c.op.ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	var err error
	if c.op, err = openidtest.New(openidtest.Config{AutoApprove: true, Issuer: front.URL, Clients: []openidtest.Client{client}}); err != nil {
		t.Fatal(err)
	}
	provider(c.env, "FAKE", map[string]string{
		"DRIVER": "openid", "ISSUER_URL": front.URL, "CLIENT_ID": client.ID, "CLIENT_SECRET": client.Secret, "OFFLINE_ACCESS": "true",
		"ALLOW_PUBLIC_REGISTRATION": "true",
	})
	provider(c.env, "IDP", map[string]string{"DRIVER": "saml", "IDP_METADATA_URL": startTalkative(t, 0), "ALLOW_PUBLIC_REGISTRATION": "true"})
	directory := startLoadDirectory(t)
	provider(c.env, "DIRECTORY", map[string]string{
		"DRIVER": "ldap", "CLIENT_URL": directory.URL(), "TLS_CA": directory.CA(), "BIND_DN": loadReader, "BIND_PASSWORD": loadPassword,
		"USER_DN": loadBase, "USER_SCOPE": "sub", "USER_ATTRIBUTE": "uid", "ALLOW_PUBLIC_REGISTRATION": "true",
	})
}

// startHosts starts both hosts at the same time, on an empty database.
func (c *cluster) startHosts(t *testing.T) {
	t.Helper()
	c.hosts = make([]*testHost, 2)
	secrets, errs := &secretSet{}, make([]error, len(c.hosts))
	secrets.add("SECRET", c.env["SECRET"])
	secrets.add("client secret", c.env["AUTH_FAKE_CLIENT_SECRET"])
	var group sync.WaitGroup
	for i := range c.hosts {
		group.Go(func() {
			var host *Host
			if host, errs[i] = StartHost(t.Context(), HostConfig{Port: []int{c.hostPort, freePort(t)}[i], Env: maps.Clone(c.env)}); errs[i] == nil {
				c.hosts[i] = &testHost{host, secrets}
			}
		})
	}
	group.Wait()
	for i, host := range c.hosts {
		if errs[i] != nil {
			t.Fatal(errs[i])
		}
		t.Cleanup(func() { host.finish(t) })
	}
}

// want checks a count in the database.
func (c *cluster) want(t *testing.T, what string, n int, of string) {
	t.Helper()
	c.server.Exec(t, c.database, fmt.Sprintf(`DO $$ BEGIN IF (SELECT count(*) FROM %s) <> %d THEN
		RAISE EXCEPTION '%s: %% instead of %d', (SELECT count(*) FROM %[1]s); END IF; END $$`, of, n, what, n))
}

// direct is somebody who connects to one host without HAProxy, with only these cookies.
func (c *cluster) direct(host *testHost, token string) (status int) {
	req, err := http.NewRequest(http.MethodGet, "http://"+addressOf(host)+"/users/me", nil) //nolint:noctx // a test's own host
	if err != nil {
		return 0
	}
	req.AddCookie(&http.Cookie{Name: c.env["SESSION_COOKIE_NAME"], Value: token})
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	resp.Body.Close()
	return resp.StatusCode
}

// person is somebody who connects through HAProxy.
func (c *cluster) person(t *testing.T) *agent { return c.behind.person(t, c.hosts[0], "alice") }

// client connects through HAProxy and never repeats a request by itself.
func (c *cluster) client(t *testing.T) *http.Client { return &http.Client{Transport: c.unrepeating(t)} }

// post sends JSON. The status is 0 if there was no answer.
func (c *cluster) post(client *http.Client, path string, body map[string]string) (status int, got envelope) {
	text, err := json.Marshal(body)
	must(err)
	resp, err := client.Post(c.public.URL+path, "application/json", bytes.NewReader(text)) //nolint:noctx // bounded by HAProxy
	if err != nil {
		return 0, got
	}
	defer resp.Body.Close()
	if json.NewDecoder(resp.Body).Decode(&got) != nil {
		return resp.StatusCode, envelope{}
	}
	return resp.StatusCode, got
}

// refresh sends a refresh in one of the modes, from a client without other cookies.
func (c *cluster) refresh(t *testing.T, transport http.RoundTripper, mode, token string) (status int, next string) {
	person := c.person(t)
	person.client.Transport = transport
	body, header := map[string]string{"mode": mode}, http.Header{}
	if mode == "json" {
		body["refresh_token"] = token
	} else {
		header.Set("Cookie", c.env["SESSION_COOKIE_NAME"]+"="+token)
	}
	got := person.call(http.MethodPost, "/auth/refresh", body, header)
	if got.status == http.StatusOK && mode == "json" {
		return got.status, got.json(t).Data.RefreshToken
	}
	return got.status, person.cookie(c.env["SESSION_COOKIE_NAME"])
}

// signIn signs in, and returns the token.
func (c *cluster) signIn(t *testing.T, provider, mode string) (person *agent, token string) {
	t.Helper()
	person = c.person(t)
	var got answer
	if provider == "directory" {
		got = person.call(http.MethodPost, "/auth/login/directory", map[string]string{"identifier": "alice", "password": loadPassword, "mode": mode}, nil)
	} else {
		got = person.signIn(c.public.URL + "/auth/login/" + provider + "?mode=" + mode)
	}
	if mode == "json" {
		wantStatus(t, "signing in by "+provider, got, http.StatusOK)
		return person, got.json(t).Data.RefreshToken
	}
	if token = person.cookie(c.env["SESSION_COOKIE_NAME"]); token == "" {
		t.Fatalf("signing in by %s: %d %.300s", provider, got.status, got.body)
	}
	return person, token
}
