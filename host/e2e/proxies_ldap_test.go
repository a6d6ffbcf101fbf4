package e2e

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestLDAPFailoverThroughAProxy: if the proxy cannot reach one server, the next server is
// asked; if the proxy is gone, the error says so once.
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

// TestSquidOfTheLDAPManual: a Squid that allows only port 443, like most, allows the ports
// of the directories once it has the lines of the manual, and these ports of no other host.
func TestSquidOfTheLDAPManual(t *testing.T) {
	site := startCorpSite(t, corpDomain, "ldaps", "starttls")
	_, block, found := strings.Cut(readText(t, filepath.Join(repository(t), "plugins", "ldap", "README.md")), "in `squid.conf` before")
	lines := strings.Split(block, "```")
	if !found || len(lines) < 3 {
		t.Fatal("the manual has no lines for Squid")
	}
	ports := fmt.Sprint(site.fronts["ldaps"].Port, " ", site.fronts["starttls"].Port)
	spec := site.proxySpec("", "", "")
	spec.Ports = []int{443}
	spec.Names = append(spec.Names, "other.example")
	spec.Extra = strings.NewReplacer("636 389", ports, "dc1.corp.example dc2.corp.example", site.fronts["ldaps"].Name).Replace(lines[1])
	p := startSquid(t, spec)
	host := site.host(map[string]string{"AUTH_LDAPS_PROXY": p.URL(), "AUTH_STARTTLS_PROXY": p.URL()}, p)
	for _, name := range site.names() {
		site.signIn(host, name)
		p.carried(t, site.fronts[name])
	}
	if status := p.connect(t, fmt.Sprint("other.example:", site.fronts["ldaps"].Port)); status != http.StatusForbidden {
		t.Errorf("another host on the port of a directory: %d", status)
	}
}

// TestLDAPKeepsConnectionsThroughAProxy: searches share connections as without a proxy,
// and a connection that the proxy has cut causes no login to fail.
func TestLDAPKeepsConnectionsThroughAProxy(t *testing.T) {
	site := startCorpSite(t, corpDomain, "ldaps")
	p := startSquid(t, site.proxySpec("", "", ""))
	host := site.host(map[string]string{"AUTH_LDAPS_PROXY": p.URL()}, p)
	front := site.fronts["ldaps"]
	const logins = 10
	for range logins {
		site.signIn(host, "ldaps")
	}
	// One for the searches, and one for each bind of a user.
	if got := front.passes(); got > logins+1 {
		t.Errorf("%d logins took %d connections", logins, got)
	}
	front.cut(false)
	site.signIn(host, "ldaps")
	p.carried(t, front)
}
