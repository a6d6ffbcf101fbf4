package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestProxyOfARunningHost: a reload puts a provider behind another proxy or no proxy, and
// the next login uses it.
func TestProxyOfARunningHost(t *testing.T) {
	site := startCorpSite(t, corpDomain)
	one := startTinyproxy(t, site.proxySpec("", "", ""))
	other := startSquid(t, site.proxySpec("", "doorward", newProxyPassword()))
	file := filepath.Join(t.TempDir(), "proxy")
	set := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	set(one.URL())
	env := map[string]string{}
	for _, name := range site.names() {
		env["AUTH_"+strings.ToUpper(name)+"_PROXY_FILE"] = file
	}
	host := site.host(env, one, other)
	for _, name := range site.names() {
		site.signIn(host, name)
		one.carried(t, site.fronts[name])
	}
	set(other.URL())
	for _, args := range [][]string{{"reload", "--dry-run"}, {"reload"}} {
		for _, leak := range host.secrets.leaks(host.mustRun(t, args...)) {
			t.Errorf("doorward %q shows %s", args, leak)
		}
	}
	for _, name := range site.names() {
		site.signIn(host, name)
		other.carried(t, site.fronts[name])
	}
	set("direct")
	host.mustRun(t, "reload")
	for _, name := range site.names() {
		if problem := site.login(host, name); problem != codeUnavailable {
			t.Errorf("signing in at %s without a proxy: %q", name, problem)
		}
	}
}

// TestProxyOverTLS: TLS protects the connection to the proxy, with a certificate from an
// authority that this machine trusts.
func TestProxyOverTLS(t *testing.T) {
	site := startCorpSite(t, corpDomain)
	pair, err := site.ca.issue("proxy", proxyListensOn)
	if err != nil {
		t.Fatal(err)
	}
	spec := site.proxySpec("", "doorward", newProxyPassword())
	spec.Certificate = pair
	p := startSquid(t, spec)
	env := map[string]string{"SSL_CERT_FILE": site.ca.CAFile}
	for _, name := range site.names() {
		env["AUTH_"+strings.ToUpper(name)+"_PROXY"] = p.URL()
	}
	host := site.host(env, p)
	for _, name := range site.names() {
		site.signIn(host, name)
		p.carried(t, site.fronts[name])
	}
}
