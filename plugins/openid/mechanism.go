package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"golang.org/x/oauth2"

	"github.com/doorward/doorward/sdk"
)

// mechanism signs in through one configured OpenID provider.
type mechanism struct {
	options  Options
	auth     clientAuth
	location issuerLocation
	callback string
	client   *http.Client
	now      func() time.Time
	logger   *slog.Logger
	metadata cached[metadata]

	mu    sync.Mutex
	store *keyStore // of the latest jwks_uri
}

var _ sdk.Mechanism = (*mechanism)(nil)

// open makes a provider ready. It asks the provider nothing, unless the operator
// wants to know at once whether it answers.
func open(ctx context.Context, env sdk.Env, o Options) (sdk.Mechanism, error) {
	m, err := newMechanism(env, o)
	if err != nil {
		return nil, err
	}
	if o.IssuerDiscoveryMustSucceed {
		if _, err := m.metadata.get(ctx); err != nil {
			return nil, fmt.Errorf("issuer_discovery_must_succeed: %w", err)
		}
	}
	return m, nil
}

func newMechanism(env sdk.Env, o Options) (*mechanism, error) {
	location, err := locateIssuer(o.IssuerURL)
	if err != nil {
		return nil, sdk.Misconfigured("options", "issuer_url %w", err)
	}
	auth, problem := o.clientAuth()
	if problem != nil {
		return nil, sdk.Misconfigured("options", "%s %s", problem.option, problem.text)
	}
	client, err := env.HTTPClient(o.httpSettings())
	if err != nil {
		return nil, sdk.Misconfigured("options", "client_http: %w", err)
	}
	m := &mechanism{
		options: o, auth: auth, location: location, callback: env.CallbackURL,
		client: client, now: env.Now, logger: env.Logger,
	}
	m.metadata = cached[metadata]{load: m.discover, now: m.now, keep: discoveryKeep, stale: m.warnStale}
	return m, nil
}

func (m *mechanism) warnStale(err error) {
	m.logger.Warn("provider document cannot be loaded, the last good one serves on", "error", err)
}

// keys are those at the provider's jwks_uri.
func (m *mechanism) keys(md metadata) *keyStore {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.store == nil || m.store.uri != md.jwksURI {
		m.store = newKeyStore(md.jwksURI, m.client, m.now, m.warnStale)
	}
	return m.store
}

// memory travels from Begin to Continue, sealed by the host.
type memory struct {
	Verifier string `json:"v"`
	Nonce    string `json:"n"`
	Issuer   string `json:"i"`
	ClientID string `json:"c"`
	Mode     string `json:"m"`
}

// Begin sends the browser to the authorization endpoint (OpenID Connect Core
// section 3.1.2.1).
func (m *mechanism) Begin(ctx context.Context, req sdk.BeginRequest) (sdk.Step, error) {
	md, err := m.metadata.get(ctx)
	if err != nil {
		return nil, err
	}
	mem := memory{
		Verifier: oauth2.GenerateVerifier(),
		Nonce:    rand.Text(),
		Issuer:   md.issuer,
		ClientID: m.options.ClientID,
		Mode:     m.responseMode(),
	}
	target, err := m.authorizationURL(md, req, mem)
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(mem)
	if err != nil {
		return nil, fmt.Errorf("encoding the memory of the login: %w", err)
	}
	return sdk.Redirect{URL: target, Memory: data}, nil
}

// Continue reads the authorization response, redeems the code once, verifies the
// ID token and asks for the user info (OpenID Connect Core sections 3.1.2.7 to
// 3.1.3.7, and 5.3).
func (m *mechanism) Continue(ctx context.Context, req sdk.ContinueRequest) (sdk.Step, error) {
	if req.Unsolicited {
		return nil, sdk.InvalidResponse(reasonUnsolicited, "no login of ours asked for it")
	}
	var mem memory
	if err := json.Unmarshal(req.Memory, &mem); err != nil {
		return nil, sdk.InvalidResponse(reasonUnsolicited, "the login has no memory that can be read")
	}
	md, err := m.metadata.get(ctx)
	if err != nil {
		return nil, err
	}
	if mem.Issuer != md.issuer || mem.ClientID != m.options.ClientID {
		return nil, sdk.InvalidResponse(reasonProviderChanged, "the login was started with another issuer or client")
	}
	code, err := readResponse(req.Response, expectation{
		state: req.State, mode: mem.Mode, issuer: md.issuer, issRequired: md.issInResponse,
	})
	if err != nil {
		return nil, withoutSecrets(err, req.State)
	}
	tokens, err := m.exchange(ctx, md, code, mem.Verifier)
	if err != nil {
		return nil, err
	}
	identity, err := m.identify(ctx, md, tokens, mem.Nonce)
	if err != nil {
		secrets := append(m.auth.secrets(m.options.ClientID), code, mem.Verifier, mem.Nonce)
		return nil, withoutSecrets(err, append(secrets, tokens.idToken, tokens.accessToken, tokens.refreshToken)...)
	}
	return sdk.Authenticated{Identity: identity}, nil
}
