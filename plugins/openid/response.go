package main

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/doorward/doorward/plugins/openid/internal/clientauth"
	"github.com/doorward/doorward/plugins/openid/internal/discovery"
	"github.com/doorward/doorward/plugins/openid/internal/dpop"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
	"github.com/doorward/doorward/sdk/upstream"
	"github.com/doorward/doorward/sdk/upstream/codeflow"
)

// tokens is the result of exchanging a code.
type tokens struct {
	idToken, accessToken, refreshToken string

	callback string // of the login that this response belongs to

	warnings []string // about odd parts of the response

	expires time.Time // of the access token; zero: unknown
	bound   bool      // to key
	key     dpop.Key
}

// exchange redeems the code at the token endpoint, with exactly one request
// (OpenID Connect Core section 3.1.3). The callback is that of the login, since the
// provider compares it. No error repeats anything of the request.
func (m *mechanism) exchange(ctx context.Context, md discovery.Metadata, callback, code, verifier string) (tokens, error) {
	config := oauth2.Config{RedirectURL: callback, Endpoint: oauth2.Endpoint{TokenURL: md.TokenEndpoint}}
	granted, err := m.tokenRequest(ctx, md, config, []string{code, verifier}, func(ctx context.Context, config oauth2.Config, params url.Values) (codeflow.Tokens, error) {
		return codeflow.Exchange(ctx, m.client, config, code, verifier, params)
	})
	if err != nil {
		return tokens{}, err
	}
	idToken, err := readIDToken(granted.Members)
	if err != nil {
		return tokens{}, upstream.WithoutSecrets(err, append(m.auth.Secrets(), code, verifier)...)
	}
	return m.tokensOf(granted, idToken), nil
}

// tokenRequest authenticates one request for tokens. The secrets are those of the request,
// in addition to the client's.
func (m *mechanism) tokenRequest(ctx context.Context, md discovery.Metadata, config oauth2.Config, secrets []string, send tokenSender) (codeflow.Tokens, error) {
	at := m.at(md, md.TokenEndpoint)
	params, err := m.auth.Authenticate(&config, at, m.now())
	if err != nil {
		return codeflow.Tokens{}, err
	}
	if params != nil {
		ctx = dpop.WithRewrite(ctx, func(body []byte) ([]byte, error) { return m.withAnotherAssertion(body, at) })
	}
	granted, err := send(ctx, config, m.withTokenParams(params))
	if sdk.ReasonOf(err) == "invalid_client" && m.auth.SwitchAudience(at) {
		// A code is sent only once, so this login still fails.
		m.logger.Warn("the provider does not accept the client's assertion; the next one is for the other audience: set client_assertion_audience")
	}
	if err == nil && m.options.DPoP == required && !isBound(granted) {
		err = sdk.InvalidResponse(reasonNotBound, "the provider does not bind its tokens, but dpop is required: is the client registered for DPoP?")
	}
	if err != nil {
		return codeflow.Tokens{}, upstream.WithoutSecrets(err, append(append(m.auth.Secrets(), secrets...), params.Get("client_assertion"))...)
	}
	return granted, nil
}

// withTokenParams adds the operator's parameters to those of the client's authentication.
func (m *mechanism) withTokenParams(ofClient url.Values) url.Values {
	params := url.Values{}
	for name, value := range m.options.TokenParams {
		params.Set(name, value)
	}
	maps.Copy(params, ofClient)
	return params
}

// tokenSender sends one request for tokens, with an authenticated client.
type tokenSender func(ctx context.Context, config oauth2.Config, params url.Values) (codeflow.Tokens, error)

// withAnotherAssertion replaces the assertion of a request that is sent a second time,
// because the server requires a nonce in its proof: an assertion is single-use (RFC 7523
// section 3).
func (m *mechanism) withAnotherAssertion(body []byte, at clientauth.At) ([]byte, error) {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, fmt.Errorf("making the token request: %w", err)
	}
	if _, err := m.auth.AuthenticateForm(form, at, m.now()); err != nil {
		return nil, err
	}
	return []byte(form.Encode()), nil
}

func isBound(granted codeflow.Tokens) bool {
	kind, _ := granted.Members.String("token_type")
	return strings.EqualFold(kind, codeflow.TypeDPoP)
}

func (m *mechanism) tokensOf(granted codeflow.Tokens, idToken string) tokens {
	t := tokens{
		idToken: idToken, accessToken: granted.AccessToken, refreshToken: granted.RefreshToken, warnings: granted.Warnings,
		bound: isBound(granted),
	}
	if seconds, err := granted.Members.Int("expires_in"); err == nil && seconds > 0 {
		t.expires = m.now().Add(time.Duration(seconds) * time.Second)
	}
	return t
}

// readIDToken reads the ID token of a token response (OpenID Connect Core section
// 3.1.3.3). If there is an ID token, it ignores the scope: nobody gets an ID token without
// the scope openid, and Entra ID lists only the scopes of the access token.
func readIDToken(members claims.Object) (string, error) {
	idToken, err := members.String("id_token")
	if err != nil {
		return "", sdk.InvalidResponse(codeflow.ReasonMalformed, "%w", err)
	}
	if idToken != "" {
		return idToken, nil
	}
	if granted, err := members.Strings("scope"); err == nil && len(granted) > 0 {
		return "", sdk.InvalidResponse(reasonIDTokenMissing, "no id_token, and the scopes %q were granted: is the client allowed the scope openid?", upstream.ShownList(granted))
	}
	return "", sdk.InvalidResponse(reasonIDTokenMissing, "no id_token: is the client allowed the scope openid?")
}
