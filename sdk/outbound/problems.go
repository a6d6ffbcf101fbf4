package outbound

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/doorward/doorward/sdk/options"
)

// Problems returns the errors in the settings, by key. The texts contain no user,
// password or key.
func (s Settings) Problems() options.Problems {
	var problems options.Problems
	urls := s.urls()
	for _, key := range slices.Sorted(maps.Keys(urls)) {
		if _, _, err := parseProxy(urls[key]); err != nil {
			problems.Addf(key, "%v", err)
		}
	}
	if _, err := newGuard(s); err != nil {
		problems = append(problems, err.(options.Problems)...) //nolint:errorlint // it is made there
	}
	return append(problems, s.trustProblems()...)
}

// Warnings returns warnings about settings that work, but probably not as intended, by
// key.
func (s Settings) Warnings() options.Problems {
	var warnings options.Problems
	urls := s.urls()
	for _, key := range slices.Sorted(maps.Keys(urls)) {
		proxy, odd, err := parseProxy(urls[key])
		if odd != "" {
			warnings.Addf(key, "%s", odd)
		}
		if err == nil && strings.HasPrefix(key, "global_agent.") && proxy.scheme != "http" {
			warnings.Addf(key, "names a proxy of %s://, which works here but not in Directus", proxy.scheme)
		}
	}
	s.warnOfFamilies(&warnings)
	s.warnOfExceptions(&warnings)
	s.warnOfStandardExceptions(&warnings)
	s.warnOfAddresses(&warnings)
	s.warnOfTrust(&warnings, time.Now())
	return warnings
}

// warnOfFamilies names variables that have no effect because of others.
func (s Settings) warnOfFamilies(warnings *options.Problems) {
	standard, agent := s.Standard, s.GlobalAgent
	if agent.HTTP == "" && agent.HTTPS == "" {
		if agent.NoProxy != "" {
			warnings.Addf(KeyGlobalAgentNoProxy, "has no effect without %s", s.name(KeyGlobalAgentHTTPS))
		}
		if standard.HTTPS == "" && standard.HTTP != "" {
			warnings.Addf(KeyStandardHTTP, "has no effect: requests to providers use https, set %s for these", s.name(KeyStandardHTTPS))
		}
		return
	}
	name, key := s.name(KeyGlobalAgentHTTPS), KeyStandardHTTPS
	if agent.HTTPS == "" {
		name = s.name(KeyGlobalAgentHTTP)
	}
	if standard.HTTPS == "" {
		key = KeyStandardHTTP
	}
	if standard.HTTPS != "" || standard.HTTP != "" {
		warnings.Addf(key, "has no effect, because %s is set: only one family of variables counts, with its own exceptions", name)
	}
}

// warnOfExceptions names entries of GLOBAL_AGENT_NO_PROXY that match nothing, in Directus
// and here.
func (s Settings) warnOfExceptions(warnings *options.Problems) {
	instead := "; " + s.name(KeyStandardNoProxy) + " does"
	if s.name(KeyStandardNoProxy) == s.name(KeyGlobalAgentNoProxy) { // the same variable
		instead = ""
	}
	for _, e := range globalAgentExceptions(s.GlobalAgent.NoProxy) {
		_, block := blockOf(e.text)
		switch {
		case block && strings.Contains(e.text, "/"):
			warnings.Addf(KeyGlobalAgentNoProxy, "has %s, but does not match blocks of addresses, as in Directus%s", clip(e.text), instead)
		case block && strings.Contains(e.text, ":") && e.port != "443":
			warnings.Addf(KeyGlobalAgentNoProxy, "has %s, but does not match IPv6 addresses, as in Directus%s", clip(e.text), instead)
		case e.port == "443":
			warnings.Addf(KeyGlobalAgentNoProxy, "has %s, which matches nothing, as in Directus, because the default port is left out: write it without :443", clip(e.text))
		}
	}
}

// warnOfStandardExceptions names entries of NO_PROXY that match nothing, if it counts.
func (s Settings) warnOfStandardExceptions(warnings *options.Problems) {
	if s.rulesInForce() != KeyStandardHTTPS {
		return
	}
	for _, e := range standardExceptions(s.Standard.NoProxy) {
		if matchesNothing(e) {
			warnings.Addf(KeyStandardNoProxy, "has %s, which matches nothing: write names, addresses and CIDR blocks, each with a port or without", clip(e))
		}
	}
}

func (s Settings) warnOfAddresses(warnings *options.Problems) {
	g, err := newGuard(s)
	if err != nil {
		return
	}
	const danger = "anyone who controls a provider can make this host read the credentials of this machine from the cloud"
	switch usual := metadataAddresses[0]; {
	case g.checkDirect("", usual) != nil:
	case within(usual, g.allowed):
		warnings.Addf(KeyAllow, "contains %s addresses: %s", ClassMetadata, danger)
	default:
		warnings.Addf(KeyDeny, "leaves out %s: %s", ClassMetadata, danger)
	}
	for _, block := range g.allowed {
		if block.Bits() == 0 {
			warnings.Addf(KeyAllow, "has %s, which allows every address", block)
		}
	}
}
