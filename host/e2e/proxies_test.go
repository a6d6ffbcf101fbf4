package e2e

import (
	"strings"
	"testing"
)

// TestLoginsThroughProxies signs in at a provider of each mechanism through each proxy.
// Only the proxy can reach the providers, and its log shows each connection.
func TestLoginsThroughProxies(t *testing.T) {
	password := newProxyPassword()
	for _, way := range []struct {
		name   string
		domain string // "": localhost, which is dialled directly for protocols other than HTTP
		start  func(t *testing.T, s *corpSite) *proxy
	}{
		{"squid", corpDomain, func(t *testing.T, s *corpSite) *proxy { return startSquid(t, s.proxySpec("", "", "")) }},
		{"squid with a password", corpDomain, func(t *testing.T, s *corpSite) *proxy { return startSquid(t, s.proxySpec("", "doorward", password)) }},
		{"tinyproxy", corpDomain, func(t *testing.T, s *corpSite) *proxy { return startTinyproxy(t, s.proxySpec("", "", "")) }},
		{"tinyproxy with a password", corpDomain, func(t *testing.T, s *corpSite) *proxy {
			return startTinyproxy(t, s.proxySpec("", "doorward", newClientSecret()))
		}},
		{"dante", corpDomain, func(t *testing.T, s *corpSite) *proxy { return startDante(t, s.proxySpec("socks5h", "", "")) }},
		{"microsocks with a password", corpDomain, func(t *testing.T, s *corpSite) *proxy {
			return startMicrosocks(t, s.proxySpec("socks5h", "doorward", password))
		}},
		{"microsocks, names resolved here", "", func(t *testing.T, s *corpSite) *proxy { return startMicrosocks(t, s.proxySpec("socks5", "", "")) }},
	} {
		t.Run(way.name, func(t *testing.T) {
			var names []string // all
			if way.domain == "" {
				names = []string{"openid", "oauth2", "saml"}
			}
			site := startCorpSite(t, way.domain, names...)
			p := way.start(t, site)
			env := map[string]string{}
			for _, name := range site.names() {
				env["AUTH_"+strings.ToUpper(name)+"_PROXY"] = p.URL()
			}
			host := site.host(env, p)
			for _, name := range site.names() {
				site.signIn(host, name)
				if site.fronts[name].passes() == 0 {
					t.Errorf("%s: nobody came through the firewall", name)
				}
				p.carried(t, site.fronts[name])
				out, status := host.run(t, "check", name)
				if status != 0 || strings.Contains(out, " error ") {
					t.Errorf("doorward check %s: %d\n%s", name, status, out)
				}
				for _, leak := range host.secrets.leaks(out) {
					t.Errorf("doorward check %s shows %s", name, leak)
				}
			}
		})
	}
}
