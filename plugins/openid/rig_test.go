package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/doorward/doorward/plugins/openid/openidtest"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/options"
	"github.com/doorward/doorward/sdk/plugin"
)

const (
	clientID     = "door ward&co" // form-encoding it matters (RFC 6749 section 2.3.1)
	clientSecret = "s3cret:with/odd+characters%"
	callbackURL  = "https://login.example/auth/login/op/callback"
)

// clock is a settable clock.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// rig is a mechanism opened in this process, with everything that it says and
// hears written down.
type rig struct {
	*mechanism
	t    *testing.T
	log  *safeBuffer
	wire *recorder
}

// openRig opens a mechanism with the options, as the host gives them, over those
// of the client that all tests share.
func openRig(t *testing.T, issuerURL string, now func() time.Time, values map[string]any) *rig {
	t.Helper()
	r, err := tryOpenRig(t, issuerURL, now, values)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func tryOpenRig(t *testing.T, issuerURL string, now func() time.Time, values map[string]any) (*rig, error) {
	t.Helper()
	all := map[string]any{"issuer_url": issuerURL, "client_id": clientID, "client_secret": clientSecret}
	maps.Copy(all, values)
	opts, err := options.Decode[Options](all)
	if err != nil {
		return nil, err
	}
	r := &rig{t: t, log: &safeBuffer{}, wire: &recorder{}}
	env := sdk.Env{
		Provider:    "op",
		CallbackURL: callbackURL,
		Logger:      slog.New(slog.NewTextHandler(r.log, nil)),
		Now:         now,
		HTTPClient: func(s sdk.HTTPSettings) (*http.Client, error) {
			client, err := plugin.HTTPClient(s)
			if err != nil {
				return nil, err
			}
			r.wire.next = client.Transport
			client.Transport = r.wire
			t.Cleanup(r.wire.next.(interface{ CloseIdleConnections() }).CloseIdleConnections)
			return client, nil
		},
	}
	m, err := open(t.Context(), env, opts)
	if err != nil {
		return nil, err
	}
	r.mechanism = m.(*mechanism)
	return r, nil
}

// login signs in at an openidtest provider that approves by itself.
func (r *rig) login(hint string) (sdk.Identity, error) {
	r.t.Helper()
	return r.loginWith(sdk.BeginRequest{State: "state-of-this-login_0123456789"}, hint)
}

func (r *rig) loginWith(begin sdk.BeginRequest, hint string) (sdk.Identity, error) {
	r.t.Helper()
	step, err := r.Begin(r.t.Context(), begin)
	if err != nil {
		return sdk.Identity{}, err
	}
	redirect, ok := step.(sdk.Redirect)
	if !ok {
		r.t.Fatalf("Begin answers with a %T", step)
	}
	if len(redirect.Memory) > sdk.MaxMemory {
		r.t.Errorf("%d bytes of memory", len(redirect.Memory))
	}
	callback, err := openidtest.SignIn(r.t.Context(), redirect.URL, hint)
	if err != nil {
		return sdk.Identity{}, err
	}
	return r.finish(sdk.ContinueRequest{State: begin.State, Memory: redirect.Memory, Response: inbound(r.t, callback)})
}

func (r *rig) finish(req sdk.ContinueRequest) (sdk.Identity, error) {
	r.t.Helper()
	step, err := r.Continue(r.t.Context(), req)
	r.checkNoSecret(err, req)
	if err != nil {
		return sdk.Identity{}, err
	}
	done, ok := step.(sdk.Authenticated)
	if !ok {
		r.t.Fatalf("Continue answers with a %T", step)
	}
	return done.Identity, nil
}

// checkNoSecret looks for everything secret of this login in the error and in
// the log (E14, E15).
func (r *rig) checkNoSecret(err error, req sdk.ContinueRequest) {
	r.t.Helper()
	said := r.log.String()
	if err != nil {
		said += err.Error()
	}
	var mem memory
	if json.Unmarshal(req.Memory, &mem) != nil {
		r.t.Fatal("memory is no JSON")
	}
	secrets := append(r.wire.tokens(), clientSecret, url.QueryEscape(clientSecret), mem.Verifier, mem.Nonce)
	secrets = append(secrets, req.Response.Query["code"]...)
	secrets = append(secrets, req.Response.Form["code"]...)
	for _, secret := range secrets {
		if secret != "" && strings.Contains(said, secret) {
			r.t.Errorf("a secret (%.12q…) in the error or the log: %.2000q", secret, said)
		}
	}
}

func inbound(t *testing.T, req *http.Request) sdk.InboundRequest {
	t.Helper()
	in := sdk.InboundRequest{Method: req.Method, RawQuery: req.URL.RawQuery, Query: parseQuery(t, req.URL.RawQuery)}
	if req.Body == nil {
		return in
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		t.Fatal(err)
	}
	in.Form = parseQuery(t, string(body))
	return in
}

func parseQuery(t *testing.T, raw string) url.Values {
	t.Helper()
	values, err := url.ParseQuery(raw)
	if err != nil {
		t.Fatal(err)
	}
	return values
}

// recorder is a transport that remembers the bodies of all responses.
type recorder struct {
	next http.RoundTripper

	mu     sync.Mutex
	bodies []*safeBuffer
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := r.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	body := &safeBuffer{}
	r.mu.Lock()
	r.bodies = append(r.bodies, body)
	r.mu.Unlock()
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.TeeReader(resp.Body, body), resp.Body}
	return resp, nil
}

// tokens are those in the recorded token responses.
func (r *recorder) tokens() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var found []string
	for _, body := range r.bodies {
		var members map[string]any
		if json.Unmarshal([]byte(body.String()), &members) != nil {
			continue
		}
		for _, name := range []string{"access_token", "refresh_token", "id_token"} {
			if token, ok := members[name].(string); ok && len(token) > 8 {
				found = append(found, token)
			}
		}
	}
	return found
}

// safeBuffer is a bytes.Buffer for several goroutines that keeps no more than a
// test needs.
type safeBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.buf.Len() < 1<<20 {
		b.buf.Write(p)
	}
	return len(p), nil
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// client is the registration that fits openRig.
func client() openidtest.Client {
	return openidtest.Client{ID: clientID, Secret: clientSecret, RedirectURIs: []string{callbackURL}}
}

func startOP(t *testing.T, config openidtest.Config) *openidtest.Provider {
	t.Helper()
	config.AutoApprove = true
	if config.Clients == nil {
		config.Clients = []openidtest.Client{client()}
	}
	return openidtest.Start(t, config)
}

func checkReason(t *testing.T, err, kind error, reason sdk.Reason) {
	t.Helper()
	refusal, ok := errors.AsType[*sdk.Error](err)
	if !ok || refusal.Kind != kind || refusal.Reason != reason {
		t.Errorf("error: %v\nwant: %v (%s)", err, kind, reason)
	}
}
