// Package codeflow is the authorization code flow of OAuth 2.0 (RFC 6749 section
// 4.1) with PKCE (RFC 7636), for mechanisms that are its client.
//
// x/oauth2 makes the authorization URL and the token requests. What comes back it
// would read leniently: member names in any case and the last of two equal ones,
// form-encoded answers and JSON called text/plain, an error wherever it likes; it
// would send a code twice to find out how a client authenticates, and follow
// redirects with the client's secret. So it never meets an answer here. Between it
// and the provider stands a transport that sends one request, reads the answer once
// and strictly, and hands on four checked members as JSON, or an error.
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
// The client is that of [upstream.HTTPOptions]: it follows no redirects, and bounds
// time and size. Nothing here keeps a token or adds one to a request; a mechanism
// does that itself, for the one URL that it means.
//
// Errors are of the kinds of package sdk. Their texts may quote the provider, which
// may repeat what it was sent.
package codeflow
