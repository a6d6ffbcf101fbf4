// Package codeflow is the authorization code flow of OAuth 2.0 (RFC 6749 section
// 4.1) with PKCE (RFC 7636), for mechanisms that are its client.
//
// x/oauth2 makes the authorization URL and the token requests. It reads responses
// leniently: member names in any case and the last of two equal ones, form-encoded
// responses and JSON called text/plain, an error in any place. It sends a code twice
// to find out how a client authenticates, and follows redirects with the client's
// secret. Therefore it never gets a response of the provider here. A transport between
// it and the provider sends one request, reads the response once and strictly, and
// passes on four checked members as JSON, or an error.
//
//	config := oauth2.Config{
//		ClientID: id, ClientSecret: secret, RedirectURL: callback,
//		Endpoint: oauth2.Endpoint{AuthURL: …, TokenURL: …, AuthStyle: oauth2.AuthStyleInHeader},
//	}
//	target := codeflow.AuthorizationURL(config, state, params, codeflow.Challenge(codeflow.S256, verifier))
//	…
//	code, err := codeflow.ReadResponse(response, codeflow.Expectation{State: state, Mode: codeflow.ModeQuery, Issuer: issuer})
//	tokens, err := codeflow.Exchange(ctx, client, config, code, verifier, nil)
//
// The client is that of [upstream.HTTPOptions]: it follows no redirects, and limits
// time and size. This package does not keep tokens or add them to requests; a mechanism
// does that itself, only for the intended URL.
//
// Errors are of the kinds of package sdk. Their texts may quote the provider, which
// may repeat what it was sent.
package codeflow
