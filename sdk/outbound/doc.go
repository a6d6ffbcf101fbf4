// Package outbound is the way out of a plugin: by which proxy a connection leaves, to
// which addresses none is made, and whom it trusts.
//
// The host hands each provider its [Settings]; package plugin puts a [Dialer] of them
// behind sdk.Env, so that a mechanism obeys them without knowing them.
//
// # Which proxy
//
// [Settings.Proxy] wins, for every connection of the provider. Without it, requests go
// by the rules of one family of variables: global-agent's, which Directus uses, or
// else the standard ones. Connections that are not HTTP go by Settings.Proxy only: a
// web proxy seldom lets LDAP through, and a directory that works must not fail because
// HTTPS_PROXY is set. Loopback addresses are dialled directly then, since mechanisms
// send passwords there without TLS, and so are DNS servers.
//
// # Which addresses
//
// An address is checked when the connection is made, after names are resolved, so that
// a name that changes its address meanwhile (DNS rebinding) gains nothing. A name that
// only the proxy resolves cannot be checked; addresses, and names that stand for this
// machine or for cloud metadata, are checked before the proxy is asked.
//
// All of this binds honest plugins only: it runs in their process.
package outbound
