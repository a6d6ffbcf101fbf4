// Package oauth2test is a provider of plain OAuth 2.0 for tests of clients. It simulates
// real providers, each with its own URLs, API and peculiarities.
//
// It is a small HTTP server, or two if the provider has its API and its sign-in page on
// different hosts. Unit tests start one each, end-to-end tests share one, and in a
// demonstration a person can click through its sign-in page. It asks for no password: never
// use it to protect anything real.
//
// # The good provider
//
// A [Server] of the kind [Generic] conforms to RFC 6749 and RFC 7636, and is strict where
// real providers differ: it compares a redirect_uri byte for byte, a client must
// authenticate with its registered method, a code can be used once and within
// [CodeLifetime], and the code verifier must match a code challenge that was sent.
//
// The other kinds do only what the provider's documentation says. GitHub responds to a token
// request with a form unless the request asks for JSON, sends every error of the token
// endpoint with status 200, refuses API requests without User-Agent, sends null for a
// private address, and sends the URL of the next page in a Link field. Facebook sends errors
// as objects and requires appsecret_proof. The facts are as of 2026-11-30.
//
// In a test:
//
//	as := oauth2test.Start(t, oauth2test.Config{
//		Kind: oauth2test.GitHub, AutoApprove: true,
//		Clients: []oauth2test.Client{{ID: "door", Secret: "s3cret", RedirectURIs: []string{callback}}},
//	})
//	// … configure the client with as.Base() and as.API(), let it begin a login …
//	back, err := oauth2test.SignIn(ctx, authorizationURL, "alice")
//	// … hand back to the client …
//
// # The bad provider
//
// [Server.Alter] changes the reply of an endpoint, and [Misbehaviours] lists named changes.
// [Server.Hits] counts requests, and [Server.Leaks] reports secrets and tokens in URLs.
// [Server.Trap] is the URL of another server: a client must never send requests to it.
package oauth2test
