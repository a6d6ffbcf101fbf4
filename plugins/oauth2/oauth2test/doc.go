// Package oauth2test is a provider of plain OAuth 2.0 to test clients against: one
// authorization server, and in front of it the providers that people have, each with
// its own URLs, its own API and its own oddities.
//
// It is a real, small HTTP server, or two of them where the provider has its API on
// another host than its sign-in page. Unit tests start one each, end-to-end tests
// share one, and a person can click through its sign-in page in a demonstration.
// Never put it in front of anything real: nobody needs a password.
//
// # The good provider
//
// A [Server] of the kind [Generic] keeps to RFC 6749 and RFC 7636, and is strict
// where real providers differ: a redirect_uri is compared byte for byte, a client
// must authenticate in its registered way, a code is good once and for
// [CodeLifetime], a code challenge that was sent must be met.
//
// The other kinds do what the provider's documentation says, and not more. That of
// GitHub answers a token request with a form unless it is asked for JSON, says every
// error of the token endpoint with status 200, refuses API requests without
// User-Agent, gives null for a private address, and names the next page of a list in
// a Link field; that of Facebook has objects for errors and wants appsecret_proof;
// and so on. Their facts are those of 2026-11-30.
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
// [Server.Alter] changes what an endpoint answers, and [Misbehaviours] is a list of
// such changes by name. [Server.Hits] counts requests, and [Server.Leaks] tells of
// secrets and tokens that stood in a URL. [Server.Trap] is a URL elsewhere: what
// arrives there was sent to somebody who should not have it.
package oauth2test
