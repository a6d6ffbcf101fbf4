// Package samltest is a SAML 2.0 identity provider for tests and for the demo. It
// signs, encrypts and writes its messages as real providers do, and breaks each
// rule on demand.
//
// [New] makes one; it is an [net/http.Handler] with metadata, sign-in and logout
// for a browser. A test that has no browser reads the request of a service
// provider with [IdP.ReadRequest], gets a [Draft] of the response with
// [IdP.Draft], changes in it what should be wrong, and writes it with
// [IdP.Write]. [Wrap] moves the parts of a signed response about (signature
// wrapping).
//
// Its signatures are made by another library than the one that the plugin reads
// them with.
package samltest
