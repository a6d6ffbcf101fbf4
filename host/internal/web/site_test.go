package web_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	hclog "github.com/hashicorp/go-hclog"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/store"
	"github.com/doorward/doorward/host/internal/store/sqlite"
	"github.com/doorward/doorward/host/internal/token"
	"github.com/doorward/doorward/host/internal/web"
	"github.com/doorward/doorward/sdk"
)

const secret = "a secret of the tests, long enough"

// site is a whole host except for the plugin process: real store, real tokens, real HTTP,
// and mechanisms that the test scripts.
type site struct {
	*httptest.Server
	server *web.Server
	store  store.Store
	unsure atomic.Bool // whether it was stored is not known
	log    *lockedBuffer
	logger hclog.Logger
	clock  *clock
	apps   *scriptedApps
}

// directory implements sso.Providers.
type directory struct {
	list       []sso.Provider
	mechanisms map[string]sdk.Mechanism // nil: unavailable
}

func (d directory) List() []sso.Provider { return d.list }

func (d directory) Provider(name string) (sso.Provider, bool) {
	for _, p := range d.list {
		if p.Name == name {
			return p, true
		}
	}
	return sso.Provider{}, false
}

func (d directory) Available(name string) error {
	if d.mechanisms[name] == nil {
		return sdk.Unavailable("plugin_down", "no plugin file")
	}
	return nil
}

func (d directory) Mechanism(_ context.Context, name string, _ sso.Line) (sdk.Mechanism, func(), error) {
	return d.mechanisms[name], func() {}, d.Available(name)
}

// flakyDirectory is a directory whose plugins can be down.
type flakyDirectory struct {
	directory
	down atomic.Bool
}

func (d *flakyDirectory) Mechanism(ctx context.Context, name string, line sso.Line) (sdk.Mechanism, func(), error) {
	if d.down.Load() {
		return nil, nil, sdk.Unavailable("plugin_down", "starting")
	}
	return d.directory.Mechanism(ctx, name, line)
}

// clock is a time that the test changes.
type clock struct {
	mu      sync.Mutex
	now     time.Time
	running time.Duration
}

// look is the time source of an sso.Clock.
func (c *clock) look() (time.Time, time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now, c.running
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now, c.running = c.now.Add(d), c.running+d
}

