package codeflow

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"golang.org/x/oauth2"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
)

// Tokens are what the token endpoint granted, checked: printable ASCII characters in
// each token, at most [MaxToken] in a refresh token, and an access token of type Bearer,
// or [TypeDPoP] where that was asked for.
// AccessToken is empty only in an answer with an id_token.
type Tokens struct {
	*oauth2.Token

	// Members are those of the answer as the provider wrote it, for id_token,
	// scope and the like; expires_in is a whole number of seconds, or absent.
	Members claims.Object

	// Warnings name what of the answer was left out, or taken for something else, and
	// why, without its value.
	Warnings []string
}

// Exchange redeems a code with exactly one request, whatever comes of it (RFC 6749
// section 4.1.3): a code is good for one. Params are added to the request, such as
// client_assertion; none of them replaces one of the flow. A verifier may be empty.
func Exchange(ctx context.Context, client *http.Client, config oauth2.Config, code, verifier string, params url.Values) (Tokens, error) {
	return request(ctx, client, config, params, func(ctx context.Context) (*oauth2.Token, error) {
		if verifier == "" {
			return config.Exchange(ctx, code)
		}
		return config.Exchange(ctx, code, oauth2.VerifierOption(verifier))
	})
}

// Refresh asks for new tokens with one request (RFC 6749 section 6). If the provider
// sends no new refresh token, the result has the old one.
func Refresh(ctx context.Context, client *http.Client, config oauth2.Config, refreshToken string, params url.Values) (Tokens, error) {
	return request(ctx, client, config, params, func(ctx context.Context) (*oauth2.Token, error) {
		return config.TokenSource(ctx, &oauth2.Token{RefreshToken: refreshToken}).Token()
	})
}

// request has x/oauth2 make one request through a transport of ours. What the
// transport found out counts, and not how x/oauth2 and net/http tell of it.
func request(ctx context.Context, client *http.Client, config oauth2.Config, params url.Values, run func(context.Context) (*oauth2.Token, error)) (Tokens, error) {
	if config.Endpoint.AuthStyle == oauth2.AuthStyleAutoDetect {
		return Tokens{}, errors.New("asking for tokens: AuthStyle is not set, and finding it out would send the code twice")
	}
	once := &transport{next: client.Transport, params: params}
	own := *client
	own.Transport = once
	token, err := run(context.WithValue(ctx, oauth2.HTTPClient, &own))
	switch {
	case once.err != nil:
		return Tokens{}, once.err
	case err != nil:
		return Tokens{}, sdk.InvalidResponse(ReasonMalformed, "the OAuth library refuses the answer")
	}
	if once.members["access_token"] == nil {
		token.AccessToken = ""
	}
	return Tokens{Token: token, Members: once.members, Warnings: once.warnings}, nil
}
