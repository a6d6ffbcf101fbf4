package forwardauth_test

import (
	"bufio"
	"context"
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	hclog "github.com/hashicorp/go-hclog"

	"github.com/doorward/doorward/host/internal/forwardauth"
	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/store"
	"github.com/doorward/doorward/host/internal/store/sqlite"
	"github.com/doorward/doorward/host/internal/token"
	"github.com/doorward/doorward/sdk"
)

const (
	secret     = "a secret of the tests, long enough"
	publicURL  = "https://sso.test"
	cookieName = "directus_session_token"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

// rig is a listener with a real store, real sessions and real tokens behind it.
type rig struct {
	t      testing.TB
	server *forwardauth.Server
	http   *httptest.Server
	store  *flakyStore
	logins *sso.Service
	tokens *token.Tokens

	prolonger *forwardauth.Prolonger // runs where a test runs it

	log   *lockedBuffer
	clock *clock
}

// flakyStore can fail.
type flakyStore struct {
	store.Store
	mu  sync.Mutex
	err error
	do  func()
}

func (f *flakyStore) fail(err error, do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err, f.do = err, do
}

func (f *flakyStore) SessionToken(ctx context.Context, hash sso.TokenHash) (sso.SessionToken, error) {
	f.mu.Lock()
	err, do := f.err, f.do
	f.mu.Unlock()
	if do != nil {
		do()
	}
	if err != nil {
		return sso.SessionToken{}, err
	}
	return f.Store.SessionToken(ctx, hash)
}

// directory implements sso.Providers; nobody signs in through it.
type directory []sso.Provider

func (d directory) List() []sso.Provider { return d }

func (d directory) Provider(name string) (sso.Provider, bool) {
	i := slices.IndexFunc(d, func(p sso.Provider) bool { return p.Name == name })
	if i < 0 {
		return sso.Provider{}, false
	}
	return d[i], true
}

func (directory) Available(string) error { return nil }

func (directory) Mechanism(context.Context, string, sso.Line) (sdk.Mechanism, func(), error) {
	return nil, nil, sdk.Unavailable("none", "a test")
}

type clock struct {
	mu  sync.Mutex
	add time.Duration
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.add)
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.add += d
}

func (c *clock) look() (time.Time, time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.add), c.add
}

type lockedBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// origin returns the origin of a URL in a test.
func origin(url string) forwardauth.Origin {
	scheme, host, _ := strings.Cut(url, "://")
	return forwardauth.Origin{Scheme: scheme, Host: host}
}

// apps of the rows. EmailOf is as the configuration sets it for a single provider.
func apps() []forwardauth.App {
	one := []string{"corp"}
	return []forwardauth.App{
		{Name: "app", Origin: origin("https://app.test"), Prefix: "/", EmailOf: one, Public: []forwardauth.PublicPath{{Path: "/health"}, {Path: "/public/"}}},
		{Name: "admin", Origin: origin("https://admin.test"), Prefix: "/", EmailOf: one, Subject: forwardauth.Subject{Groups: []string{"admins"}}},
		{Name: "any", Origin: origin("https://any.test"), Prefix: "/", EmailOf: one},
		{Name: "pre", Origin: origin("https://pre.test"), Prefix: "/", EmailOf: one, Preflight: true},
		{Name: "books", Origin: origin("https://xn--bcher-kva.test"), Prefix: "/", EmailOf: one},
		{Name: "plain", Origin: origin("http://plain.test"), Prefix: "/", EmailOf: one},
		{Name: "team", Origin: origin("https://team.test"), Prefix: "/", EmailOf: one},
		{Name: "chiefs", Origin: origin("https://team.test"), Prefix: "/chiefs/", EmailOf: one, Subject: forwardauth.Subject{Groups: []string{"admins"}}},
	}
}

func newRig(t testing.TB, configure ...func(*forwardauth.Config)) *rig {
	t.Helper()
	return newRigAt(t, filepath.Join(t.TempDir(), "test.db"), configure...)
}

