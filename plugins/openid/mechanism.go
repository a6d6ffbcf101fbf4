package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/doorward/doorward/plugins/openid/internal/clientauth"
	"github.com/doorward/doorward/plugins/openid/internal/discovery"
	"github.com/doorward/doorward/plugins/openid/internal/dpop"
	"github.com/doorward/doorward/plugins/openid/internal/jarm"
	"github.com/doorward/doorward/plugins/openid/internal/jose"
	"github.com/doorward/doorward/plugins/openid/internal/preset"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
	"github.com/doorward/doorward/sdk/upstream"
	"github.com/doorward/doorward/sdk/upstream/codeflow"
)

// mechanism signs in through one configured OpenID provider.
type mechanism struct {
	options  Options // with those of the preset
	preset   preset.Preset
	auth     clientauth.Auth
	location discovery.Location
	callback string
	logout   string     // the logout URL
	asked    url.Values // Options.params; read only
	decisive []string   // Options.decisive
	client   *http.Client
	now      func() time.Time
	logger   *slog.Logger
	renewals *codeflow.Renewals

	hostHandlesUnknownGroups bool // the host refuses a login whose rules need unknown groups
	metadata                 *upstream.Document[discovery.Metadata]

	mu         sync.Mutex
	store      *jose.Store // of the latest jwks_uri
	pushPaused time.Time   // until then, optional pushes are not tried
}

var (
	_ sdk.Mechanism      = (*mechanism)(nil)
	_ sdk.Refresher      = (*mechanism)(nil)
	_ sdk.LogoutBeginner = (*mechanism)(nil)
	_ sdk.LogoutReceiver = (*mechanism)(nil)
)

// withoutRefresh is a mechanism that is not asked when a session is refreshed.
type withoutRefresh struct {
	sdk.Mechanism
	sdk.LogoutBeginner
	sdk.LogoutReceiver
	sdk.Checker
	io.Closer
}

// open prepares a provider. It sends the provider no request, unless
// issuer_discovery_must_succeed is set.
func open(ctx context.Context, env sdk.Env, o Options) (sdk.Mechanism, error) {
	m, err := newMechanism(env, o)
	if err != nil {
		return nil, err
	}
	if o.IssuerDiscoveryMustSucceed {
		if _, err := m.metadata.Get(ctx); err != nil {
			return nil, fmt.Errorf("issuer_discovery_must_succeed: %w", errors.Join(err, m.Close()))
		}
	}
	if o.NoRefresh {
		return withoutRefresh{m, m, m, m, m}, nil
	}
	return m, nil
}

// Close ends the renewals that are under way, and closes idle connections.
func (m *mechanism) Close() error {
	m.renewals.Close()
	m.client.CloseIdleConnections()
	return nil
}

func newMechanism(env sdk.Env, o Options) (*mechanism, error) {
	o, p, problems := o.withPreset()
	if err := problems.Err(); err != nil {
		return nil, err
	}
	location, err := discovery.Locate(o.IssuerURL, o.Issuer)
	if err != nil {
		return nil, sdk.Misconfigured("options", "issuer_url %w", err)
	}
	auth, problems := o.clientAuth(p)
	if err := problems.Err(); err != nil {
		return nil, err
	}
	if signed := o.SignedResponses == required || jarm.Signed(o.params().Get("response_mode")); signed && !env.Host.Has(sdk.FeatureStateTokens) {
		return nil, sdk.Misconfigured("options", "signed authorization responses need a newer host: this one cannot find their login")
	}
	client, err := o.Client(env, claims.MaxBytes)
	if err != nil {
		return nil, err
	}
	client.Transport = &dpop.Transport{Next: client.Transport, Now: env.Now}
	m := &mechanism{
		options: o, preset: p, auth: auth, location: location, callback: env.CallbackURL, logout: env.LogoutURL,
		asked: o.params(), decisive: o.decisive(),
		client: client, now: env.Now, logger: env.Logger, renewals: codeflow.NewRenewals(env.Now),
		hostHandlesUnknownGroups: env.Host.Has(sdk.FeatureGroupsUnknown),
	}
	m.metadata = upstream.NewDocument(upstream.Source[discovery.Metadata]{
		What: "the provider's discovery document", Load: m.discover, Now: m.now, Logger: m.logger, NotInTime: jose.ReasonNotInTime,
	})
	return m, nil
}

func (m *mechanism) discover(ctx context.Context) (upstream.Loaded[discovery.Metadata], error) {
	return discovery.Load(ctx, m.client, m.options.requirements(m.location))
}

// provider returns the provider's metadata, with the endpoints for clients with a
// certificate if the client has one.
func (m *mechanism) provider(ctx context.Context) (discovery.Metadata, error) {
	md, err := m.metadata.Get(ctx)
	if err == nil && m.options.HTTPCert != "" {
		md = md.WithAliases()
	}
	return md, err
}

// at is where the client authenticates.
func (m *mechanism) at(md discovery.Metadata, endpoint string) clientauth.At {
	return clientauth.At{Issuer: md.Issuer, URL: endpoint, Methods: md.AuthMethods}
}

func (m *mechanism) pushPausedUntil() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.pushPaused
}

func (m *mechanism) pausePushUntil(at time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pushPaused = at
}

// keys returns the store of the provider's jwks_uri.
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
	Key      string `json:"k,omitempty"` // for DPoP
}

