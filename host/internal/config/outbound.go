package config

import (
	"maps"
	"slices"
	"strings"

	"github.com/doorward/doorward/sdk/outbound"
)

// Settings that say how connections leave, by their keys in outbound.Settings. What a
// provider has of its own is not in it.
var outboundKeys = map[string]string{
	outbound.KeyGlobalAgentHTTP: "global_agent_http_proxy", outbound.KeyGlobalAgentHTTPS: "global_agent_https_proxy",
	outbound.KeyGlobalAgentNoProxy: "global_agent_no_proxy",
	outbound.KeyStandardHTTP:       "http_proxy", outbound.KeyStandardHTTPS: "https_proxy", outbound.KeyStandardNoProxy: "no_proxy",
	outbound.KeyDeny: "outbound_deny", outbound.KeyAllow: "outbound_allow",
	outbound.KeyExtraCA: "outbound_extra_ca", outbound.KeyCertificate: "outbound_cert", outbound.KeyPrivateKey: "outbound_key",
	outbound.KeyMinVersion: "outbound_tls_min_version",
}

// ownOutboundKeys are outboundKeys for what a provider has of its own.
var ownOutboundKeys = map[string]string{
	outbound.KeyProxy: "proxy", outbound.KeyCA: "ca", outbound.KeyCertificate: "cert", outbound.KeyPrivateKey: "key",
}

// outbound checks the settings for the connections of all providers.
func (g *group) outbound(s Settings) outbound.Settings {
	settings := outbound.Settings{
		GlobalAgent: outbound.ProxyRules{HTTP: s.GlobalAgentHTTP, HTTPS: s.GlobalAgentHTTPS, NoProxy: s.GlobalAgentNoProxy},
		Standard:    outbound.ProxyRules{HTTP: s.HTTPProxy, HTTPS: s.HTTPSProxy, NoProxy: s.NoProxy},
		Deny:        s.OutboundDeny, Allow: s.OutboundAllow,
		Names: map[string]string{},
	}
	for key, option := range outboundKeys {
		settings.Names[key] = g.spell(option)
	}
	g.trust(&settings, s.TrustSettings)
	g.tell(settings, outboundKeys)
	g.nodeExtraCA(&settings, s.NodeExtraCACerts)
	return settings
}

// tell tells what is wrong with settings, or odd, by the names of the options.
func (g *group) tell(settings outbound.Settings, options map[string]string) {
	for _, problem := range settings.Problems() {
		if option := options[problem.Option]; g.ok(option) {
			g.refuse(option, "%s", problem.Text)
		}
	}
	g.tellWarnings(settings, func(key string) string { return g.spell(options[key]) })
}

// tellWarnings warns of what is odd about settings. Of these warnings only the beginning
// says whether a setting does nothing.
func (g *group) tellWarnings(settings outbound.Settings, spell func(key string) string) {
	for _, warning := range settings.Warnings() {
		class := ClassDoubtful
		if strings.HasPrefix(warning.Text, "has no effect") {
			class = ClassNoEffect
		}
		g.loader.warn(class, spell(warning.Option)+" "+warning.Text)
	}
}

// outboundOf adds what a provider has of its own to the settings of all.
func (g *group) outboundOf(o providerOptions, all outbound.Settings) outbound.Settings {
	own := outbound.Settings{Proxy: o.Proxy, CA: o.CA, Certificate: o.Cert, Key: o.Key, Names: maps.Clone(all.Names)}
	for key, option := range ownOutboundKeys {
		own.Names[key] = g.spell(option)
	}
	g.tell(own, ownOutboundKeys)
	settings := all
	settings.Proxy, settings.CA, settings.Names = own.Proxy, own.CA, own.Names
	if all.Certificate == "" || g.isGiven("cert") || g.isGiven("key") {
		settings.Certificate, settings.Key = own.Certificate, own.Key
	} else {
		for _, key := range []string{outbound.KeyCertificate, outbound.KeyPrivateKey} {
			settings.Names[key] = all.Names[key]
		}
	}
	return settings
}

const (
	namespaceVariable = "GLOBAL_AGENT_ENVIRONMENT_VARIABLE_NAMESPACE"
	usualNamespace    = "GLOBAL_AGENT_"
)

// namespace is what global-agent's variables begin with. Unlike any other setting it
// may be set to nothing, which is not the same as not set.
func (l *loader) namespace(values map[string]given) (prefix string, given bool) {
	for _, layer := range l.layers {
		v, ok := layer[namespaceVariable]
		if ok && v.value == "" {
			return "", true
		}
		if ok || layer[namespaceVariable+fileSuffix].value != "" {
			break
		}
	}
	if found, ok := values[strings.ToLower(namespaceVariable)]; ok {
		prefix, _ = found.value.(string)
		return prefix, true
	}
	return usualNamespace, false
}

// findProxies gives the settings of proxies what their other names say: those of
// global-agent in another namespace, and the standard ones in lower case, which come
// before those in capitals as in most programs.
func (l *loader) findProxies(values map[string]given) {
	namespace, other := l.namespace(values)
	for _, name := range []string{"http_proxy", "https_proxy", "no_proxy"} {
		if found, ok := l.setting(name); ok {
			values[name] = found
		}
		if !other || namespace == usualNamespace {
			continue
		}
		delete(values, "global_agent_"+name)
		found, ok := l.setting(namespace + strings.ToUpper(name))
		if !ok {
			continue
		}
		values["global_agent_"+name] = found
		if namespace == "" && values[name].origin == found.origin { // the same variable, read by other rules
			delete(values, name)
		}
	}
	l.warnOfGlobalAgent()
	l.warnOfAllProxy(values)
}

// warnOfAllProxy tells who has set the one variable that curl heeds and Go does not.
func (l *loader) warnOfAllProxy(values map[string]given) {
	for _, option := range []string{"https_proxy", "global_agent_https_proxy", "global_agent_http_proxy"} {
		if _, ok := values[option]; ok {
			return
		}
	}
	for _, name := range []string{"ALL_PROXY", "all_proxy"} {
		if found, ok := l.setting(name); ok {
			l.warnOfNoEffect("%s has no effect: write HTTPS_PROXY", found.origin)
		}
	}
}

// withoutEffectHere are variables of global-agent that say how it works inside of
// Node.js.
var withoutEffectHere = map[string]string{
	"FORCE_GLOBAL_AGENT":        "the rules always apply to all requests to providers",
	"SOCKET_CONNECTION_TIMEOUT": "client_http_timeout of each provider limits requests, and the limits for connecting are fixed",
}

func (l *loader) warnOfGlobalAgent() {
	for _, name := range slices.Sorted(maps.Keys(withoutEffectHere)) {
		if found, ok := l.setting(usualNamespace + name); ok {
			l.warnOfNoEffect("%s has no effect: %s", found.origin, withoutEffectHere[name])
		}
	}
}