// newRigAt keeps its database in a file.
func newRigAt(t testing.TB, path string, configure ...func(*forwardauth.Config)) *rig {
	t.Helper()
	database, err := sqlite.Open(t.Context(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { database.Close() })
	return newRigOn(t, database, configure...)
}

// newRigOn is a host on a database that others may use, too.
func newRigOn(t testing.TB, database store.Store, configure ...func(*forwardauth.Config)) *rig {
	t.Helper()
	r := &rig{t: t, log: &lockedBuffer{}, clock: &clock{}}
	r.store = &flakyStore{Store: store.Cached(database, r.clock.Now)}
	var err error
	r.tokens, err = token.New(t.Context(), token.Config{Keys: r.store, Secret: []byte(secret), Issuer: publicURL, Now: r.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	r.logins, err = sso.New(sso.Config{
		Secret: []byte(secret), PublicURL: publicURL, AccessTokenTTL: 15 * time.Minute, RefreshTokenTTL: time.Hour, RefreshTokenAbsoluteTTL: 24 * time.Hour,
		SessionTTL: time.Hour, SessionAbsoluteTTL: 24 * time.Hour, RefreshGrace: 10 * time.Second, AskEvery: 5 * time.Minute,
		Clock: sso.NewClock(r.clock.look),
	}, sso.Ports{
		Providers: directory{{Name: "corp"}, {Name: "other"}}, Users: r.store, Roles: r.store, Sessions: r.store, AtProviders: r.store, Once: r.store,
		Sealed: r.store, Tokens: r.tokens,
	})
	if err != nil {
		t.Fatal(err)
	}
	config := forwardauth.Config{
		PublicURL: publicURL, Issuer: publicURL, CookieName: cookieName, TrustedProxies: loopback, User: forwardauth.UserID,
		Logger: hclog.New(&hclog.LoggerOptions{Level: hclog.Info, Output: r.log, JSONFormat: true}),
	}
	for _, c := range configure {
		c(&config)
	}
	r.prolonger = forwardauth.NewProlonger(r.logins.Prolong, r.logins.AskEvery(), r.clock.Now, config.Logger)
	r.server = forwardauth.New(config, forwardauth.Ports{
		People: forwardauth.SignedIn{Logins: r.logins, Roles: r.store, Prolonger: r.prolonger}, Assert: r.tokens.Assert, Now: r.clock.Now,
	})
	r.server.SetRules(forwardauth.NewRules(apps()))
	r.http = httptest.NewUnstartedServer(r.server)
	r.http.Config.MaxHeaderBytes = 48 << 10
	r.http.Start()
	t.Cleanup(r.http.Close)
	return r
}

// user creates a user of provider corp.
func (r *rig) user(id string, change ...func(*sso.User)) sso.User {
	r.t.Helper()
	u := sso.User{
		ID: id, Provider: "corp", Subject: "sub-" + id, Status: sso.UserActive, Email: id + "@example.org", FirstName: "The", LastName: id,
		CreatedAt: r.clock.Now(),
	}
	for _, c := range change {
		c(&u)
	}
	made, err := r.store.CreateUser(r.t.Context(), u)
	if err != nil {
		r.t.Fatal(err)
	}
	return made
}

// session signs a user in, and returns the token and the session.
func (r *rig) session(u sso.User, kind sso.SessionKind, groups ...string) (sso.Token, sso.Session) {
	r.t.Helper()
	token, now := sso.NewToken(), r.clock.Now()
	session := sso.Session{
		ID: "session-" + hexOf(token.Hash()), UserID: u.ID, Provider: u.Provider, Kind: kind, CreatedAt: now, ExpiresAt: now.Add(time.Hour),
		NotAfter: now.Add(24 * time.Hour), Groups: sso.NewGroups(groups),
	}
	if err := r.store.CreateSession(r.t.Context(), sso.NewSession{Session: session, Token: token.Hash()}); err != nil {
		r.t.Fatal(err)
	}
	return token, session
}

// alice is in the group staff; the cookie is that of her session.
func (r *rig) alice() (cookie string) {
	r.t.Helper()
	token, _ := r.session(r.user("alice"), sso.KindSession, "staff")
	return cookieName + "=" + string(token)
}

// access returns a valid access token of a new session of the user.
func (r *rig) access(u sso.User, groups ...string) string {
	r.t.Helper()
	_, session := r.session(u, sso.KindRefresh, groups...)
	now := r.clock.Now()
	access, err := r.tokens.Issue(r.t.Context(), sso.AccessClaims{UserID: u.ID, SessionID: session.ID, IssuedAt: now, ExpiresAt: now.Add(time.Minute)})
	if err != nil {
		r.t.Fatal(err)
	}
	return access
}

// question is a request as a proxy writes it.
type question struct {
	line    string // method and target
	headers []string
}

// forward is the base of the rows: GET https://app.test/x, by Traefik, Caddy or HAProxy.
func forward(change ...string) question {
	return question{"GET /forward-auth", []string{
		"Host: doorward:8056", "X-Forwarded-Method: GET", "X-Forwarded-Proto: https", "X-Forwarded-Host: app.test", "X-Forwarded-Uri: /x",
		"X-Forwarded-For: 198.51.100.7",
	}}.with(change...)
}

func nginx(change ...string) question {
	return question{"GET /forward-auth/nginx", []string{
		"Host: doorward:8056", "X-Original-Method: GET", "X-Original-URL: https://app.test/x", "X-Forwarded-For: 198.51.100.7",
	}}.with(change...)
}

func envoy(line string, change ...string) question {
	return question{line, []string{"Host: app.test", "X-Forwarded-Proto: https", "X-Forwarded-For: 198.51.100.7"}}.with(change...)
}

// with replaces or adds headers. "-" before a name removes the header, "+" adds another
// one.
func (q question) with(changes ...string) question {
	headers := slices.Clone(q.headers)
	for _, change := range changes {
		change, beside := strings.CutPrefix(change, "+")
		change, gone := strings.CutPrefix(change, "-")
		name, _, _ := strings.Cut(change, ":")
		if !beside {
			headers = slices.DeleteFunc(headers, func(h string) bool {
				other, _, _ := strings.Cut(h, ":")
				return strings.EqualFold(other, name)
			})
		}
		if !gone {
			headers = append(headers, change)
		}
	}
	q.headers = headers
	return q
}

// browser returns the additional headers of a browser that opens a page.
var browser = []string{"Accept: text/html,application/xhtml+xml", "Sec-Fetch-Mode: navigate"}

func (q question) bytes() []byte {
	return []byte(q.line + " HTTP/1.1\r\n" + strings.Join(q.headers, "\r\n") + "\r\n\r\n")
}

type answer struct {
	*http.Response
	body string
}

// ask sends a request byte for byte as written.
func (r *rig) ask(q question) answer {
	r.t.Helper()
	return r.askAt(r.http.Listener.Addr().String(), q)
}

func (r *rig) askAt(address string, q question) answer {
	r.t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		r.t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	written := make(chan struct{})
	go func() {
		defer close(written)
		_, _ = conn.Write(q.bytes())
	}()
	method, _, _ := strings.Cut(q.line, " ")
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		r.t.Fatalf("%.200q: %v", q.bytes(), err)
	}
	body, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	conn.Close()
	<-written
	return answer{resp, string(body)}
}

var identityNames = []string{"Remote-User", "Remote-Email", "Remote-Name", "Remote-Groups", "X-Doorward-Assertion"}

// check checks what is true of every answer: which headers it may have, and which user it
// names.
func (a answer) check(t *testing.T, name string, status int, user string) {
	t.Helper()
	if a.StatusCode != status {
		t.Errorf("%s: got %s, want %d: %s", name, a.Status, status, a.body)
	}
	a.checkHeaders(t, name)
	if a.StatusCode == http.StatusOK && a.Header.Get("Remote-User") != user {
		t.Errorf("%s: for %q, want %q", name, a.Header.Get("Remote-User"), user)
	}
}

func (a answer) checkHeaders(t *testing.T, name string) {
	t.Helper()
	for _, h := range identityNames {
		if lines := a.Header[h]; (a.StatusCode == http.StatusOK) != (len(lines) == 1) {
			t.Errorf("%s: %s with %s: %q", name, a.Status, h, lines)
		}
	}
	if a.StatusCode == http.StatusRequestHeaderFieldsTooLarge || a.Header.Get("Cache-Control") == "" && a.StatusCode == http.StatusBadRequest {
		return // net/http answered by itself
	}
	if a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("Vary") != "Cookie, Authorization" {
		t.Errorf("%s: FA53 Cache-Control %q, Vary %q", name, a.Header.Get("Cache-Control"), a.Header.Get("Vary"))
	}
	for _, h := range []string{"Set-Cookie", "Etag", "Strict-Transport-Security", "Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy", "Content-Security-Policy", "X-Request-Id"} {
		if a.Header[h] != nil {
			t.Errorf("%s: FA54 has %s: %q", name, h, a.Header[h])
		}
	}
}

func hexOf(hash sso.TokenHash) string { return hex.EncodeToString(hash[:8]) }
