package config

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"reflect"
	"slices"
	"strings"

	"github.com/doorward/doorward/sdk/contract"
	"github.com/doorward/doorward/sdk/options"
	"github.com/doorward/doorward/sdk/outbound"
)

func (r *Report) dangerous(format string, args ...any) {
	r.Findings = append(r.Findings, Finding{Class: ClassDangerous, Text: fmt.Sprintf(format, args...)})
}

// addDangers adds settings that can cause harm but may be intended, so a start does not
// warn of them.
func (r *Report) addDangers(l *loader, config *Config) {
	g := newSettings(l, l.read.settings)
	r.addTagged(r.Settings, settingsSchema, reflect.ValueOf(config.Settings))
	for i, p := range r.Providers {
		r.addTagged(p.Options, providerSchema, reflect.ValueOf(l.read.providers[i].options))
	}
	r.addCookieDangers(g, "refresh_token_cookie_", config.RefreshCookie)
	r.addCookieDangers(g, "session_cookie_", config.SessionCookie)
	r.addListenerDangers(g, config)
	if slices.Equal(config.OutboundDeny, []string{outbound.NoClass}) {
		r.dangerous("%s is %s: anyone who can name a server of a provider can make the host contact addresses of its own network, such as the metadata service of a cloud, which gives out keys; leave it out",
			g.spell("outbound_deny"), outbound.NoClass)
	}
	r.addTrusting(g, "ip_trust_proxy", config.TrustedProxies)
	r.addTrusting(g, "forward_auth_trust_proxy", config.ForwardAuthProxies)
}

func (r *Report) addTrusting(g *optionGroup, option string, trusted []netip.Prefix) {
	if i := slices.IndexFunc(trusted, isWide); g.isGiven(option) && i >= 0 {
		r.dangerous("%s has %s: anyone with one of these many addresses is trusted to say who a request is from; write only the addresses of your proxies", g.spell(option), trusted[i])
	}
}

// addTagged adds the options that have the value of their tag dangerous.
func (r *Report) addTagged(list []Given, schema options.Schema, inForce reflect.Value) {
	for _, field := range reflect.VisibleFields(inForce.Type()) {
		value, tagged := field.Tag.Lookup("dangerous")
		i := slices.IndexFunc(list, func(g Given) bool { return strings.ToUpper(g.option) == nameOf(field) })
		if !tagged || i < 0 || !list[i].Understood || list[i].Value != value {
			continue
		}
		o, _ := schema.Lookup(list[i].option)
		r.dangerous("%s is %s: %s", list[i].spelled(), value, o.Doc)
	}
}

// understood reports whether a setting of the host is given and has no problem.
func (r *Report) understood(option string) bool {
	return slices.ContainsFunc(r.Settings, func(g Given) bool { return g.option == option && g.Understood })
}

func (r *Report) addCookieDangers(g *optionGroup, prefix string, c Cookie) {
	if c.Domain != "" && r.understood(prefix+"domain") {
		r.dangerous("%s is %s: browsers send the cookie to every host below it, and each of these hosts can replace it; leave it out unless you trust everything that is served there",
			g.spell(prefix+"domain"), c.Domain)
	}
	if c.SameSite == http.SameSiteNoneMode && r.understood(prefix+"same_site") {
		r.dangerous("%s is none: browsers send the cookie with requests from any other site; write lax unless your application is on another site", g.spell(prefix+"same_site"))
	}
}

// addListenerDangers adds listeners that other machines can reach, possibly by mistake.
func (r *Report) addListenerDangers(g *optionGroup, config *Config) {
	if u := config.PublicURL; u != nil && u.Scheme == "http" && !contract.IsLoopback(config.Host) {
		r.dangerous("%s is %s, and PUBLIC_URL is http: traffic from other machines, including passwords and cookies, can be read on the way; put a proxy with TLS in front of it, and write its https:// URL as PUBLIC_URL",
			g.spell("host"), config.Host)
	}
	if host := hostOf(config.MetricsAddress); host != "" && !contract.IsLoopback(host) {
		r.dangerous("%s is on %s: anyone who can reach it can read metrics and health; write 127.0.0.1, or block others with a firewall", g.spell("metrics_address"), host)
	}
	if host := hostOf(config.ForwardAuthAddress); host != "" && !contract.IsLoopback(host) && config.ForwardAuthSecret == "" {
		r.dangerous("%s is on %s, where only the address identifies a proxy: set FORWARD_AUTH_SECRET if others are in that network", g.spell("forward_auth_address"), host)
	}
}

// hostOf returns the host of an address, or an empty text.
func hostOf(address string) string {
	host, _, _ := net.SplitHostPort(address)
	return host
}

// isWide reports whether a block has too many addresses to contain only proxies. Loopback
// and link-local addresses belong to nobody else.
func isWide(p netip.Prefix) bool {
	if p.Addr().IsLoopback() || p.Addr().IsLinkLocalUnicast() {
		return false
	}
	return p.Addr().Is4() && p.Bits() < 16 || p.Addr().Is6() && p.Bits() < 48
}
