// Package openidtest is an OpenID provider to test relying parties against.
//
// It is a real, small HTTP server: each unit test of a relying party starts its
// own, end-to-end tests and benchmarks share one, and a person can click through
// its sign-in page in a demonstration. Never use it for anything real: it asks
// for no password.
//
// # The good provider
//
// By default it conforms to OpenID Connect Core 1.0 (code flow), OpenID Connect
// Discovery 1.0, PKCE (RFC 7636: required, S256 only), iss in authorization
// responses (RFC 9207), the form_post response mode, and RP-initiated logout.
// It is strict where real providers differ:
//
//   - redirect_uri is compared byte for byte.
//   - A client that does not use its registered authentication method gets
//     invalid_client. This detects a relying party that tries several methods.
//   - A code is valid for [CodeLifetime], and once. A second use is answered with
//     invalid_grant and revokes the tokens of the first use.
//   - Refresh tokens are rotated; a second use of one revokes all of them.
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
// A [Misbehaviour] makes the provider break one rule. [Misbehaviours] lists all
// of them, and [Misbehaviour.Details] says what each does, at which stage, and
// whether a correct relying party refuses it. Some are legal oddities, which it
// must accept. Set a misbehaviour for all logins with [Provider.Misbehave], or
// for one login by adding its name to the login hint: "alice+issuer-other". The
// latter does not affect concurrent logins, and works for the misbehaviours with
// [Details.PerLogin].
//
// URLs that a correct relying party never requests (a key set named in a token's
// header, the target of a redirect) give a good answer and are counted:
// Hits(Trap) must stay 0.
package openidtest
