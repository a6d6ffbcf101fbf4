// Package openidtest is an OpenID provider to test relying parties against.
//
// It is a real, small HTTP server: unit tests of a relying party start one each,
// end-to-end tests and benchmarks share one, and a person can click through its
// sign-in page in a demonstration. Never put it in front of anything real:
// nobody needs a password.
//
// # The good provider
//
// By default it keeps to OpenID Connect Core 1.0 (code flow), OpenID Connect
// Discovery 1.0, PKCE (RFC 7636: required, S256 only), iss in authorization
// responses (RFC 9207), the form_post response mode, and RP-initiated logout.
// It is strict where real providers differ:
//
//   - redirect_uri is compared byte for byte.
//   - A client that does not authenticate in its registered way gets
//     invalid_client: a relying party that tries one way and then the other is
//     found out.
//   - A code is good for [CodeLifetime] and once. A second use answers
//     invalid_grant and revokes the tokens that the first use brought.
//   - Refresh tokens are rotated; the second use of one revokes them all.
//
// In a test:
//
//	op := openidtest.Start(t, openidtest.Config{
//		AutoApprove: true,
//		Clients: []openidtest.Client{{
//			ID: "door", Secret: "s3cret", RedirectURIs: []string{"http://127.0.0.1/callback"},
//		}},
//	})
//	// … configure the relying party with op.Issuer(), let it begin a login …
//	callback, err := openidtest.SignIn(ctx, authorizationURL, "alice")
//	// … hand callback to the relying party …
//	if op.Hits(openidtest.TokenEndpoint) != 1 { … }
//
// # The bad provider
//
// A [Misbehaviour] makes the provider break one rule. [Misbehaviours] lists them
// all and [Misbehaviour.Details] tells of each what happens, at which stage, and
// whether a correct relying party refuses. Some are legal oddities, which it
// must accept. A misbehaviour is set for everybody with [Provider.Misbehave], or
// for one login by adding its name to the login hint: "alice+issuer-other".
// The latter leaves concurrent logins alone; it works for each misbehaviour
// that [Details.PerLogin] says it works for.
//
// Whatever a correct relying party never requests (a key set named in a token's
// header, the target of a redirect) answers well and is counted: Hits(Trap)
// must stay 0.
package openidtest
