package main

import (
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"slices"

	"golang.org/x/oauth2"

	"github.com/doorward/doorward/plugins/oauth2/internal/tokenresponse"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/upstream"
	"github.com/doorward/doorward/sdk/upstream/codeflow"
)

// exchange redeems the code at the token endpoint with exactly one request. The callback
// must be that of the login, because the provider compares it.
func (m *mechanism) exchange(ctx context.Context, callback, code, verifier string) (codeflow.Tokens, error) {
	config := m.config()
	config.RedirectURL = callback
	return m.request(func(client *http.Client) (codeflow.Tokens, error) {
		return codeflow.Exchange(ctx, client, config, code, verifier, m.set.tokenParams)
	})
}

// renew requests new tokens with a refresh token.
func (m *mechanism) renew(ctx context.Context, refreshToken string) (codeflow.Tokens, error) {
	return m.request(func(client *http.Client) (codeflow.Tokens, error) {
		return codeflow.Refresh(ctx, client, m.config(), refreshToken, m.set.tokenParams)
	})
}

// request makes a token request through a tokenTransport.
func (m *mechanism) request(run func(*http.Client) (codeflow.Tokens, error)) (codeflow.Tokens, error) {
	t := &tokenTransport{mechanism: m}
	client := *m.client
	client.Transport = t
	tokens, err := run(&client)
	if t.err != nil {
		return codeflow.Tokens{}, t.err
	}
	if err != nil {
		return codeflow.Tokens{}, err
	}
	if t.answer.Odd != nil {
		m.logger.Warn("cannot read the granted scopes", "because", t.answer.Odd)
	}
	return tokens, m.checkScopes(t.answer)
}

// config is the configuration for x/oauth2. It always sets the authentication style:
// otherwise x/oauth2 would try both styles and send the code twice.
func (m *mechanism) config() oauth2.Config {
	config := oauth2.Config{
		ClientID: m.options.ClientID,
		Endpoint: oauth2.Endpoint{TokenURL: m.set.accessURL, AuthStyle: oauth2.AuthStyleInParams},
	}
	switch m.set.authMethod {
	case authBasic:
		config.ClientSecret = m.options.ClientSecret.Reveal()
		config.Endpoint.AuthStyle = oauth2.AuthStyleInHeader
	case authPost:
		config.ClientSecret = m.options.ClientSecret.Reveal()
	}
	return config
}

// tokenTransport adds the configured header fields to token requests, and converts
// the provider's responses to the form that RFC 6749 section 5 requires.
type tokenTransport struct {
	*mechanism

	answer tokenresponse.Answer
	err    error // from the provider or the connection to it
}

// RoundTrip makes one token request.
func (t *tokenTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	for name, value := range t.set.tokenHeaders {
		req.Header.Set(name, value)
	}
	if t.set.authMethod == authBasicRaw {
		req.Header.Set("Authorization", "Basic "+basicCredentials(t.options.ClientID, t.options.ClientSecret.Reveal()))
	}
	resp, err := t.client.Transport.RoundTrip(req)
	if err != nil {
		t.err = upstream.Unreachable(codeflow.ReasonUnreachable, "asking the token endpoint", err)
		return nil, t.err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.err = sdk.Unavailable(codeflow.ReasonUnreachable, "reading the response of the token endpoint: %s", upstream.Quoted(err.Error()))
		return nil, t.err
	}
	t.answer, t.err = t.tokenDialect().Read(upstream.Answer{Status: resp.StatusCode, Header: resp.Header, Body: body})
	if t.err != nil {
		return nil, t.err
	}
	return t.answer.Response(req), nil
}

func (m *mechanism) tokenDialect() tokenresponse.Dialect {
	return tokenresponse.Dialect{
		ErrorWhen:   m.set.tokenErrors,
		MissingType: m.options.MissingTokenType,
		Method:      m.set.authMethod,
		CodeRefused: m.set.preset.CodeRefused,
	}
}

// basicCredentials does not percent-encode.
func basicCredentials(id, secret string) string {
	return base64.StdEncoding.EncodeToString([]byte(id + ":" + secret))
}

// checkScopes refuses tokens that lack a required scope. A response without scope means that
// all requested scopes were granted (RFC 6749 section 5.1).
func (m *mechanism) checkScopes(answer tokenresponse.Answer) error {
	if answer.Scopes == nil {
		return nil
	}
	for _, scope := range m.options.RequiredScopes {
		if !slices.Contains(answer.Scopes, scope) {
			return sdk.Denied(reasonScopeReduced, "the provider granted %q but not %s, which required_scopes contains: the user may have deselected it", upstream.ShownList(answer.Scopes), scope)
		}
	}
	return nil
}
