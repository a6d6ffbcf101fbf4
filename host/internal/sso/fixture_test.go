package sso_test

import (
	"context"
	"errors"
	"net/url"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/store/sqlite"
	"github.com/doorward/doorward/host/internal/token"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/plugin"
	"github.com/doorward/doorward/sdk/plugintest"
)

var (
	start  = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	secret = []byte("a secret that is long enough, for tests only")
)

const (
	loginTimeout = 10 * time.Minute
	accessTTL    = 15 * time.Minute
	refreshTTL   = 7 * 24 * time.Hour
	refreshEnd   = 90 * 24 * time.Hour
	sessionTTL   = 24 * time.Hour
	sessionEnd   = 30 * 24 * time.Hour
	grace        = 10 * time.Second
	askEvery     = 5 * time.Minute
)

// house is a Service with real parts around it, except for the provider's mechanism,
// which the test scripts and which is served over the real wire.
type house struct {
	*sso.Service
	t                 testing.TB
	path              string // of the database
	store             *sqlite.Store
	sessions          sso.Sessions // the store, unless replaced
	sealed            sso.Sealed   // the store, unless replaced
	atProviders       sso.ProviderSessions
	clock             *clock
	sessionEnd, grace time.Duration
	linking           bool
	secret            []byte
	previous          []byte
	providers         *providers
	tokens            *unreliable
	idp               *idp
}

// newHouse has the given providers, or one called "p".
func newHouse(t testing.TB, list ...sso.Provider) *house {
	t.Helper()
	if len(list) == 0 {
		list = []sso.Provider{provider("p")}
	}
	h := &house{t: t, path: filepath.Join(t.TempDir(), "test.db"), clock: &clock{now: start}, secret: secret, idp: newIDP(), sessionEnd: sessionEnd, grace: grace}
	h.providers = &providers{list: list, mechanisms: h.idp.serve(t, list)}
	h.openStore()
	h.restart()
	return h
}

func (h *house) openStore() {
	h.t.Helper()
	store, err := sqlite.Open(h.t.Context(), h.path, sso.Confirming(h.secret, h.previous))
	if err != nil {
		h.t.Fatal(err)
	}
	h.store, h.sessions, h.sealed, h.atProviders = store, store, store, store
	h.t.Cleanup(func() { _ = store.Close() })
}

// restart clears everything in memory, as if on another node.
func (h *house) restart() {
	h.t.Helper()
	tokens, err := token.New(h.t.Context(), token.Config{
		Keys: h.store, Secret: h.secret, SecretPrevious: h.previous, Issuer: "https://doorward.test", Now: h.clock.Now,
	})
	if err != nil {
		h.t.Fatal(err)
	}
	h.tokens = &unreliable{AccessTokens: tokens}
	h.Service, err = sso.New(sso.Config{
		Secret: h.secret, SecretPrevious: h.previous, PublicURL: "https://doorward.test", AllowedPublicURLs: []string{allowedURL},
		AccessTokenTTL: accessTTL, RefreshTokenTTL: refreshTTL, RefreshTokenAbsoluteTTL: refreshEnd,
		SessionTTL: sessionTTL, SessionAbsoluteTTL: h.sessionEnd, RefreshGrace: h.grace, AskEvery: askEvery, Clock: sso.NewClock(h.clock.look),
		AccountLinking: h.linking,
	}, sso.Ports{
		Providers: h.providers, Users: h.store, Roles: h.store, Links: h.store, Claims: h.store, Accounts: h.store, Sessions: h.sessions, AtProviders: h.atProviders, Once: h.store, Sealed: h.sealed, Tokens: h.tokens,
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

func provider(name string) sso.Provider {
	return sso.Provider{
		Name: name, Driver: "scripted", Mode: sso.ModeSession, AllowPublicRegistration: true, LoginTimeout: loginTimeout,
	}
}

func (h *house) begin(begin sso.Start) sso.Pending {
	h.t.Helper()
	if begin.Provider == "" {
		begin.Provider = "p"
	}
	pending, err := h.Begin(h.t.Context(), begin)
	if err != nil {
		h.t.Fatalf("beginning: %v", err)
	}
	return pending
}

// callbackURL is the callback URL of logins through "p".
const callbackURL = "https://doorward.test/auth/login/p/callback"

// answerTo is the answer of an honest browser.
func answerTo(pending sso.Pending) sso.Answer {
	query := url.Values{"code": {"c"}, "state": {pending.Attempt.State}}
	return sso.Answer{
		Provider: pending.Attempt.Provider, State: pending.Attempt.State, Sealed: pending.Sealed,
		Response: sdk.InboundRequest{Method: "GET", Query: query, RawQuery: query.Encode()},
	}
}

// tryToSignIn runs a whole login.
func (h *house) tryToSignIn(begin sso.Start, identity sdk.Identity) (*sso.SignedIn, error) {
	h.t.Helper()
	h.idp.vouchFor(identity)
	out, err := h.Continue(h.t.Context(), answerTo(h.begin(begin)))
	return out.SignedIn, err
}

func (h *house) signIn(begin sso.Start, identity sdk.Identity) *sso.SignedIn {
	h.t.Helper()
	done, err := h.tryToSignIn(begin, identity)
	if err != nil {
		h.t.Fatalf("signing in: %v", err)
	}
	return done
}

// alice is the user of most tests.
func alice() sdk.Identity {
	return sdk.Identity{Subject: "alice", Email: "alice@example.org", EmailVerified: true, GivenName: "Alice", FamilyName: "A"}
}

func wantErr(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: got error %v, want %v", what, err, want)
	}
}

type clock struct {
	mu      sync.Mutex
	now     time.Time
	running time.Duration
}

// look is the source of a Clock.
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

func (c *clock) advance(d time.Duration) { c.set(c.Now().Add(d)) }

// set advances the time to that moment.
func (c *clock) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running += t.Sub(c.now)
	c.now = t
}

// setBy sets the clock wrong, or right again, without any time passing.
func (c *clock) setBy(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// unreliable access tokens cannot be issued while fail is set.
type unreliable struct {
	sso.AccessTokens
	fail error
}

func (u *unreliable) Issue(ctx context.Context, claims sso.AccessClaims) (string, error) {
	if u.fail != nil {
		return "", u.fail
	}
	return u.AccessTokens.Issue(ctx, claims)
}

// providers implements sso.Providers.
type providers struct {
	mechanisms map[string]sdk.Mechanism

	mu   sync.Mutex
	list []sso.Provider
	down error // why there is no mechanism

	queues map[sso.Line]func(context.Context) error // where calls wait; nil: nowhere
	done   atomic.Int32                             // calls that have ended
}

func (p *providers) queueOf(line sso.Line) func(context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.queues[line]
}

// wait makes the calls of a line wait for that function, and fail with its error.
func (p *providers) wait(line sso.Line, queue func(context.Context) error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.queues == nil {
		p.queues = map[sso.Line]func(context.Context) error{}
	}
	p.queues[line] = queue
}

func (p *providers) List() []sso.Provider {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.list)
}

func (p *providers) Provider(name string) (sso.Provider, bool) {
	for _, provider := range p.List() {
		if provider.Name == name {
			return provider, true
		}
	}
	return sso.Provider{}, false
}

func (p *providers) Available(string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.down
}

func (p *providers) Mechanism(ctx context.Context, name string, line sso.Line) (sdk.Mechanism, func(), error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	if err := p.Available(name); err != nil {
		return nil, nil, err
	}
	if queue := p.queueOf(line); queue != nil {
		if err := queue(ctx); err != nil {
			return nil, nil, err
		}
	}
	return p.mechanisms[name], func() { p.done.Add(1) }, nil
}

// configure replaces the providers, like a new configuration.
func (p *providers) configure(list ...sso.Provider) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.list = list
}

