package config

import (
	"maps"
	"slices"
	"strings"

	"github.com/doorward/doorward/sdk/outbound"
)

// outboundKeys are the settings of all connections by their keys in outbound.Settings,
// without those that a provider overrides.
var outboundKeys = map[string]string{
	outbound.KeyGlobalAgentHTTP: "global_agent_http_proxy", outbound.KeyGlobalAgentHTTPS: "global_agent_https_proxy",
	outbound.KeyGlobalAgentNoProxy: "global_agent_no_proxy",
	outbound.KeyStandardHTTP:       "http_proxy", outbound.KeyStandardHTTPS: "https_proxy", outbound.KeyStandardNoProxy: "no_proxy",
	outbound.KeyDeny: "outbound_deny", outbound.KeyAllow: "outbound_allow",
	outbound.KeyExtraCA: "outbound_extra_ca", outbound.KeyCertificate: "outbound_cert", outbound.KeyPrivateKey: "outbound_key",
	outbound.KeyMinVersion: "outbound_tls_min_version",
}

// providerOutboundKeys are outboundKeys for the settings of one provider.
var providerOutboundKeys = map[string]string{
	outbound.KeyProxy: "proxy", outbound.KeyCA: "ca", outbound.KeyCertificate: "cert", outbound.KeyPrivateKey: "key",
}

// outbound checks the settings for the connections of all providers.
func (g *optionGroup) outbound(s Settings) outbound.Settings {
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
	g.checkOutbound(settings, outboundKeys)
	g.nodeExtraCA(&settings, s.NodeExtraCACerts)
	return settings
}

// checkOutbound reports problems and warnings about settings under the names of the
// options.
func (g *optionGroup) checkOutbound(settings outbound.Settings, options map[string]string) {
	for _, problem := range settings.Problems() {
		if option := options[problem.Option]; g.ok(option) {
			g.refuse(option, "%s", problem.Text)
		}
	}
	g.warnOfOutbound(settings, func(key string) string { return g.spell(options[key]) })
}

// warnOfOutbound warns of odd settings. Their package does not classify its warnings: the
// beginning of the text says whether a setting has no effect.
func (g *optionGroup) warnOfOutbound(settings outbound.Settings, spell func(key string) string) {
	for _, warning := range settings.Warnings() {
		class := ClassDoubtful
		if strings.HasPrefix(warning.Text, "has no effect") {
			class = ClassNoEffect
		}
		g.loader.warn(class, spell(warning.Option)+" "+warning.Text)
	}
}

// outboundOf adds the settings of one provider to those of all.
func (g *optionGroup) outboundOf(o providerOptions, all outbound.Settings) outbound.Settings {
	own := outbound.Settings{Proxy: o.Proxy, CA: o.CA, Certificate: o.Cert, Key: o.Key, Names: maps.Clone(all.Names)}
	for key, option := range providerOutboundKeys {
		own.Names[key] = g.spell(option)
	}
	g.checkOutbound(own, providerOutboundKeys)
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

// namespace returns the prefix of global-agent's variables. Unlike any other setting, it
// can be set to an empty value, which differs from not set.
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

// findProxies applies the other names of proxy settings: those of global-agent in another
// namespace, and the standard ones in lower case, which take precedence over capitals as
// in most programs.
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
		if namespace == "" && values[name].origin == found.origin { // the same variable, read by different rules
			delete(values, name)
		}
	}
	l.warnOfGlobalAgent()
	l.warnOfAllProxy(values)
}

// warnOfAllProxy warns of the one variable that curl reads but Go does not.
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

// nodeOnlyVariables are variables that configure global-agent inside Node.js.
var nodeOnlyVariables = map[string]string{
	"FORCE_GLOBAL_AGENT":        "the rules always apply to all requests to providers",
	"SOCKET_CONNECTION_TIMEOUT": "client_http_timeout of each provider limits requests, and the limits for connecting are fixed",
}

func (l *loader) warnOfGlobalAgent() {
	for _, name := range slices.Sorted(maps.Keys(nodeOnlyVariables)) {
		if found, ok := l.setting(usualNamespace + name); ok {
			l.warnOfNoEffect("%s has no effect: %s", found.origin, nodeOnlyVariables[name])
		}
	}
}