// newMemory makes the memory of a new login.
func (m *mechanism) newMemory(md discovery.Metadata) (memory, error) {
	mem := memory{
		Nonce:    newNonce(),
		Issuer:   md.Issuer,
		ClientID: m.options.ClientID,
		Mode:     m.options.responseMode(md.ResponseModes),
	}
	if m.options.pkceMethod() != "" {
		mem.Verifier = codeflow.NewVerifier()
	}
	if !m.binds(md) {
		return mem, nil
	}
	key, err := dpop.NewKey()
	if err != nil {
		return memory{}, err
	}
	mem.Key, err = key.Text()
	return mem, err
}

// newNonce makes a nonce of 52 letters and digits: SPID requires at least 32 of them, and
// login.gov at least 22 characters.
func newNonce() string { return rand.Text() + rand.Text() }

// binds reports whether to bind tokens to a key. Tokens that the provider binds to the
// client's certificate are not bound a second time: some providers refuse a request with
// both proofs.
func (m *mechanism) binds(md discovery.Metadata) bool {
	switch m.options.DPoP {
	case required:
		return true
	case off:
		return false
	}
	if m.options.HTTPCert != "" && md.CertificateBound {
		return false
	}
	return slices.Contains(md.DPoPAlgs, dpop.Alg)
}

// Begin sends the browser to the authorization endpoint (OpenID Connect Core
// section 3.1.2.1).
func (m *mechanism) Begin(ctx context.Context, req sdk.BeginRequest) (sdk.Step, error) {
	md, err := m.provider(ctx)
	if err != nil {
		return nil, err
	}
	mem, err := m.newMemory(md)
	if err != nil {
		return nil, err
	}
	target, err := m.authorizationURL(ctx, md, req, mem)
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(mem)
	if err != nil {
		return nil, fmt.Errorf("encoding the memory of the login: %w", err)
	}
	return sdk.Redirect{URL: target, Memory: data}, nil
}

// Continue reads the authorization response, redeems the code once, verifies the ID token
// and requests the user info (OpenID Connect Core sections 3.1.2.7 to 3.1.3.7, and 5.3).
func (m *mechanism) Continue(ctx context.Context, req sdk.ContinueRequest) (sdk.Step, error) {
	if req.Unsolicited {
		return nil, sdk.InvalidResponse(reasonUnsolicited, "it belongs to no login that Doorward began")
	}
	var mem memory
	if err := json.Unmarshal(req.Memory, &mem); err != nil {
		return nil, sdk.InvalidResponse(reasonUnsolicited, "the memory of the login cannot be read")
	}
	md, err := m.provider(ctx)
	if err != nil {
		return nil, err
	}
	if mem.Issuer != md.Issuer || mem.ClientID != m.options.ClientID {
		return nil, sdk.InvalidResponse(reasonProviderChanged, "the login was started with another issuer or client")
	}
	key, err := dpop.ParseKey(mem.Key)
	if err != nil {
		return nil, sdk.InvalidResponse(reasonUnsolicited, "the login has %w", err)
	}
	code, err := m.readResponse(ctx, md, req, mem)
	if err != nil {
		return nil, upstream.WithoutSecrets(err, req.State)
	}
	callback := m.callbackOf(req.CallbackURL)
	tokens, err := m.exchange(dpop.WithKey(ctx, key, false), md, callback, code, mem.Verifier)
	if err != nil {
		return nil, err
	}
	tokens.key, tokens.callback = key, callback
	identity, err := m.identify(dpop.WithKey(ctx, key, tokens.bound), md, tokens, mem.Nonce)
	if err == nil && m.preset.NameInResponse {
		identity = withNameOf(req.Response, identity)
	}
	if err != nil {
		secrets := append(m.auth.Secrets(), code, mem.Verifier, mem.Nonce)
		return nil, upstream.WithoutSecrets(err, append(secrets, tokens.idToken, tokens.accessToken, tokens.refreshToken)...)
	}
	return sdk.Authenticated{Identity: identity}, nil
}

// readResponse returns the code of the authorization response, which the provider may
// have signed.
func (m *mechanism) readResponse(ctx context.Context, md discovery.Metadata, req sdk.ContinueRequest, mem memory) (string, error) {
	response, mode := req.Response, mem.Mode
	if jarm.Signed(mode) {
		raw, err := jarm.Token(response, mode)
		if err != nil {
			return "", err
		}
		accept := jose.Accept{Algs: m.options.responseAlgs(md), Option: "client_authorization_signed_response_alg"}
		token, err := m.keys(md).Verify(ctx, raw, accept, jarm.Names)
		if err != nil {
			return "", err
		}
		response, err = jarm.Read(token, jarm.Expectation{Issuer: md.Issuer, ClientID: m.options.ClientID, Now: m.now()})
		if err != nil {
			return "", err
		}
		mode = codeflow.ModeQuery
	}
	ignoreIss := m.options.ResponseIss == off
	return codeflow.ReadResponse(response, codeflow.Expectation{
		State: req.State, Mode: mode, Issuer: md.Issuer,
		IssRequired: !ignoreIss && (md.IssInResponse || m.options.ResponseIss == required),
		IssuerFits:  func(iss string) bool { return ignoreIss || discovery.Fits(iss, md.Issuer) },
	})
}