// setBy makes the clock wrong, or right again, while no time passes.
func (c *clock) setBy(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
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

// idp is the address of the provider that redirecting mechanisms send to.
const idp = "https://idp.example/authorize"

// redirecting signs in anyone who returns with code=<subject>.
type redirecting struct{}

func (redirecting) Begin(_ context.Context, req sdk.BeginRequest) (sdk.Step, error) {
	query := url.Values{"state": {req.State}, "login_hint": {req.LoginHint}}
	return sdk.Redirect{URL: idp + "?" + query.Encode(), Memory: []byte("memory")}, nil
}

func (redirecting) Continue(_ context.Context, req sdk.ContinueRequest) (sdk.Step, error) {
	source := req.Response.Query
	if req.Response.Method == http.MethodPost {
		source = req.Response.Form
	}
	if string(req.Memory) != "memory" {
		return nil, sdk.InvalidResponse("memory", "memory was %q", req.Memory)
	}
	switch code := source.Get("code"); code {
	case "":
		return nil, sdk.Denied(sdk.ReasonCancelled, "the user said <script>no</script>\nforged line")
	case "down":
		return nil, sdk.Unavailable("provider_down", "connection refused to 10.1.2.3")
	case "misconfigured":
		return nil, sdk.Misconfigured("client", "client_secret is wrong")
	case "forged":
		return nil, sdk.InvalidResponse("nonce_mismatch", "nonce differs")
	case "evil":
		return sdk.Redirect{URL: "javascript:alert(1)"}, nil
	case "panic":
		panic("secret-in-a-panic")
	case "member":
		return sdk.Authenticated{Identity: sdk.Identity{Subject: code, Username: "m.ember", Groups: []string{"staff", "<admins>"}}}, nil
	case "crowd":
		identity := sdk.Identity{Subject: code, Email: "crowd@example.org", EmailVerified: true, GivenName: "Ada", FamilyName: "<b>Lovelace</b>"}
		for i := range 40 {
			identity.Groups = append(identity.Groups, fmt.Sprintf("department-%d", i))
		}
		return sdk.Authenticated{Identity: identity}, nil
	case "somewhere":
		return sdk.Authenticated{Identity: sdk.Identity{Subject: code, GroupsUnknown: true}}, nil
	default:
		return sdk.Authenticated{Identity: sdk.Identity{
			Subject: code, Email: code + "@example.org", EmailVerified: true, GivenName: "Ada", FamilyName: "<b>Lovelace</b>",
		}}, nil
	}
}

// posting sends the browser to the provider with a form.
type posting struct{ redirecting }

func (posting) Begin(_ context.Context, req sdk.BeginRequest) (sdk.Step, error) {
	return sdk.FormPost{URL: idp, Fields: []sdk.FormField{{Name: "RelayState", Value: req.State}}, Memory: []byte("memory")}, nil
}

// prompting asks for a name and a password, and signs in with "right".
type prompting struct{}

var credentials = []sdk.PromptField{{Name: "username", Kind: sdk.FieldUsername}, {Name: "password", Kind: sdk.FieldPassword}}

func (prompting) Begin(context.Context, sdk.BeginRequest) (sdk.Step, error) {
	return sdk.Prompt{Fields: credentials, Memory: []byte("1")}, nil
}

func (prompting) Continue(_ context.Context, req sdk.ContinueRequest) (sdk.Step, error) {
	switch req.Answers["password"] {
	case "right":
		return sdk.Authenticated{Identity: sdk.Identity{Subject: "uuid-of-" + req.Answers["username"]}}, nil
	case "misconfigured":
		return nil, sdk.Misconfigured("bind", "bind_password is wrong")
	case "expired":
		fields := []sdk.PromptField{{Name: "password", Kind: sdk.FieldNewPassword}}
		return sdk.Prompt{Reason: sdk.ReasonPasswordExpired, Fields: fields}, nil
	default:
		return sdk.Prompt{Reason: sdk.ReasonBadCredentials, Fields: credentials}, nil
	}
}

func newSite(t testing.TB, publicURL string) *site {
	t.Helper()
	provider := func(name, driver string) sso.Provider {
		return sso.Provider{
			Name: name, Driver: driver, Label: strings.ToUpper(name), Mode: sso.ModeSession, LoginTimeout: 5 * time.Minute,
			AllowPublicRegistration: true, RedirectAllowList: []string{"https://app.example/welcome"},
		}
	}
	closed := provider("closed", "openid")
	closed.AllowPublicRegistration = false
	cookie := provider("cookie", "openid")
	cookie.Mode = sso.ModeCookie
	return newSiteWith(t, publicURL, directory{
		list: []sso.Provider{
			provider("op", "openid"), provider("post", "saml"), provider("dir", "ldap"), provider("gone", "openid"), closed, cookie,
		},
		mechanisms: map[string]sdk.Mechanism{
			"op": redirecting{}, "post": posting{}, "dir": prompting{}, "closed": redirecting{}, "cookie": redirecting{},
		},
	})
}

func newSiteWith(t testing.TB, publicURL string, providers sso.Providers) *site {
	t.Helper()
	return newSiteConfigured(t, publicURL, providers, func(*web.Config) {})
}

func newSiteConfigured(t testing.TB, publicURL string, providers sso.Providers, configure func(*web.Config)) *site {
	t.Helper()
	return newSiteMade(t, publicURL, providers, configure, func(*sso.Config) {})
}

func newSiteMade(t testing.TB, publicURL string, providers sso.Providers, configure func(*web.Config), logIns func(*sso.Config)) *site {
	t.Helper()
	return newSiteIn(t, filepath.Join(t.TempDir(), "test.db"), store.Cached, publicURL, providers, configure, logIns)
}

// newSiteOn uses the database in that file, behind the given cache.
func newSiteOn(t testing.TB, path string, cached func(store.Store, func() time.Time) store.Store, publicURL string, providers sso.Providers, configure func(*web.Config)) *site {
	t.Helper()
	return newSiteIn(t, path, cached, publicURL, providers, configure, func(*sso.Config) {})
}

func newSiteIn(
	t testing.TB, path string, cached func(store.Store, func() time.Time) store.Store, publicURL string, providers sso.Providers,
	configure func(*web.Config), logIns func(*sso.Config),
) *site {
	t.Helper()
	s := &site{log: &lockedBuffer{}, clock: &clock{now: time.Now()}, apps: &scriptedApps{}}
	database, err := sqlite.Open(t.Context(), path, sso.Confirming([]byte(secret), nil))
	if err != nil {
		t.Fatal(err)
	}
	s.store = cached(database, s.clock.Now)
	t.Cleanup(func() { s.store.Close() })
	s.Server = httptest.NewUnstartedServer(nil)
	if publicURL == "" {
		publicURL = "http://" + s.Listener.Addr().String()
	}
	base, err := url.Parse(publicURL)
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := token.New(t.Context(), token.Config{
		Keys: s.store, Secret: []byte(secret), Issuer: publicURL, Now: s.clock.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	ssoConfig := sso.Config{
		Secret: []byte(secret), PublicURL: publicURL, AccessTokenTTL: 15 * time.Minute, RefreshTokenTTL: 7 * 24 * time.Hour,
		RefreshTokenAbsoluteTTL: 90 * 24 * time.Hour, SessionTTL: 24 * time.Hour, SessionAbsoluteTTL: 30 * 24 * time.Hour, RefreshGrace: 10 * time.Second,
		Clock: sso.NewClock(s.clock.look),
	}
	logIns(&ssoConfig)
	logins, err := sso.New(ssoConfig, sso.Ports{
		Providers: providers, Users: s.store, Roles: s.store, Links: s.store, Claims: s.store, Accounts: s.store, Sessions: unsure{s.store, &s.unsure}, AtProviders: s.store, Once: s.store, Sealed: s.store, Tokens: tokens,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.logger = hclog.New(&hclog.LoggerOptions{Level: hclog.Debug, Output: s.log, JSONFormat: true})
	secure := base.Scheme == "https"
	config := web.Config{
		PublicURL:     base,
		SessionCookie: web.Cookie{Name: "directus_session_token", Secure: secure, SameSite: http.SameSiteLaxMode},
		RefreshCookie: web.Cookie{Name: "directus_refresh_token", Secure: secure, SameSite: http.SameSiteLaxMode},
		Logger:        s.logger,
	}
	configure(&config)
	server, err := web.New(config, web.Ports{Logins: logins, Apps: s.apps, Keys: tokens.JWKS, Storage: s.store.Ping})
	if err != nil {
		t.Fatal(err)
	}
	s.server, s.Config.Handler = server, server
	s.Start()
	t.Cleanup(s.Close)
	return s
}

// browser is a client with a cookie jar that does not follow redirects.
type browser struct {
	t    testing.TB
	site *site
	http *http.Client
}

func (s *site) browser(t testing.TB) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t: t, site: s, http: &http.Client{
		Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// answer is a response with its body.
type answer struct {
	*http.Response
	body string
}

func (b *browser) do(method, path string, body io.Reader, header ...string) answer {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.site.URL+path, body)
	if err != nil {
		b.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	resp, err := b.http.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer{resp, string(text)}
}

func (b *browser) get(path string, header ...string) answer {
	b.t.Helper()
	return b.do(http.MethodGet, path, nil, header...)
}

func (b *browser) postForm(path string, form url.Values, header ...string) answer {
	b.t.Helper()
	return b.do(http.MethodPost, path, strings.NewReader(form.Encode()),
		append(header, "Content-Type", "application/x-www-form-urlencoded")...)
}

func (b *browser) postJSON(path string, body any, header ...string) answer {
	b.t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.do(http.MethodPost, path, strings.NewReader(string(data)), append(header, "Content-Type", "application/json")...)
}

// begin starts a login and returns its state.
func (b *browser) begin(path string) string {
	b.t.Helper()
	a := b.get(path)
	target, err := url.Parse(a.Header.Get("Location"))
	if err != nil || a.StatusCode != http.StatusFound || !strings.HasPrefix(target.String(), idp) {
		b.t.Fatalf("GET %s: %s to %q", path, a.Status, a.Header.Get("Location"))
	}
	return target.Query().Get("state")
}

// signIn signs in as the subject, in the provider's own mode.
func (b *browser) signIn(provider, subject string) answer {
	b.t.Helper()
	state := b.begin("/auth/login/" + provider)
	return b.get("/auth/login/" + provider + "/callback?" + url.Values{"code": {subject}, "state": {state}}.Encode())
}

const acceptHTML = "text/html,application/xhtml+xml"

// code is the error code of a JSON answer.
func (a answer) code(t testing.TB) string {
	t.Helper()
	code, _ := extensionsOf(t, a)["code"].(string)
	return code
}

// extensionsOf reads the extensions of an error.
func extensionsOf(t testing.TB, a answer) map[string]any {
	t.Helper()
	var body struct {
		Errors []struct {
			Extensions map[string]any `json:"extensions"`
		} `json:"errors"`
	}
	if err := json.Unmarshal([]byte(a.body), &body); err != nil || len(body.Errors) != 1 {
		t.Fatalf("not an error: %s %s", a.Status, a.body)
	}
	return body.Errors[0].Extensions
}

func (a answer) data(t testing.TB) map[string]any {
	t.Helper()
	var body struct{ Data map[string]any }
	if err := json.Unmarshal([]byte(a.body), &body); err != nil || a.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", a.Status, a.body)
	}
	return body.Data
}

func (a answer) cookie(name string) *http.Cookie {
	for _, c := range a.Cookies() {
		if c.Name == name {
			return c
		}
	}
	return nil
}
