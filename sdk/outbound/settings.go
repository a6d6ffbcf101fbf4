// Package outbound is the way out of a plugin: by which proxy a connection leaves, to
// which addresses none is made, and whom it trusts.
//
// The host hands each provider its [Settings]; package plugin puts them behind
// sdk.Env, so that a mechanism obeys them without knowing them.
package outbound

import "github.com/doorward/doorward/sdk/options"

// Settings are what an operator has set for the connections of one provider. The zero
// value connects directly, trusts the system's authorities and refuses the addresses
// that nobody signs in at.
type Settings struct {
	// Proxy is for this provider alone and comes before all rules: a URL of scheme
	// http, https, socks5 or socks5h, or "direct" for none. Empty: the rules decide.
	Proxy options.Secret

	// GlobalAgent and Standard are the two families of variables. The first that is
	// set counts.
	GlobalAgent, Standard ProxyRules

	// Deny are classes of addresses and CIDR blocks to which no connection is made;
	// Allow are the exceptions: CIDR blocks, addresses and names of hosts.
	Deny, Allow []string

	// ExtraCA are PEM certificates that are trusted besides the system's.
	ExtraCA string

	// CA are those that are trusted in place of them, and Certificate and Key the PEM of
	// a client certificate. What a mechanism's own options say comes before.
	CA, Certificate string
	Key             options.Secret

	// MinVersion of TLS: "1.2" (and empty), or "1.3".
	MinVersion string

	// Names are what the operator calls these settings, by "proxy", "global_agent.http"
	// and so on, for messages that say what to change.
	Names map[string]string
}

// ProxyRules are three variables of one family, as they were written.
type ProxyRules struct {
	HTTP, HTTPS options.Secret
	NoProxy     string
}
