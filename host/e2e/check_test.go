package e2e

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// checkedJSON is what the manual says of doorward check --json.
type checkedJSON struct {
	Provider string      `json:"provider"`
	Plugin   string      `json:"plugin"`
	Pending  string      `json:"pending"`
	Findings []foundJSON `json:"findings"`
}

type foundJSON struct {
	Severity  string    `json:"severity"`
	Subject   string    `json:"subject"`
	Text      string    `json:"text"`
	Target    string    `json:"target"`
	Step      string    `json:"step"`
	ExpiresAt time.Time `json:"expires_at"`
}

// checkJSON runs doorward check --json, whose standard output has nothing but that, and
// returns what it finds by provider.
func (h *testHost) checkJSON(t *testing.T, code int, args ...string) map[string]checkedJSON {
	t.Helper()
	cmd := h.Command(append([]string{"check", "--json"}, args...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, _ := cmd.Output() // the exit code tells
	if got := cmd.ProcessState.ExitCode(); got != code {
		t.Errorf("doorward check --json %q: exit code %d, want %d\n%s", args, got, code, stderr.String())
	}
	for _, leak := range h.secrets.leaks(string(out) + stderr.String()) {
		t.Errorf("doorward check --json shows %s", leak)
	}
	var list []checkedJSON
	decoder := json.NewDecoder(bytes.NewReader(out))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&list); err != nil || decoder.More() {
		t.Fatalf("doorward check --json %q: %v\n%s\n%s", args, err, out, stderr.String())
	}
	all := map[string]checkedJSON{}
	for _, c := range list {
		all[c.Provider] = c
	}
	return all
}

// way are the steps to a target with their severities, and the findings.
func (c checkedJSON) way(target string) (steps string, found []foundJSON) {
	var list []string
	for _, f := range c.Findings {
		if f.Target == target && f.Step != "" {
			list, found = append(list, f.Step+" "+f.Severity), append(found, f)
		}
	}
	return strings.Join(list, ", "), found
}

func (c checkedJSON) failed() bool {
	return slices.ContainsFunc(c.Findings, func(f foundJSON) bool { return f.Severity == "error" })
}

// serveWith is a web server with that certificate.
func serveWith(t *testing.T, pair keyPair) (address string) {
	t.Helper()
	certificate, err := tls.LoadX509KeyPair(pair.CertFile, pair.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12})
	if err != nil {
		t.Fatal(err)
	}
	serveOn(t, listener, http.NotFoundHandler())
	return net.JoinHostPort("localhost", strconv.Itoa(listener.Addr().(*net.TCPAddr).Port))
}

