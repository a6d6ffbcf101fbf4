// Package samltest is a SAML 2.0 identity provider for tests and for the demo. It signs,
// encrypts and writes its messages as real identity providers do, and breaks each rule on
// demand.
//
// [New] returns one; it is an [net/http.Handler] with metadata, sign-in and logout for a
// browser. A test without a browser reads the request of a service provider with
// [IdP.ReadRequest], gets a [Draft] of the response with [IdP.Draft], changes it as needed,
// and writes it with [IdP.Write]. [Wrap] moves the parts of a signed response (signature
// wrapping).
//
// It signs with another library than the one with which the plugin verifies.
package samltest
