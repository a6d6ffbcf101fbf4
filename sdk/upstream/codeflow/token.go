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

// Tokens are the checked tokens of a token response: each token consists of printable
// ASCII characters, a refresh token has at most [MaxToken] bytes, and an access token is
// of type Bearer, or [TypeDPoP] if the request had a proof. AccessToken is empty only in
// a response with an id_token.
type Tokens struct {
	*oauth2.Token

	// Members are the members of the response as the provider wrote them, for id_token,
	// scope and the like. expires_in is a whole number of seconds, or absent.
	Members claims.Object

	// Warnings name members of the response that were left out or interpreted, and why,
	// without their values.
	Warnings []string
}

// Exchange redeems a code with exactly one request, whatever the outcome (RFC 6749
// section 4.1.3), because a code is single-use. Params, such as client_assertion, are
// added to the request; they do not replace parameters of the flow. The verifier can be
// empty.
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

// request makes x/oauth2 send one request through our transport. The result of the
// transport counts, and not how x/oauth2 and net/http report it.
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