// TestCheckShowsTheWay to a provider of each kind of trouble, in one run, as JSON.
func TestCheckShowsTheWay(t *testing.T) {
	hostPort := freePort(t)
	directory := startSlapd(t, slapdConfig{})
	servers := startTLSServers(t, hostPort, "")
	good := strings.TrimPrefix(servers.URL, "https://")
	certified := func(until time.Time, name, host string) string {
		pair, err := servers.CA.issueUntil(until, name, host)
		if err != nil {
			t.Fatal(err)
		}
		return serveWith(t, pair)
	}
	expired, elsewhere := certified(time.Now().Add(-time.Minute), "expired", "localhost"), certified(time.Time{}, "elsewhere", "other.example")
	closed := net.JoinHostPort("localhost", strconv.Itoa(freePort(t)))
	password := newClientSecret()
	refusing := startSquid(t, proxySpec{User: "doorward", Password: newProxyPassword(), Refusing: true})
	env := map[string]string{
		"GLOBAL_AGENT_HTTPS_PROXY": "http://doorward:" + password + "@" + closed, "GLOBAL_AGENT_NO_PROXY": "localhost,*.corp.example",
	}
	names := []string{"nodriver", "noclient", "directories"}
	for name, more := range map[string]map[string]string{
		"direct":    {"PROXY": "direct"},
		"noproxy":   {},
		"unknown":   {"ISSUER_URL": "https://nowhere.corp.example"},
		"down":      {"ISSUER_URL": "https://idp.example.net"},
		"refused":   {"ISSUER_URL": "https://idp.example.net", "PROXY": refusing.URL()},
		"untrusted": {"CA": ""},
		"expired":   {"ISSUER_URL": "https://" + expired},
		"elsewhere": {"ISSUER_URL": "https://" + elsewhere},
		"closed":    {"ISSUER_URL": "https://" + closed},
	} {
		options := map[string]string{"DRIVER": "openid", "ISSUER_URL": servers.URL, "CLIENT_ID": servers.Client.ID, "CLIENT_SECRET": servers.Client.Secret, "CA": servers.CA.CA}
		maps.Copy(options, more)
		provider(env, strings.ToUpper(name), options)
		names = append(names, name)
	}
	provider(env, "NODRIVER", map[string]string{"DRIVER": "nonesuch"})
	provider(env, "NOCLIENT", map[string]string{"DRIVER": "openid", "ISSUER_URL": servers.URL})
	ldaps := strings.TrimPrefix(directory.LDAPS(), "ldaps://")
	provider(env, "DIRECTORIES", map[string]string{
		"DRIVER": "ldap", "CLIENT_URL": "ldaps://" + closed + "," + directory.LDAPS(), "BIND_DN": readerDN, "BIND_PASSWORD": directory.Password,
		"USER_DN": peopleDN, "USER_ATTRIBUTE": "uid", "CA": directory.CA.CA,
	})
	env["AUTH_PROVIDERS"] = strings.Join(names, ",")
	host := startHost(t, HostConfig{Port: hostPort, Env: env})
	host.secrets.add("password of the proxy for all", password)
	host.secrets.add("password of the directory", directory.Password)
	host.secrets.add("client secret", servers.Client.Secret)
	refusing.keepSecret(host.secrets)

	all := host.checkJSON(t, 1)
	if got := slices.Sorted(maps.Keys(all)); !cmp.Equal(got, slices.Sorted(slices.Values(names))) {
		t.Errorf("checked %q, want %q", got, names)
	}
	const (
		arrived = "proxy ok, resolve ok, connect ok, tls ok, http ok"
		none    = "none: "
	)
	down := "http://" + closed + ", by GLOBAL_AGENT_HTTPS_PROXY"
	for _, c := range []struct{ provider, target, steps, proxy, last string }{
		{"direct", good, arrived, none + "AUTH_DIRECT_PROXY is direct", "status 200"},
		{"noproxy", good, arrived, none + "GLOBAL_AGENT_NO_PROXY has localhost", "status 200"},
		{"unknown", "nowhere.corp.example:443", "proxy ok, resolve error", none + "GLOBAL_AGENT_NO_PROXY has *.corp.example", "correct the name, or the DNS of this machine"},
		{"down", "idp.example.net:443", "proxy ok, resolve ok, connect error", down, "proxy " + closed + " (GLOBAL_AGENT_HTTPS_PROXY) cannot be reached"},
		{"refused", "idp.example.net:443", "proxy ok, resolve ok, connect ok, tunnel error", "http://" + refusing.Address() + ", by AUTH_REFUSED_PROXY", "(AUTH_REFUSED_PROXY) does not allow connections to idp.example.net:443 (status 403)"},
		{"untrusted", good, "proxy ok, resolve ok, connect ok, tls error", none, `it is signed by "CN=Doorward test authority"`},
		{"expired", expired, "proxy ok, resolve ok, connect ok, tls error", none, "the server's certificate was valid until"},
		{"elsewhere", elsewhere, "proxy ok, resolve ok, connect ok, tls error", none, `it is for "other.example"`},
		{"closed", closed, "proxy ok, resolve ok, connect error", none, "connection refused: is the server running, and does a firewall admit this machine?"},
		{"directories", closed, "proxy ok, resolve ok, connect error", none + "only AUTH_DIRECTORIES_PROXY applies to connections that are not HTTP", "connection refused"},
		{"directories", ldaps, "proxy ok, connect ok, tls ok", none, "trusted by AUTH_DIRECTORIES_CA"},
	} {
		steps, found := all[c.provider].way(c.target)
		if steps != c.steps || !strings.HasPrefix(found[0].Text, c.proxy) || !strings.Contains(found[len(found)-1].Text, c.last) {
			t.Errorf("%s: the way to %s is %q, want %q, beginning with %q and ending with %q: %+v", c.provider, c.target, steps, c.steps, c.proxy, c.last, found)
		}
	}
	for name, c := range all {
		if good := name == "direct" || name == "noproxy"; c.failed() == good {
			t.Errorf("%s: there is an error: %v; %+v", name, c.failed(), c.Findings)
		}
	}
	if _, found := all["direct"].way(good); found[3].ExpiresAt.Before(time.Now().AddDate(0, 2, 0)) || !strings.Contains(found[1].Text, "localhost is ") ||
		!strings.Contains(found[3].Text, ", CN=server → CN=Doorward test authority, trusted by AUTH_DIRECT_CA, valid until ") {
		t.Errorf("resolved and secured: %+v", found)
	}
	if all["nodriver"].Plugin != "nonesuch" || !strings.Contains(all["noclient"].Findings[0].Text, "AUTH_NOCLIENT_CLIENT_ID") {
		t.Errorf("a plugin that is not installed, and a provider that is not configured: %+v, %+v", all["nodriver"], all["noclient"])
	}
	if one := host.checkJSON(t, 0, "direct"); len(one) != 1 || one["direct"].failed() {
		t.Errorf("one that is good: %+v", one)
	}
	if nobody := host.checkJSON(t, 1, "nobody"); !nobody["configuration"].failed() || nobody["configuration"].Plugin != "" {
		t.Errorf("one that there is not: %+v", nobody)
	}
	if err := host.Stop(); err != nil {
		t.Fatal(err)
	}
	if again := host.checkJSON(t, 1); len(again) < len(names) || again["direct"].failed() || !again["expired"].failed() || !again["nodriver"].failed() {
		t.Errorf("without a host: %+v", again)
	}
}

