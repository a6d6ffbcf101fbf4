package main

import (
	"context"
	"maps"
	"net/url"

	"golang.org/x/oauth2"

	"github.com/doorward/doorward/plugins/openid/internal/discovery"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
	"github.com/doorward/doorward/sdk/upstream"
	"github.com/doorward/doorward/sdk/upstream/codeflow"
)

// tokens are what a code was exchanged for.
type tokens struct {
	idToken, accessToken, refreshToken string

	warnings []string // about what was odd in the response
}

// exchange redeems the code at the token endpoint, with exactly one request
// (OpenID Connect Core section 3.1.3). No error repeats anything of the request.
func (m *mechanism) exchange(ctx context.Context, md discovery.Metadata, code, verifier string) (tokens, error) {
	config := oauth2.Config{RedirectURL: m.callback, Endpoint: oauth2.Endpoint{TokenURL: md.TokenEndpoint}}
	params, err := m.auth.Authenticate(&config, md.AuthMethods, m.now())
	if err != nil {
		return tokens{}, err
	}
	secrets := append(m.auth.Secrets(), code, verifier, params.Get("client_assertion"))
	granted, err := codeflow.Exchange(ctx, m.client, config, code, verifier, m.tokenParams(params))
	if err != nil {
		return tokens{}, upstream.WithoutSecrets(err, secrets...)
	}
	idToken, err := readIDToken(granted.Members)
	if err != nil {
		return tokens{}, upstream.WithoutSecrets(err, secrets...)
	}
	return tokens{
		idToken: idToken, accessToken: granted.AccessToken, refreshToken: granted.RefreshToken, warnings: granted.Warnings,
	}, nil
}

// readIDToken reads what OpenID adds to a token response (OpenID Connect Core
// section 3.1.3.3). Its scope is not looked at where there is an ID token, which
// nobody gets without the scope openid: Entra ID tells only the scopes of the access
// token.
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

// tokenParams are those of the client's authentication, and the operator's.
func (m *mechanism) tokenParams(ofClient url.Values) url.Values {
	params := url.Values{}
	for name, value := range m.options.TokenParams {
		params.Set(name, value)
	}
	maps.Copy(params, ofClient)
	return params
}