func (p *providers) setDown(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = err
}

// idp is the mechanism and the provider behind it. Tests replace its functions.
type idp struct {
	mu       sync.Mutex
	begin    func(ctx context.Context, req sdk.BeginRequest) (sdk.Step, error)
	next     func(ctx context.Context, req sdk.ContinueRequest) (sdk.Step, error)
	received []sdk.ContinueRequest
	later    later
}

func newIDP() *idp {
	i := &idp{}
	i.begin = func(_ context.Context, req sdk.BeginRequest) (sdk.Step, error) {
		return sdk.Redirect{URL: "https://idp.test/authorize?state=" + req.State, Memory: []byte("memory of " + req.State)}, nil
	}
	i.vouchFor(alice())
	return i
}

// vouchFor answers every login with that identity.
func (i *idp) vouchFor(identity sdk.Identity) {
	i.answer(func(context.Context, sdk.ContinueRequest) (sdk.Step, error) {
		return sdk.Authenticated{Identity: identity}, nil
	})
}

func (i *idp) answer(next func(context.Context, sdk.ContinueRequest) (sdk.Step, error)) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.next = next
}

func (i *idp) beginWith(step sdk.Step, err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.begin = func(context.Context, sdk.BeginRequest) (sdk.Step, error) { return step, err }
}

// calls returns the requests that Continue got.
func (i *idp) calls() []sdk.ContinueRequest {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.received)
}

func (i *idp) Begin(ctx context.Context, req sdk.BeginRequest) (sdk.Step, error) {
	i.mu.Lock()
	begin := i.begin
	i.mu.Unlock()
	return begin(ctx, req)
}

func (i *idp) Continue(ctx context.Context, req sdk.ContinueRequest) (sdk.Step, error) {
	i.mu.Lock()
	next := i.next
	i.received = append(i.received, req)
	i.mu.Unlock()
	return next(ctx, req)
}

// serve opens each provider over the wire.
func (i *idp) serve(t testing.TB, list []sso.Provider) map[string]sdk.Mechanism {
	t.Helper()
	open := func(context.Context, sdk.Env, struct{}) (sdk.Mechanism, error) { return i, nil }
	client := plugintest.ServeUnchecked(t, plugin.Description{Mechanism: "scripted", Version: "1.0.0"}, open)
	mechanisms := map[string]sdk.Mechanism{}
	for _, p := range list {
		req := plugintest.Request(nil)
		req.Provider = p.Name
		opened, err := client.Open(t.Context(), req)
		if err != nil {
			t.Fatalf("opening provider %s: %v", p.Name, err)
		}
		mechanisms[p.Name] = opened
	}
	return mechanisms
}