// changing is what differs from run to run in a transcript.
var changing = regexp.MustCompile(`<1ms|\d+(\.\d+)?m?s\b|\d{4}-\d{2}-\d{2}`)

// TestCheckAsTheManualShowsIt holds the transcripts in the manual to what is printed.
func TestCheckAsTheManualShowsIt(t *testing.T) {
	site := startCorpSite(t, corpDomain, "openid")
	squid := startSquid(t, site.proxySpec("", "doorward", newProxyPassword()))
	front := site.fronts["openid"]
	for _, c := range []struct {
		heading string
		proxy   proxy
		code    int
	}{
		{"It works:", *squid, 0},
		{"The password is wrong:", proxy{host: squid.host, port: squid.port, spec: proxySpec{Scheme: "http", User: "doorward", Password: newProxyPassword()}}, 1},
	} {
		t.Run(c.heading, func(t *testing.T) {
			site := site.in(t)
			settings := maps.Clone(site.settings["openid"])
			settings["PROXY"], settings["CA"] = c.proxy.URL(), settings["CLIENT_HTTP_CA"]
			delete(settings, "CLIENT_HTTP_CA")
			env := map[string]string{"AUTH_PROVIDERS": "corp"}
			provider(env, "CORP", settings)
			host := startHost(t, HostConfig{Port: site.port, Env: env})
			c.proxy.keepSecret(host.secrets)
			cmd := host.Command("check", "corp")
			cmd.Env = append(cmd.Env, "COLUMNS=100")
			out, code := runCommand(t, cmd)
			if code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			for _, leak := range host.secrets.leaks(out) {
				t.Errorf("doorward check shows %s", leak)
			}
			printed := strings.NewReplacer(front.Address(), "idp.corp.example:443", front.URL(), "https://idp.corp.example", squid.Address(), "10.20.0.5:3128",
				front.Name, "idp.corp.example", "CN=openid", "CN=idp.corp.example", "Doorward test authority", "Corp CA",
				host.URL, "https://login.corp.example").Replace(out)
			if diff := cmp.Diff(inOneLine(transcript(t, c.heading)), inOneLine(printed)); diff != "" {
				t.Errorf("docs/proxies.md, %s (-want +got):\n%s\n%s", c.heading, diff, printed)
			}
		})
	}
}

// transcript is the block behind a line of the manual, without the command.
func transcript(t *testing.T, heading string) string {
	t.Helper()
	manual, err := os.ReadFile(filepath.Join(repository(t), "docs", "proxies.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(manual), heading+"\n\n    $ doorward check corp\n")
	block, _, _ := strings.Cut(rest, "\n\n")
	if !ok {
		t.Fatalf("the manual has no transcript behind %q", heading)
	}
	return regexp.MustCompile(`(?m)^ {4}`).ReplaceAllString(block, "")
}

// inOneLine leaves out where lines were broken, and what changes.
func inOneLine(text string) []string {
	text = regexp.MustCompile(`\n {11,}`).ReplaceAllString(strings.TrimSpace(text), " ")
	return strings.Split(changing.ReplaceAllString(text, "…"), "\n")
}
