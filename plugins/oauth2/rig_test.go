package main

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/plugins/oauth2/oauth2test"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/options"
	"github.com/doorward/doorward/sdk/plugin"
	"github.com/doorward/doorward/sdk/plugintest"
)

const (
	clientID     = "123456789012345678"
	clientSecret = "s3cret-of-the-client+with/odd=characters"
	callbackURL  = "https://login.example/auth/login/as/callback"
	theState     = "state-of-this-login_0123456789"
)

// rig is a mechanism in this process that records its log and all messages.
type rig struct {
	*mechanism
	sdk.Mechanism // as the host sees it
	t             *testing.T
	log           *plugintest.Log
	wire          *plugintest.Recorder
}

// openRig opens a mechanism with the options in the form that the host sends.
func openRig(t *testing.T, now func() time.Time, values map[string]any) *rig {
	t.Helper()
	r, err := tryOpenRig(t, now, values)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func tryOpenRig(t *testing.T, now func() time.Time, values map[string]any) (*rig, error) {
	t.Helper()
	opts, err := options.Decode[Options](values)
	if err != nil {
		return nil, err
	}
	r := &rig{t: t, log: &plugintest.Log{}, wire: &plugintest.Recorder{}}
	env := sdk.Env{
		Provider:    "as",
		CallbackURL: callbackURL,
		Logger:      slog.New(slog.NewTextHandler(r.log, nil)),
		Now:         now,
		HTTPClient: func(s sdk.HTTPSettings) (*http.Client, error) {
			client, err := plugin.HTTPClient(s)
			if err != nil {
				return nil, err
			}
			r.wire.Next = client.Transport
			client.Transport = r.wire
			t.Cleanup(r.wire.CloseIdleConnections)
			return client, nil
		},
	}
	if r.Mechanism, err = open(t.Context(), env, opts); err != nil {
		return nil, err
	}
	switch m := r.Mechanism.(type) {
	case *mechanism:
		r.mechanism = m
	case refreshing:
		r.mechanism = m.mechanism
	}
	return r, nil
}

// Begin and Continue select the methods of the mechanism, which rig embeds twice.
func (r *rig) Begin(req sdk.BeginRequest) (sdk.Step, error) {
	return r.Mechanism.Begin(r.t.Context(), req)
}

// start begins a login.
func (r *rig) start() sdk.Redirect {
	r.t.Helper()
	step, err := r.Begin(sdk.BeginRequest{State: theState})
	if err != nil {
		r.t.Fatal(err)
	}
	redirect, ok := step.(sdk.Redirect)
	if !ok {
		r.t.Fatalf("Begin returns a %T", step)
	}
	if len(redirect.Memory) > sdk.MaxMemory/4 {
		r.t.Errorf("%d bytes of memory", len(redirect.Memory))
	}
	return redirect
}

// login signs in with a server that approves without a page.
func (r *rig) login(login string) (sdk.Identity, error) {
	r.t.Helper()
	redirect := r.start()
	back, err := oauth2test.SignIn(r.t.Context(), redirect.URL, login)
	if err != nil {
		return sdk.Identity{}, err
	}
	return r.finish(sdk.ContinueRequest{State: theState, Memory: redirect.Memory, Response: inbound(r.t, back)})
}

func (r *rig) mustLogin(login string) sdk.Identity {
	r.t.Helper()
	identity, err := r.login(login)
	if err != nil {
		r.t.Fatal(err)
	}
	return identity
}

func (r *rig) finish(req sdk.ContinueRequest) (sdk.Identity, error) {
	r.t.Helper()
	step, err := r.Mechanism.Continue(r.t.Context(), req)
	r.checkNoSecret(err, req)
	if err != nil {
		return sdk.Identity{}, err
	}
	done, ok := step.(sdk.Authenticated)
	if !ok {
		r.t.Fatalf("Continue returns a %T", step)
	}
	return done.Identity, nil
}

// refresh refreshes a session.
func (r *rig) refresh(grant []byte) (sdk.Identity, error) {
	r.t.Helper()
	got, err := r.Mechanism.(sdk.Refresher).Refresh(r.t.Context(), grant)
	r.checkNoSecret(err, sdk.ContinueRequest{Memory: []byte("{}")})
	return got.Identity, err
}

// checkNoSecret searches the error and the log for the secrets of this login (OS24).
func (r *rig) checkNoSecret(err error, req sdk.ContinueRequest) {
	r.t.Helper()
	said := r.log.String()
	if err != nil {
		said += err.Error()
	}
	var mem memory
	if len(req.Memory) > 0 && json.Unmarshal(req.Memory, &mem) != nil {
		mem = memory{}
	}
	secrets := append(r.tokens(), clientSecret, url.QueryEscape(clientSecret), mem.Verifier,
		basicCredentials(clientID, clientSecret), basicCredentials(clientID, url.QueryEscape(clientSecret)))
	secrets = append(secrets, req.Response.Query["code"]...)
	for _, secret := range secrets {
		if secret != "" && strings.Contains(said, secret) {
			r.t.Errorf("a secret (%.12q…) in the error or the log: %.2000q", secret, said)
		}
	}
}

// tokens returns the tokens of the recorded token responses.
func (r *rig) tokens() []string {
	var found []string
	for _, body := range r.wire.Bodies() {
		var members map[string]any
		if json.Unmarshal([]byte(body), &members) != nil {
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

func inbound(t testing.TB, req *http.Request) sdk.InboundRequest {
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

func parseQuery(t testing.TB, raw string) url.Values {
	t.Helper()
	values, err := url.ParseQuery(raw)
	if err != nil {
		t.Fatal(err)
	}
	return values
}

// client is the registration of the client that openRig uses.
func client() oauth2test.Client {
	return oauth2test.Client{ID: clientID, Secret: clientSecret, RedirectURIs: []string{callbackURL}}
}

func startAS(t testing.TB, config oauth2test.Config) *oauth2test.Server {
	t.Helper()
	config.AutoApprove = true
	if config.Clients == nil {
		config.Clients = []oauth2test.Client{client()}
	}
	return oauth2test.Start(t, config)
}

// startRig starts a server and opens a mechanism for it with additional options.
func startRig(t *testing.T, config oauth2test.Config, more map[string]any) (*rig, *oauth2test.Server) {
	t.Helper()
	as := startAS(t, config)
	c := client()
	if config.Clients != nil {
		c = config.Clients[0]
	}
	values := as.Options(c)
	maps.Copy(values, more)
	now := config.Now
	if now == nil {
		now = time.Now
	}
	return openRig(t, now, values), as
}

func checkReason(t *testing.T, err, kind error, reason sdk.Reason) {
	t.Helper()
	refusal, ok := errors.AsType[*sdk.Error](err)
	if !ok || refusal.Kind != kind || refusal.Reason != reason {
		t.Errorf("error: %v\nwant: %v (%s)", err, kind, reason)
	}
}

// checkSays checks that an error or a log contains a text.
func checkSays(t *testing.T, said, want string) {
	t.Helper()
	if !strings.Contains(said, want) {
		t.Errorf("%.2000q\nlacks %q", said, want)
	}
}

func jsonOf(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(data)
}

func grantOf(t *testing.T, data []byte) grantContent {
	t.Helper()
	var g grantContent
	if err := json.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	return g
}
