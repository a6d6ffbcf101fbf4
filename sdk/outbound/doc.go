// Package outbound controls the outbound connections of a plugin: which proxy they use,
// which addresses are denied, and which authorities are trusted.
//
// The host gives each provider its [Settings]. Package plugin makes a [Dialer] of them for
// sdk.Env, so that a mechanism obeys the settings without knowing them.
//
// # Which proxy
//
// [Settings.Proxy] takes precedence, for every connection of the provider. Without it,
// requests follow the rules of one family of variables: global-agent's, which Directus
// uses, or otherwise the standard ones. Connections that are not HTTP use only
// Settings.Proxy: a web proxy seldom admits LDAP, and a directory that works must not fail
// because HTTPS_PROXY is set. With Settings.Proxy, such connections to loopback addresses
// and DNS servers are still direct, because mechanisms send passwords to loopback without
// TLS.
//
// # Which addresses
//
// An address is checked when the connection is made, after names are resolved, so that
// changing the address of a name in between (DNS rebinding) gains nothing. A name that
// only the proxy resolves cannot be checked. Addresses, and names that stand for this
// machine or for cloud metadata, are checked before the proxy is used.
//
// All of this binds only honest plugins, because it runs in their process.
package outbound
