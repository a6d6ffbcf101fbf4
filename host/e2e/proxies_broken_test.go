package e2e

import (
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/plugins/openid/openidtest"
)

// patience is how long a login behind a broken proxy may take on a busy machine. It only
// rules out waiting forever.
const patience = 60 * time.Second

// brokenSite is a host with providers behind a proxy that does not connect to them,
// and one provider without a proxy.
type brokenSite struct {
	*corpSite
	host    *testHost
	metrics string
}

// startBroken sets the same proxy for all providers of the site.
func startBroken(t *testing.T, site *corpSite, proxyURL string, proxies ...*proxy) brokenSite {
	t.Helper()
	client := openidtest.Client{ID: "doorward", Secret: newClientSecret(), RedirectURIs: []string{site.callback("near")}}
	near := openidtest.Start(t, openidtest.Config{AutoApprove: true, Clients: []openidtest.Client{client}})
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(freePort(t)))
	env := map[string]string{"METRICS_ADDRESS": address, "AUTH_PROVIDERS": "near," + strings.Join(site.names(), ",")}
	provider(env, "NEAR", map[string]string{
		"DRIVER": "openid", "ISSUER_URL": near.Issuer(), "CLIENT_ID": client.ID, "CLIENT_SECRET": client.Secret, "ALLOW_PUBLIC_REGISTRATION": "true",
	})
	for _, name := range site.names() {
		env["AUTH_"+strings.ToUpper(name)+"_PROXY"] = proxyURL
	}
	return brokenSite{site, site.host(env, proxies...), "http://" + address}
}

// The codes of a provider that cannot be reached, at the moment or until the operator
// has changed something.
const (
	codeUnavailable   = "SERVICE_UNAVAILABLE"
	codeMisconfigured = "INVALID_PROVIDER_CONFIG"
)

// wantRefused checks the messages to the user, to a program, in the log and from doorward
// check: they name the setting to look at, and never contain the password.
func (s brokenSite) wantRefused(t *testing.T, code string, words ...string) {
	t.Helper()
	for _, name := range s.names() {
		setting := "AUTH_" + strings.ToUpper(name) + "_PROXY"
		begin := time.Now()
		if problem := s.login(s.host, name); problem != code {
			t.Errorf("signing in at %s: %q", name, problem)
		}
		if took := time.Since(begin); took > patience {
			t.Errorf("signing in at %s: refused after %s", name, took)
		}
		all := append([]string{setting}, words...)
		s.host.tells(t, all...)
		out, status := s.host.run(t, "check", name)
		if status == 0 || lineOf(out, all...) == "" {
			t.Errorf("doorward check %s: %d, without a line that has all of %q:\n%s", name, status, all, out)
		}
		s.wantNoSecret(t, "doorward check", out)
	}
	s.wantPage(t, code)
	s.wantOthersGoOn(t)
	s.wantNoSecret(t, "doorward reload --dry-run", s.host.mustRun(t, "reload", "--dry-run"))
	for _, target := range []string{s.host.URL + "/server/health", s.metrics + "/health", s.metrics + "/metrics"} {
		s.wantNoSecret(t, target, fetch(t, target))
	}
}

// wantPage: the user learns whether trying again may help, and nothing about proxies.
func (s brokenSite) wantPage(t *testing.T, code string) {
	t.Helper()
	want := map[string]string{
		codeUnavailable:   "cannot be reached at the moment",
		codeMisconfigured: "not set up correctly",
	}[code]
	person := newAgent(t, s.host, "alice")
	got := person.get(s.host.URL + "/auth/login/openid")
	if target := got.location(); target != nil {
		got = person.get(target.String())
	}
	if !strings.Contains(got.body, want) || strings.Contains(strings.ToLower(got.body), "proxy") {
		t.Errorf("the page for the end user: %d\n%s", got.status, got.body)
	}
}

// tells waits for a line of the log with all of the words.
func (h *testHost) tells(t *testing.T, words ...string) {
	t.Helper()
	eventually(t, fmt.Sprintf("the log has a line with all of %q", words), func() bool { return lineOf(h.Logs(), words...) != "" })
}

// wantOthersGoOn: people whose provider does not need the proxy sign in.
func (s brokenSite) wantOthersGoOn(t *testing.T) {
	t.Helper()
	person := newAgent(t, s.host, "alice")
	got := person.signIn(s.host.URL + "/auth/login/near?mode=session&redirect=/app")
	if got.location() == nil || person.cookie(sessionCookie) == "" {
		t.Errorf("signing in without a proxy: %d %s", got.status, got.body)
	}
	page := person.get(s.host.URL + "/login")
	wantStatus(t, "the sign-in page", page, http.StatusOK)
	s.wantNoSecret(t, "the sign-in page", page.body)
}

func (s brokenSite) wantNoSecret(t *testing.T, where, text string) {
	t.Helper()
	for _, leak := range s.host.secrets.leaks(text) {
		t.Errorf("%s shows %s", where, leak)
	}
}

// TestProxyIsDown: all messages say so, and as soon as the proxy is back everything works,
// without a restart of anything else.
func TestProxyIsDown(t *testing.T) {
	for name, start := range map[string]func(t testing.TB, s proxySpec) *proxy{"squid": startSquid, "microsocks": startMicrosocks} {
		t.Run(name, func(t *testing.T) {
			site := startCorpSite(t, corpDomain)
			p := start(t, site.proxySpec("socks5h", "doorward", newProxyPassword()))
			p.stop()
			s := startBroken(t, site, p.URL(), p)
			s.wantRefused(t, codeUnavailable, p.Address())
			p.start()
			s.wantBack(t, p)
		})
	}
}

