// Package sso is the domain: a login from attempt to session.
//
// A login starts with [Service.Begin], which asks the provider's mechanism for the first
// step and returns a sealed [Attempt] for the browser to keep; nothing is stored.
// [Service.Continue] opens the attempt again, passes the provider's response to the
// mechanism, and, once the provider confirms an identity, finds or creates the user and
// starts a session.
//
// The package imports the sdk and the standard library only. It declares its dependencies
// as small interfaces, which store, provider and token implement.
//
// Words: an attempt is a login in progress; an identity is what a provider asserted; a
// user is an account of this host; a link connects (provider, subject) to a user; a
// session is a signed-in browser or client.
package sso
