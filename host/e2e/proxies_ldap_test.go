package e2e

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// TestLDAPFailoverThroughAProxy: what the proxy answers about one server is that
// server's failure, and the next one is asked; the proxy being gone is told once.
func TestLDAPFailoverThroughAProxy(t *testing.T) {
	for name, start := range map[string]func(t testing.TB, s proxySpec) *proxy{"squid": startSquid, "tinyproxy": startTinyproxy, "microsocks": startMicrosocks} {
		t.Run(name, func(t *testing.T) {
			site := startCorpSite(t, corpDomain, "ldaps", "starttls")
			nobodyThere := freePort(t)
			spec := site.proxySpec("socks5h", "", "")
			spec.Ports = append(spec.Ports, nobodyThere)
			p := start(t, spec)
			gone := "ldap" + corpDomain + ":" + strconv.Itoa(nobodyThere)
			env := map[string]string{
				"AUTH_LDAPS_PROXY": p.URL(), "AUTH_STARTTLS_PROXY": p.URL(),
				"AUTH_LDAPS_CLIENT_URL":    "ldaps://" + gone + ",ldaps://" + site.fronts["ldaps"].Address(),
				"AUTH_STARTTLS_CLIENT_URL": "ldap://" + gone + ",ldap://" + site.fronts["starttls"].Address(),
			}
			host := site.host(env, p)
			for _, name := range site.names() {
				site.signIn(host, name)
				if site.fronts[name].passes() == 0 {
					t.Errorf("%s: the second server was not asked", name)
				}
			}
			host.tells(t, "a directory server failed", gone, p.Address())

			p.stop()
			for _, name := range site.names() {
				got := program{t, host, name}.login("alice", site.slapd.Password)
				if got.status != http.StatusServiceUnavailable {
					t.Errorf("%s without the proxy: %d %s", name, got.status, got.body)
				}
				setting := "AUTH_" + strings.ToUpper(name) + "_PROXY"
				host.tells(t, "directory_unreachable", "provider="+name)
				line := lineOf(host.Logs(), "directory_unreachable", "provider="+name)
				if strings.Count(line, "proxy "+p.Address()) != 1 || strings.Count(line, setting) != 1 || strings.Contains(line, "ldap"+corpDomain) {
					t.Errorf("%s without the proxy is not told in one sentence: %s", name, line)
				}
			}
			p.start()
			for _, name := range site.names() {
				eventually(t, "signing in at "+name+" when the proxy is back", func() bool { return site.login(host, name) == "" })
			}
		})
	}
}

// TestLDAPKeepsConnectionsThroughAProxy: searches share connections as they do
// without a proxy, and a connection that the proxy has cut costs nobody a login.
func TestLDAPKeepsConnectionsThroughAProxy(t *testing.T) {
	site := startCorpSite(t, corpDomain, "ldaps")
	p := startSquid(t, site.proxySpec("", "", ""))
	host := site.host(map[string]string{"AUTH_LDAPS_PROXY": p.URL()}, p)
	front := site.fronts["ldaps"]
	const logins = 10
	for range logins {
		site.signIn(host, "ldaps")
	}
	// One for the searches, and one each for the bind of the end user.
	if got := front.passes(); got > logins+1 {
		t.Errorf("%d logins took %d connections", logins, got)
	}
	front.cut(false)
	site.signIn(host, "ldaps")
	p.carried(t, front)
}