// wantBack: as soon as the proxy accepts connections to the providers, people sign in.
func (s brokenSite) wantBack(t *testing.T, p *proxy) {
	t.Helper()
	for _, name := range s.names() {
		eventually(t, "signing in at "+name+" when the proxy is as it should be", func() bool { return s.login(s.host, name) == "" })
		p.carried(t, s.fronts[name])
	}
}

// TestProxyRefuses: each answer of the proxy has its own message, and once somebody has
// fixed the proxy, nothing has to be done here.
func TestProxyRefuses(t *testing.T) {
	password := newProxyPassword()
	for _, tc := range []struct {
		name   string
		start  func(t *testing.T, s *corpSite) *proxy
		secret string // what is written in place of the password
		code   string
		words  []string // in addition to setting and address
	}{
		{"squid refuses", func(t *testing.T, s *corpSite) *proxy {
			spec := s.proxySpec("", "", "")
			spec.Refusing = true
			return startSquid(t, spec)
		}, "", codeMisconfigured, []string{"does not allow", "(status 403)"}},
		{"squid does not allow the port", func(t *testing.T, s *corpSite) *proxy {
			spec := s.proxySpec("", "", "")
			spec.Ports = []int{443}
			return startSquid(t, spec)
		}, "", codeMisconfigured, []string{"does not allow", "(status 403)"}},
		{"squid, wrong password", func(t *testing.T, s *corpSite) *proxy {
			return startSquid(t, s.proxySpec("", "doorward", password))
		}, newProxyPassword(), codeMisconfigured, []string{"does not accept the user and the password", "(status 407)"}},
		{"squid, no password", func(t *testing.T, s *corpSite) *proxy {
			return startSquid(t, s.proxySpec("", "doorward", password))
		}, "none", codeMisconfigured, []string{"asks for a user and a password", "(status 407)"}},
		{"squid does not know the name", func(t *testing.T, s *corpSite) *proxy {
			spec := s.proxySpec("", "", "")
			spec.Names = []string{"other.example"}
			return startSquid(t, spec)
		}, "", codeUnavailable, []string{"cannot connect to", "(status 500)"}}, // ERR_CANNOT_FORWARD
		{"tinyproxy, wrong password", func(t *testing.T, s *corpSite) *proxy {
			return startTinyproxy(t, s.proxySpec("", "doorward", newClientSecret()))
		}, newClientSecret(), codeMisconfigured, []string{"does not accept the user and the password", "(status 401)"}},
		{"tinyproxy, no password", func(t *testing.T, s *corpSite) *proxy {
			return startTinyproxy(t, s.proxySpec("", "doorward", newClientSecret()))
		}, "none", codeMisconfigured, []string{"asks for a user and a password", "(status 407)"}},
		{"tinyproxy does not know the name", func(t *testing.T, s *corpSite) *proxy {
			spec := s.proxySpec("", "", "")
			spec.Names = nil
			return startTinyproxy(t, spec)
		}, "", codeUnavailable, []string{"cannot connect to", "(status 500)"}},
		{"tinyproxy does not allow the port", func(t *testing.T, s *corpSite) *proxy {
			spec := s.proxySpec("", "", "")
			spec.Ports = []int{443}
			return startTinyproxy(t, spec)
		}, "", codeMisconfigured, []string{"does not allow", "(status 403)"}},
		{"microsocks, wrong password", func(t *testing.T, s *corpSite) *proxy {
			return startMicrosocks(t, s.proxySpec("socks5h", "doorward", password))
		}, newProxyPassword(), codeMisconfigured, []string{"does not accept the user and the password"}},
		{"microsocks does not know the name", func(t *testing.T, s *corpSite) *proxy {
			spec := s.proxySpec("socks5h", "", "")
			spec.Names = nil
			return startMicrosocks(t, spec)
		}, "", codeUnavailable, []string{"failed to connect to"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			site := startCorpSite(t, corpDomain, "openid", "ldaps")
			p := tc.start(t, site)
			written := *p
			switch tc.secret {
			case "":
			case "none":
				written.spec.User = ""
			default:
				written.spec.Password = tc.secret
			}
			s := startBroken(t, site, written.URL(), p, &written)
			s.wantRefused(t, tc.code, append([]string{p.Address()}, tc.words...)...)
			good := site.proxySpec(written.spec.Scheme, written.spec.User, written.spec.Password)
			p.reconfigure(good)
			s.wantBack(t, p)
		})
	}
}

// TestProxyIsSilent: a proxy that accepts connections and never answers costs a limited
// time.
func TestProxyIsSilent(t *testing.T) {
	for _, scheme := range []string{"http", "https", "socks5h"} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel() // it mostly waits
			site := startCorpSite(t, corpDomain, "openid", "ldaps")
			silent := startSilent(t)
			password := newClientSecret()
			s := startBroken(t, site, scheme+"://doorward:"+password+"@"+silent)
			s.host.secrets.add("password of the proxy", password)
			s.wantRefused(t, codeUnavailable, silent)
		})
	}
}
