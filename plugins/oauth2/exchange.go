package main

import (
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"slices"

	"golang.org/x/oauth2"

	"github.com/doorward/doorward/plugins/oauth2/internal/tokenanswer"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/upstream"
	"github.com/doorward/doorward/sdk/upstream/codeflow"
)

// exchange redeems the code at the token endpoint, with exactly one request. The
// callback is that of the login, since the provider compares it.
func (m *mechanism) exchange(ctx context.Context, callback, code, verifier string) (codeflow.Tokens, error) {
	config := m.config()
	config.RedirectURL = callback
	return m.request(func(client *http.Client) (codeflow.Tokens, error) {
		return codeflow.Exchange(ctx, client, config, code, verifier, m.set.tokenParams)
	})
}

// renew asks for new tokens with a refresh token.
func (m *mechanism) renew(ctx context.Context, refreshToken string) (codeflow.Tokens, error) {
	return m.request(func(client *http.Client) (codeflow.Tokens, error) {
		return codeflow.Refresh(ctx, client, m.config(), refreshToken, m.set.tokenParams)
	})
}

// request makes a token request in the dialect of the provider.
func (m *mechanism) request(run func(*http.Client) (codeflow.Tokens, error)) (codeflow.Tokens, error) {
	d := &dialect{mechanism: m}
	client := *m.client
	client.Transport = d
	tokens, err := run(&client)
	if d.err != nil {
		return codeflow.Tokens{}, d.err
	}
	if err != nil {
		return codeflow.Tokens{}, err
	}
	if d.answer.Odd != nil {
		m.logger.Warn("the scopes that were granted cannot be read", "because", d.answer.Odd)
	}
	return tokens, m.checkScopes(d.answer)
}

// config is the x/oauth2 client. Its style is always known: left to find it out,
// x/oauth2 would send the code twice.
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

// dialect stands between the code flow and the provider, and translates: header
// fields that are wanted into the request, and what the provider answers into what
// RFC 6749 section 5 wants.
type dialect struct {
	*mechanism

	answer tokenanswer.Answer
	err    error // of the provider, or of the way to it
}

// RoundTrip makes one token request.
func (d *dialect) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	for name, value := range d.set.tokenHeaders {
		req.Header.Set(name, value)
	}
	if d.set.authMethod == authBasicRaw {
		req.Header.Set("Authorization", "Basic "+basicCredentials(d.options.ClientID, d.options.ClientSecret.Reveal()))
	}
	resp, err := d.client.Transport.RoundTrip(req)
	if err != nil {
		d.err = upstream.Unreachable(codeflow.ReasonUnreachable, "asking the token endpoint", err)
		return nil, d.err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		d.err = sdk.Unavailable(codeflow.ReasonUnreachable, "reading the answer of the token endpoint: %s", upstream.Quoted(err.Error()))
		return nil, d.err
	}
	d.answer, d.err = d.dialectOf().Read(upstream.Answer{Status: resp.StatusCode, Header: resp.Header, Body: body})
	if d.err != nil {
		return nil, d.err
	}
	return d.answer.Response(req), nil
}

func (m *mechanism) dialectOf() tokenanswer.Dialect {
	return tokenanswer.Dialect{
		ErrorWhen:   m.set.tokenErrors,
		MissingType: m.options.MissingTokenType,
		Method:      m.set.authMethod,
		CodeRefused: m.set.preset.CodeRefused,
	}
}

// basicCredentials are not percent-encoded.
func basicCredentials(id, secret string) string {
	return base64.StdEncoding.EncodeToString([]byte(id + ":" + secret))
}

// checkScopes refuses tokens with fewer scopes than the operator wants. An answer
// without scope means all that was asked for (RFC 6749 section 5.1).
func (m *mechanism) checkScopes(answer tokenanswer.Answer) error {
	if answer.Scopes == nil {
		return nil
	}
	for _, scope := range m.options.RequiredScopes {
		if !slices.Contains(answer.Scopes, scope) {
			return sdk.Denied(reasonScopeReduced, "the provider granted %q and not %s, which required_scopes names: has the end user left it out?", upstream.ShownList(answer.Scopes), scope)
		}
	}
	return nil
}
