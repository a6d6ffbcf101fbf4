package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/doorward/doorward/plugins/openid/internal/clientauth"
	"github.com/doorward/doorward/plugins/openid/internal/discovery"
	"github.com/doorward/doorward/plugins/openid/internal/jose"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
	"github.com/doorward/doorward/sdk/upstream"
	"github.com/doorward/doorward/sdk/upstream/codeflow"
)

// mechanism signs in through one configured OpenID provider.
type mechanism struct {
	options  Options
	auth     clientauth.Auth
	location discovery.Location
	callback string
	asked    url.Values // Options.params, not to be changed
	decisive []string   // Options.decisive
	client   *http.Client
	now      func() time.Time
	logger   *slog.Logger

	tellsUnknown bool // the host refuses where a rule needs groups that are unknown
	metadata     *upstream.Document[discovery.Metadata]

	mu    sync.Mutex
	store *jose.Store // of the latest jwks_uri
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
		if _, err := m.metadata.Get(ctx); err != nil {
			return nil, fmt.Errorf("issuer_discovery_must_succeed: %w", err)
		}
	}
	return m, nil
}

func newMechanism(env sdk.Env, o Options) (*mechanism, error) {
	location, err := discovery.Locate(o.IssuerURL, o.Issuer)
	if err != nil {
		return nil, sdk.Misconfigured("options", "issuer_url %w", err)
	}
	auth, problems := o.clientAuth()
	if err := problems.Err(); err != nil {
		return nil, err
	}
	client, err := o.Client(env, claims.MaxBytes)
	if err != nil {
		return nil, err
	}
	m := &mechanism{
		options: o, auth: auth, location: location, callback: env.CallbackURL, asked: o.params(), decisive: o.decisive(),
		client: client, now: env.Now, logger: env.Logger,
		tellsUnknown: env.Host.Has(sdk.FeatureGroupsUnknown),
	}
	m.metadata = upstream.NewDocument(upstream.Source[discovery.Metadata]{
		What: "the provider's discovery document", Load: m.discover, Now: m.now, Logger: m.logger, NotInTime: jose.ReasonNotInTime,
	})
	return m, nil
}

func (m *mechanism) discover(ctx context.Context) (upstream.Loaded[discovery.Metadata], error) {
	return discovery.Load(ctx, m.client, m.options.requirements(m.location))
}

// keys are those at the provider's jwks_uri.
func (m *mechanism) keys(md discovery.Metadata) *jose.Store {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.store == nil || m.store.URI() != md.JWKSURI {
		m.store = jose.NewStore(md.JWKSURI, m.client, m.now, m.logger)
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
	md, err := m.metadata.Get(ctx)
	if err != nil {
		return nil, err
	}
	mem := memory{
		Verifier: codeflow.NewVerifier(),
		Nonce:    rand.Text(),
		Issuer:   md.Issuer,
		ClientID: m.options.ClientID,
		Mode:     m.options.responseMode(),
	}
	target, err := authorizationURL(m.options, md, m.callback, req, mem)
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
	md, err := m.metadata.Get(ctx)
	if err != nil {
		return nil, err
	}
	if mem.Issuer != md.Issuer || mem.ClientID != m.options.ClientID {
		return nil, sdk.InvalidResponse(reasonProviderChanged, "the login was started with another issuer or client")
	}
	code, err := codeflow.ReadResponse(req.Response, codeflow.Expectation{
		State: req.State, Mode: mem.Mode, Issuer: md.Issuer, IssRequired: md.IssInResponse,
		IssuerFits: func(iss string) bool { return discovery.Fits(iss, md.Issuer) },
	})
	if err != nil {
		return nil, upstream.WithoutSecrets(err, req.State)
	}
	tokens, err := m.exchange(ctx, md, code, mem.Verifier)
	if err != nil {
		return nil, err
	}
	identity, err := m.identify(ctx, md, tokens, mem.Nonce)
	if err != nil {
		secrets := append(m.auth.Secrets(), code, mem.Verifier, mem.Nonce)
		return nil, upstream.WithoutSecrets(err, append(secrets, tokens.idToken, tokens.accessToken, tokens.refreshToken)...)
	}
	return sdk.Authenticated{Identity: identity}, nil
}
