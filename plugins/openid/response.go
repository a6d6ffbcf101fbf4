package main

import (
	"context"
	"slices"
	"strings"

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
	granted, err := codeflow.Exchange(ctx, m.client, config, code, verifier, params)
	if err != nil {
		return tokens{}, upstream.WithoutSecrets(err, secrets...)
	}
	idToken, err := readIDToken(granted.Members)
	if err != nil {
		return tokens{}, upstream.WithoutSecrets(err, secrets...)
	}
	return tokens{idToken: idToken, accessToken: granted.AccessToken, refreshToken: granted.RefreshToken}, nil
}

// readIDToken reads what OpenID adds to a token response (OpenID Connect Core
// section 3.1.3.3).
func readIDToken(members claims.Object) (string, error) {
	if err := checkScope(members); err != nil {
		return "", err
	}
	idToken, err := members.String("id_token")
	if err != nil {
		return "", sdk.InvalidResponse(codeflow.ReasonMalformed, "%w", err)
	}
	if idToken == "" {
		return "", sdk.InvalidResponse(reasonIDTokenMissing, "no id_token: is the client allowed the scope openid?")
	}
	return idToken, nil
}

// checkScope refuses a token that was not granted openid. A missing scope means
// all that was asked for (RFC 6749 section 5.1). Some providers separate with
// commas or send a list.
func checkScope(members claims.Object) error {
	granted, err := members.Strings("scope")
	if err != nil {
		return sdk.InvalidResponse(codeflow.ReasonMalformed, "%w", err)
	}
	var scopes []string
	for _, s := range granted {
		scopes = append(scopes, strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == ',' })...)
	}
	if len(scopes) > 0 && !slices.Contains(scopes, "openid") {
		return sdk.InvalidResponse(reasonScopeReduced, "the provider granted %q and not openid: is the client allowed it?", upstream.ShownList(scopes))
	}
	return nil
}
