package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/doorward/doorward/plugins/oauth2/internal/profile"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
	"github.com/doorward/doorward/sdk/upstream"
	"github.com/doorward/doorward/sdk/upstream/codeflow"
)

// mechanism signs in through one configured provider.
type mechanism struct {
	options  Options
	set      settings
	callback string
	client   *http.Client
	api      profile.API
	now      func() time.Time
	logger   *slog.Logger
	renewals *codeflow.Renewals
}

var (
	_ sdk.Mechanism      = (*mechanism)(nil)
	_ sdk.Checker        = (*mechanism)(nil)
	_ sdk.Refresher      = refreshing{}
	_ sdk.LogoutBeginner = refreshing{}
)

// refreshing is a mechanism that stores tokens.
type refreshing struct{ *mechanism }

// open sets up a provider. It sends no requests.
func open(_ context.Context, env sdk.Env, o Options) (sdk.Mechanism, error) {
	m, err := newMechanism(env, o)
	if err != nil {
		return nil, err
	}
	if warning := m.set.identifierWarning(); warning != "" {
		m.logger.Warn(warning)
	}
	if finding := m.checkAllowed(); finding.Severity == sdk.SeverityWarning {
		m.logger.Warn("an allow-list contains names", "warning", finding.Text)
	}
	if o.NoRefresh {
		return m, nil
	}
	return refreshing{m}, nil
}

func newMechanism(env sdk.Env, o Options) (*mechanism, error) {
	set, problems := newSettings(o)
	if err := problems.Err(); err != nil {
		return nil, err
	}
	client, err := o.HTTPOptions.Client(env, claims.MaxBytes)
	if err != nil {
		return nil, err
	}
	m := &mechanism{
		options: o, set: set, callback: env.CallbackURL, client: client, now: env.Now, logger: env.Logger,
		api: profile.API{
			Client: client, Header: set.profileHeaders, Scheme: set.scheme(o), Types: set.preset.ProfileTypes, ErrorWhen: set.errorWhen,
		},
	}
	m.renewals = codeflow.NewRenewals(m.now)
	if set.preset.Proof || o.AppSecretProof {
		m.api.ProofSecret = o.ClientSecret.Reveal()
	}
	return m, nil
}

// Close ends running renewals and closes idle connections.
func (m *mechanism) Close() error {
	m.renewals.Close()
	m.client.CloseIdleConnections()
	return nil
}

// memory is passed from Begin to Continue, sealed by the host.
type memory struct {
	Verifier string `json:"v,omitempty"` // empty without PKCE
	Provider string `json:"p"`
}

// providerKey identifies the provider's configuration. If it changes during a login, the
// code must not go to the new token endpoint.
func (m *mechanism) providerKey() string {
	return m.options.ClientID + " " + m.set.authorizeURL + " " + m.set.accessURL
}

// Begin sends the browser to the authorization endpoint (RFC 6749 section 4.1.1).
func (m *mechanism) Begin(_ context.Context, req sdk.BeginRequest) (sdk.Step, error) {
	mem := memory{Provider: fingerprint(m.providerKey())}
	if m.set.pkce != pkceOff {
		mem.Verifier = codeflow.NewVerifier()
	}
	target, err := m.authorizationURL(req, mem)
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(mem)
	if err != nil {
		return nil, fmt.Errorf("encoding the memory of the login: %w", err)
	}
	return sdk.Redirect{URL: target, Memory: data}, nil
}

// Continue reads the authorization response, redeems the code once, and reads the profile of
// the token's owner (RFC 6749 sections 4.1.2 to 4.1.4).
func (m *mechanism) Continue(ctx context.Context, req sdk.ContinueRequest) (sdk.Step, error) {
	if req.Unsolicited {
		return nil, sdk.InvalidResponse(reasonUnsolicited, "no login here requested this response")
	}
	var mem memory
	if err := json.Unmarshal(req.Memory, &mem); err != nil {
		return nil, sdk.InvalidResponse(reasonUnsolicited, "the login has no readable memory")
	}
	if mem.Provider != fingerprint(m.providerKey()) || (mem.Verifier == "") != (m.set.pkce == pkceOff) {
		return nil, sdk.InvalidResponse(reasonProviderChanged, "the options have changed since the login began: sign in again")
	}
	code, err := m.readResponse(req)
	if err != nil {
		return nil, upstream.WithoutSecrets(err, req.State)
	}
	ctx, cancel := m.deadline(ctx)
	defer cancel()
	identity, tokens, err := m.signIn(ctx, m.callbackURL(req.CallbackURL), code, mem)
	if err != nil {
		return nil, m.scrub(err, tokens, code, mem.Verifier)
	}
	return sdk.Authenticated{Identity: identity}, nil
}

func (m *mechanism) signIn(ctx context.Context, callback, code string, mem memory) (sdk.Identity, codeflow.Tokens, error) {
	tokens, err := m.exchange(ctx, callback, code, mem.Verifier)
	if err != nil {
		return sdk.Identity{}, tokens, err
	}
	data, err := m.fetchUserData(ctx, tokens.AccessToken, tokens.Members)
	if err != nil {
		return sdk.Identity{}, tokens, err
	}
	identity, err := m.identify(data)
	if err != nil {
		return sdk.Identity{}, tokens, err
	}
	identity.Grant, err = m.grant(identity.Subject, tokens)
	return identity, tokens, err
}

// deadline limits the total time of all requests of one login: many responses that are each
// just within their time limit must not keep a login open.
func (m *mechanism) deadline(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, m.options.LoginHTTPBudget)
}

// noTokens is for an error before the tokens were received.
var noTokens codeflow.Tokens

// scrub removes all secrets from an error.
func (m *mechanism) scrub(err error, tokens codeflow.Tokens, others ...string) error {
	secret := m.options.ClientSecret.Reveal()
	id := m.options.ClientID
	secrets := append(others, secret, url.QueryEscape(secret),
		basicCredentials(id, secret), basicCredentials(url.QueryEscape(id), url.QueryEscape(secret)))
	if tokens.Token != nil {
		secrets = append(secrets, tokens.AccessToken, tokens.RefreshToken)
	}
	return upstream.WithoutSecrets(err, secrets...)
}
