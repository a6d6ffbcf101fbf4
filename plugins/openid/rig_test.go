package main

import (
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/plugins/openid/openidtest"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/options"
	"github.com/doorward/doorward/sdk/plugin"
	"github.com/doorward/doorward/sdk/plugintest"
)

const (
	clientID     = "door ward&co" // form-encoding it matters (RFC 6749 section 2.3.1)
	clientSecret = "s3cret:with/odd+characters%"
	callbackURL  = "https://login.example/auth/login/op/callback"
	logoutURL    = "https://login.example/auth/login/op/logout"
)

// rig is a mechanism opened in this process, which records its log and its HTTP traffic.
type rig struct {
	*mechanism
	t    *testing.T
	log  *plugintest.Log
	wire *plugintest.Recorder
}

// openRig opens a mechanism with these options, in the host's form, in addition to those of
// the client that all tests share.
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
	r := &rig{t: t, log: &plugintest.Log{}, wire: &plugintest.Recorder{}}
	env := sdk.Env{
		Provider:    "op",
		Host:        sdk.NewHost("1.0.0", sdk.Features()),
		CallbackURL: callbackURL,
		LogoutURL:   logoutURL,
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
	m, err := open(t.Context(), env, opts)
	if err != nil {
		return nil, err
	}
	r.mechanism = m.(*mechanism)
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
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

// checkNoSecret looks for all secrets of this login in the error and in the log (E14, E15).
func (r *rig) checkNoSecret(err error, req sdk.ContinueRequest) {
	r.t.Helper()
	said := r.log.String()
	if err != nil {
		said += err.Error()
	}
	var mem memory
	if json.Unmarshal(req.Memory, &mem) != nil {
		r.t.Fatal("the memory is not JSON")
	}
	secrets := append(tokensOf(r.wire), clientSecret, url.QueryEscape(clientSecret), mem.Verifier, mem.Nonce)
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

// tokensOf returns the tokens in the recorded token responses.
func tokensOf(wire *plugintest.Recorder) []string {
	var found []string
	for _, body := range wire.Bodies() {
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
