package outbound

import (
	"slices"
	"strings"

	"github.com/doorward/doorward/sdk/options"
)

// Settings are the operator's settings for the connections of one provider. The zero
// value connects directly, trusts the system's authorities and refuses the addresses
// of [DefaultDeny].
type Settings struct {
	// Proxy is only for this provider and takes precedence over the rules: a URL of
	// scheme http, https, socks5 or socks5h, or [Direct] for none. Empty: the rules
	// decide.
	Proxy options.Secret

	// GlobalAgent and Standard are the two families of variables. Only the first that
	// names a proxy counts.
	GlobalAgent, Standard ProxyRules

	// Deny lists classes of addresses and CIDR blocks to which no connection is made, in
	// place of [DefaultDeny]. Allow lists the exceptions: CIDR blocks, addresses and host
	// names. [NoClass] alone denies nothing.
	Deny, Allow []string

	// ExtraCA are PEM certificates that are trusted in addition to the system's.
	ExtraCA string

	// CA are PEM certificates that are trusted in place of these. Certificate and Key are
	// the PEM of a client certificate. A mechanism's own options take precedence.
	CA, Certificate string
	Key             options.Secret

	// MinVersion of TLS: "1.2" (or empty), or "1.3".
	MinVersion string

	// Names are the operator's names for these settings, by the keys below, for
	// messages that say what to change.
	Names map[string]string
}

// ProxyRules are three variables of one family, as they were written.
type ProxyRules struct {
	HTTP, HTTPS options.Secret
	NoProxy     string
}

// Direct is the value of Proxy for direct connections.
const Direct = "direct"

func (s Settings) direct() bool {
	return strings.EqualFold(strings.TrimSpace(s.Proxy.Reveal()), Direct)
}

// Keys of the settings in [Settings.Names], and in the problems of [Settings.Problems].
const (
	KeyProxy              = "proxy"
	KeyGlobalAgentHTTP    = "global_agent.http"
	KeyGlobalAgentHTTPS   = "global_agent.https"
	KeyGlobalAgentNoProxy = "global_agent.no_proxy"
	KeyStandardHTTP       = "standard.http"
	KeyStandardHTTPS      = "standard.https"
	KeyStandardNoProxy    = "standard.no_proxy"
	KeyDeny               = "deny"
	KeyAllow              = "allow"
	KeyExtraCA            = "extra_ca"
	KeyCA                 = "ca"
	KeyCertificate        = "cert"
	KeyPrivateKey         = "key"
	KeyMinVersion         = "tls_min_version"
)

// usualNames are the names of settings that are missing in Names.
var usualNames = map[string]string{
	KeyProxy:              "the option proxy",
	KeyGlobalAgentHTTP:    "GLOBAL_AGENT_HTTP_PROXY",
	KeyGlobalAgentHTTPS:   "GLOBAL_AGENT_HTTPS_PROXY",
	KeyGlobalAgentNoProxy: "GLOBAL_AGENT_NO_PROXY",
	KeyStandardHTTP:       "HTTP_PROXY",
	KeyStandardHTTPS:      "HTTPS_PROXY",
	KeyStandardNoProxy:    "NO_PROXY",
	KeyDeny:               "OUTBOUND_DENY",
	KeyAllow:              "OUTBOUND_ALLOW",
	KeyExtraCA:            "OUTBOUND_EXTRA_CA",
	KeyCA:                 "the option ca",
	KeyCertificate:        "the option cert",
	KeyPrivateKey:         "the option key",
	KeyMinVersion:         "OUTBOUND_TLS_MIN_VERSION",
}

// name returns the operator's name for a setting.
func (s Settings) name(key string) string {
	if name := s.Names[key]; name != "" {
		return name
	}
	return usualNames[key]
}

// urls returns the settings that name a proxy, by key.
func (s Settings) urls() map[string]string {
	all := map[string]string{
		KeyProxy:           s.Proxy.Reveal(),
		KeyGlobalAgentHTTP: s.GlobalAgent.HTTP.Reveal(), KeyGlobalAgentHTTPS: s.GlobalAgent.HTTPS.Reveal(),
		KeyStandardHTTP: s.Standard.HTTP.Reveal(), KeyStandardHTTPS: s.Standard.HTTPS.Reveal(),
	}
	if s.direct() {
		delete(all, KeyProxy)
	}
	for key, url := range all {
		if url == "" {
			delete(all, key)
		}
	}
	return all
}

// inForce returns the key of the setting that names the proxy of the provider; empty: none.
func (s Settings) inForce() string {
	switch {
	case s.direct():
		return ""
	case s.Proxy != "":
		return KeyProxy
	}
	return s.rulesInForce()
}

// rulesInForce returns the key of the setting that names the proxy, in the family of
// variables that counts.
func (s Settings) rulesInForce() string {
	urls := s.urls()
	for _, key := range []string{KeyGlobalAgentHTTPS, KeyGlobalAgentHTTP, KeyStandardHTTPS} {
		if urls[key] != "" {
			return key
		}
	}
	return ""
}

// Secrets returns the texts in the settings that must not be shown: passwords of proxies
// in all the forms in which they are sent, and the key. Addresses of proxies are not
// included, because messages name them, nor are user names, which may be any word.
func (s Settings) Secrets() []string {
	var list []string
	for _, url := range s.urls() {
		list = append(list, secretsOfURL(url)...)
	}
	if s.Key != "" {
		list = append(list, s.Key.Reveal())
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// Demands names the settings that a plugin must obey. A plugin that ignored them would
// do what the operator forbade: connect without the proxy, to a denied address, or to
// a server that is not trusted.
func (s Settings) Demands() []string {
	var names []string
	if key := s.inForce(); key != "" {
		names = append(names, s.name(key))
	}
	if len(s.Deny) > 0 && !slices.Equal(s.Deny, DefaultDeny()) && !slices.Equal(s.Deny, []string{NoClass}) {
		names = append(names, s.name(KeyDeny))
	}
	if s.CA != "" {
		names = append(names, s.name(KeyCA))
	}
	if s.MinVersion == MinVersion13 {
		names = append(names, s.name(KeyMinVersion))
	}
	slices.Sort(names)
	return names
}

// Otherwise returns a hint to follow the demands: how to connect without the proxy, if
// the demands include one.
func (s Settings) Otherwise() string {
	if s.inForce() == "" {
		return ""
	}
	return ", or set " + s.name(KeyProxy) + " to " + Direct
}
