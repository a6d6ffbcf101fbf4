// Package sso is the domain: a login from attempt to session.
//
// A login starts with [Service.Begin], which asks the provider's mechanism what
// happens first and returns a sealed [Attempt] for the browser to keep; nothing
// is stored. [Service.Continue] opens the attempt again, hands the mechanism
// what came back, and, once the provider vouches for an identity, finds or
// creates the user and starts a session.
//
// The package imports the sdk and the standard library only. What it needs from
// the world it declares as small interfaces, which store, provider and token
// implement.
//
// Words: an attempt is a login in progress; an identity is what a provider
// asserted; a user is our account; a link ties (provider, subject) to a user; a
// session is a signed-in browser or client.
package sso
