package plugin

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/outbound"
	"github.com/doorward/doorward/sdk/upstream"
)

// going is a third party's mechanism whose check connects to servers.
type going struct {
	env    sdk.Env
	client *http.Client
	check  func(ctx context.Context, g going) ([]sdk.Finding, error)
}

func (going) Begin(context.Context, sdk.BeginRequest) (sdk.Step, error)       { return nil, nil }
func (going) Continue(context.Context, sdk.ContinueRequest) (sdk.Step, error) { return nil, nil }

func (g going) Check(ctx context.Context) ([]sdk.Finding, error) { return g.check(ctx, g) }

// get is a check that makes requests, as most mechanisms do.
func get(urls ...string) func(context.Context, going) ([]sdk.Finding, error) {
	return func(ctx context.Context, g going) ([]sdk.Finding, error) {
		for _, url := range urls {
			if _, err := upstream.Get(ctx, g.client, url, nil); err != nil {
				return []sdk.Finding{upstream.Failed("document", err)}, nil
			}
		}
		return []sdk.Finding{upstream.Fine("document", "there")}, nil
	}
}

// secure is a check without HTTP.
func secure(address string) func(context.Context, going) ([]sdk.Finding, error) {
	return func(ctx context.Context, g going) ([]sdk.Finding, error) {
		secured, err := g.env.TLS(sdk.TLSSettings{})
		if err != nil {
			return nil, err
		}
		conn, err := g.env.Dial(ctx, "tcp", address)
		if err != nil {
			return nil, err
		}
		defer conn.Close()
		host, _, _ := net.SplitHostPort(address)
		_, err = secured.Handshake(ctx, conn, host)
		return nil, err
	}
}

// goThere opens a provider over the wire, and returns the findings of its check.
func goThere(ctx context.Context, t *testing.T, o outbound.Settings, h sdk.HTTPSettings, check func(context.Context, going) ([]sdk.Finding, error)) []sdk.Finding {
	t.Helper()
	s, err := newServer(Description{Mechanism: "going"}, func(_ context.Context, env sdk.Env, _ struct{}) (sdk.Mechanism, error) {
		client, err := env.HTTPClient(h)
		return going{env, client, check}, err
	}, environment{log: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	p, err := serveOn(t, s).Open(t.Context(), OpenRequest{Provider: "x", Outbound: o})
	if err != nil {
		t.Fatal(err)
	}
	findings, err := p.Check(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return findings
}

// told returns the texts of findings, without the parts that change from run to run.
func told(findings []sdk.Finding, replace ...string) string {
	replace = append(replace, time.Now().UTC().Format(time.DateOnly), "TODAY")
	var lines []string
	for _, f := range findings {
		lines = append(lines, strings.Join([]string{string(f.Severity), f.Target, string(f.Step), f.Text}, "|"))
	}
	text := strings.NewReplacer(replace...).Replace(strings.Join(lines, "\n"))
	text = regexp.MustCompile(`this machine is \d+s ahead`).ReplaceAllString(text, "this machine is 0s ahead") // a date has no fractions of a second
	return regexp.MustCompile(`<?\d+(\.\d+)?m?s\)`).ReplaceAllString(text, "TIME)")
}

const (
	testChain = "TLS 1.3, O=Acme Co" // of httptest, which signs itself
	testUntil = "valid until 2084-01-29"

	untrustedProxy = "tls: failed to verify certificate: x509: certificate signed by unknown authority: it is self-signed; if you trust that authority, give its certificate (PEM) as NODE_EXTRA_CA_CERTS"
)

// TestWay: each step to a server is reported, with any proxy and protocol.
func TestWay(t *testing.T) {
	target, ca := serveProvider(t)
	proxy := forwardTo(t, target, (*httptest.Server).Start)
	secured := forwardTo(t, target, (*httptest.Server).StartTLS)
	names := map[string]string{outbound.KeyProxy: "AUTH_X_PROXY", outbound.KeyExtraCA: "NODE_EXTRA_CA_CERTS"}
	replace := []string{target, "TARGET", proxy.Listener.Addr().String(), "PROXY", secured.Listener.Addr().String(), "SECURED"}
	for name, c := range map[string]struct {
		settings outbound.Settings
		http     sdk.HTTPSettings
		check    func(context.Context, going) ([]sdk.Finding, error)
		want     []string
	}{
		"directly": {outbound.Settings{}, sdk.HTTPSettings{CA: ca, Names: sdk.TLSNames{CA: "AUTH_X_CA"}}, get("https://" + target), []string{
			"ok|TARGET|proxy|none: no proxy is set", "ok|TARGET|connect|to TARGET (TIME)",
			"ok|TARGET|tls|" + testChain + ", trusted by AUTH_X_CA, " + testUntil, "ok|TARGET|http|HTTP/2.0, status 200 (TIME)",
			"ok|TARGET|clock|this machine is 0s ahead of the server", "ok|||there",
		}},
		"through a proxy": {outbound.Settings{Proxy: secretf("http://user:hunter2@%s", proxy.Listener.Addr()), ExtraCA: string(ca), Names: names}, sdk.HTTPSettings{}, get("https://example.com/a", "https://example.com/b"), []string{
			"ok|example.com:443|proxy|http://PROXY, by AUTH_X_PROXY", "ok|example.com:443|resolve|example.com is resolved by the proxy", "ok|example.com:443|connect|to the proxy at PROXY (TIME)",
			"ok|example.com:443|tunnel|the proxy connects to example.com:443: status 200", "ok|example.com:443|tls|" + testChain + ", trusted by NODE_EXTRA_CA_CERTS, " + testUntil,
			"ok|example.com:443|http|HTTP/2.0, status 200 (TIME)", "ok|example.com:443|clock|this machine is 0s ahead of the server", "ok|||there",
		}},
		"not HTTP, through a proxy of https": {outbound.Settings{Proxy: secretf("https://%s", secured.Listener.Addr()), ExtraCA: string(ca), CA: string(ca), Names: names}, sdk.HTTPSettings{}, secure("example.com:636"), []string{
			"ok|example.com:636|proxy|https://SECURED, by AUTH_X_PROXY", "ok|example.com:636|resolve|example.com is resolved by the proxy", "ok|example.com:636|connect|to the proxy at SECURED (TIME)",
			"ok|example.com:636|proxy_tls|" + testChain + ", trusted by NODE_EXTRA_CA_CERTS, " + testUntil, "ok|example.com:636|tunnel|the proxy connects to example.com:636: status 200",
			"ok|example.com:636|tls|" + testChain + ", trusted by the option ca, " + testUntil,
		}},
		"a proxy of https that nobody trusts": {outbound.Settings{Proxy: secretf("https://user:hunter2@%s", secured.Listener.Addr()), Names: names}, sdk.HTTPSettings{}, get("https://example.com/"), []string{
			"ok|example.com:443|proxy|https://SECURED, by AUTH_X_PROXY", "ok|example.com:443|resolve|example.com is resolved by the proxy", "ok|example.com:443|connect|to the proxy at SECURED (TIME)",
			"error|example.com:443|proxy_tls|proxy SECURED (AUTH_X_PROXY) cannot be reached by TLS: " + untrustedProxy, `error|||Get "https://example.com/": proxy SECURED (AUTH_X_PROXY) cannot be reached by TLS: ` + untrustedProxy,
		}},
		"names are resolved": {outbound.Settings{}, sdk.HTTPSettings{}, secure("localhost:" + freePortNumber(t)), []string{
			"ok|localhost:PORT|proxy|none: only the option proxy applies to connections that are not HTTP",
			"ok|localhost:PORT|resolve|localhost is 127.0.0.1 (TIME)",
			"error|localhost:PORT|connect|dial tcp 127.0.0.1:PORT: connect: connection refused: is the server running, and does a firewall admit this machine?",
			"error|||dial tcp 127.0.0.1:PORT: connect: connection refused",
		}},
		"an authority that nobody named": {outbound.Settings{}, sdk.HTTPSettings{}, secure(target), []string{
			"ok|TARGET|proxy|none: only the option proxy applies to connections that are not HTTP", "ok|TARGET|connect|to TARGET (TIME)",
			`error|TARGET|tls|tls: failed to verify certificate: x509: certificate signed by unknown authority: it is self-signed; if you trust that authority, give its certificate (PEM) as the option ca`,
			`error|||tls: failed to verify certificate: x509: certificate signed by unknown authority: it is self-signed; if you trust that authority, give its certificate (PEM) as the option ca`,
		}},
		"an address that is denied": {outbound.Settings{Deny: []string{"loopback"}}, sdk.HTTPSettings{}, secure("127.0.0.1:1"), []string{
			"ok|127.0.0.1:1|proxy|none: only the option proxy applies to connections that are not HTTP",
			"error|127.0.0.1:1|connect|connecting to 127.0.0.1 is denied, because OUTBOUND_DENY has loopback: to allow it, add it to OUTBOUND_ALLOW",
			"error|||connecting to 127.0.0.1 is denied, because OUTBOUND_DENY has loopback: to allow it, add it to OUTBOUND_ALLOW",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			text := told(goThere(t.Context(), t, c.settings, c.http, c.check), replace...)
			text = regexp.MustCompile(`(localhost|127\.0\.0\.1):\d{4,}`).ReplaceAllString(text, "$1:PORT")
			text = strings.NewReplacer("localhost is 127.0.0.1, ::1", "localhost is 127.0.0.1", "localhost is ::1, 127.0.0.1", "localhost is 127.0.0.1", "[::1]", "127.0.0.1").Replace(text)
			if diff := cmp.Diff(strings.Join(c.want, "\n"), text); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if strings.Contains(text, "hunter2") {
				t.Error("the password is told")
			}
		})
	}
}

func freePortNumber(t *testing.T) string {
	t.Helper()
	_, port, err := net.SplitHostPort(freePort(t))
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// listening accepts connections, and calls a function with each.
func listening(t *testing.T, serve func(net.Conn)) (address string) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = conn.Close() })
			go serve(conn)
		}
	}()
	return listener.Addr().String()
}

// TestWayThatHangs: the earlier steps and the hanging step are reported, even if the mechanism
// ignores its context.
func TestWayThatHangs(t *testing.T) {
	silent := listening(t, func(net.Conn) {})
	released := make(chan struct{})
	t.Cleanup(func() { close(released) })
	slow := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-released }))
	slow.Config.ErrorLog = nobody
	slow.StartTLS()
	t.Cleanup(slow.CloseClientConnections)
	ca := pemOf("CERTIFICATE", slow.Certificate().Raw)
	deaf := func(check func(context.Context, going) ([]sdk.Finding, error)) func(context.Context, going) ([]sdk.Finding, error) {
		return func(ctx context.Context, g going) ([]sdk.Finding, error) {
			_, _ = check(ctx, g)
			<-released
			return nil, errors.New("too late")
		}
	}
	proxied := outbound.Settings{Proxy: secretf("http://user:hunter2@%s", silent), Names: map[string]string{outbound.KeyProxy: "AUTH_X_PROXY"}}
	for name, c := range map[string]struct {
		settings outbound.Settings
		check    func(context.Context, going) ([]sdk.Finding, error)
		step     sdk.WayStep
		says     string
		deaf     bool
		limit    time.Duration
	}{
		"a silent proxy":        {proxied, get("https://example.com/"), sdk.StepTunnel, "proxy " + silent + " (AUTH_X_PROXY) accepted the connection", false, 3 * time.Second},
		"a silent server":       {outbound.Settings{}, get("https://" + silent), sdk.StepTLS, "the TLS handshake has hung for", false, 2 * outbound.ConnectTimeout},
		"no HTTP and silent":    {outbound.Settings{}, secure(silent), sdk.StepTLS, "the TLS handshake has hung for", false, 3 * time.Second},
		"no answer":             {outbound.Settings{}, get(slow.URL), sdk.StepHTTP, "the request was sent, but the server has not answered for", false, 3 * time.Second},
		"who looks at no clock": {outbound.Settings{}, deaf(secure(silent)), sdk.StepTLS, "the TLS handshake has hung for", true, 3 * time.Second},
		"who hangs by itself":   {outbound.Settings{}, deaf(get("https://" + slow.Listener.Addr().String() + "/x")), sdk.StepHTTP, "not answered", true, 3 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), c.limit)
			defer cancel()
			findings := goThere(ctx, t, c.settings, sdk.HTTPSettings{CA: ca}, c.check)
			at := slices.IndexFunc(findings, func(f sdk.Finding) bool { return f.Step == c.step })
			if at < 2 || findings[at].Severity != sdk.SeverityError || !strings.Contains(findings[at].Text, c.says) || findings[at+1].Step != "" {
				t.Errorf("want %s to say %q and to be the last step:\n%s", c.step, c.says, told(findings))
			}
			if last := findings[len(findings)-1]; c.deaf != strings.Contains(last.Text, errCheckHangs.Error()) {
				t.Errorf("the last finding: %+v", last)
			}
			if strings.Contains(fmt.Sprint(findings), "hunter2") {
				t.Errorf("the password is told: %+v", findings)
			}
		})
	}
}

// TestWayOfAFailure: an error of a check follows the steps; an error without a connection is
// unchanged.
func TestWayOfAFailure(t *testing.T) {
	address := listening(t, func(conn net.Conn) { _ = conn.Close() })
	findings := goThere(t.Context(), t, outbound.Settings{}, sdk.HTTPSettings{}, secure(address))
	if last := findings[len(findings)-1]; len(findings) != 4 || findings[2].Step != sdk.StepTLS || last.Subject != "check" || last.Step != "" {
		t.Errorf("a connection that is closed:\n%s", told(findings))
	}
	s, err := newServer(Description{Mechanism: "going"}, func(context.Context, sdk.Env, struct{}) (sdk.Mechanism, error) {
		return going{check: func(context.Context, going) ([]sdk.Finding, error) { panic("hunter2") }}, nil
	}, environment{log: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	p, err := serveOn(t, s).Open(t.Context(), OpenRequest{Provider: "x"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Check(t.Context()); !errors.Is(err, ErrFault) || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a panic: %v", err)
	}
}

// TestWayIsBounded: neither many servers nor many findings of a mechanism displace the rest.
func TestWayIsBounded(t *testing.T) {
	own := slices.Repeat([]sdk.Finding{upstream.Fine("one", "of many")}, sdk.MaxFindings-5)
	findings := goThere(t.Context(), t, outbound.Settings{}, sdk.HTTPSettings{}, func(ctx context.Context, g going) ([]sdk.Finding, error) {
		for port := range 30 {
			if conn, err := g.env.Dial(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port+1)); err == nil {
				_ = conn.Close()
			}
		}
		return own, nil
	})
	steps := slices.IndexFunc(findings, func(f sdk.Finding) bool { return f.Step == "" })
	if len(findings) != sdk.MaxFindings || steps != 5 {
		t.Errorf("%d findings, %d of them steps", len(findings), steps)
	}
}

// TestWayKnowsWhoJudges: a mechanism that compares clocks itself decides; otherwise the
// difference of the clocks is reported.
func TestWayKnowsWhoJudges(t *testing.T) {
	server := serveHTTP(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat))
	})
	clocks := func(own ...sdk.Finding) (list []sdk.Finding) {
		for _, f := range goThere(t.Context(), t, outbound.Settings{}, sdk.HTTPSettings{}, func(ctx context.Context, g going) ([]sdk.Finding, error) {
			_, err := get(server.URL)(ctx, g)
			return own, err
		}) {
			if f.Step == sdk.StepClock {
				list = append(list, f)
			}
		}
		return list
	}
	if got := clocks(); len(got) != 1 || got[0].Severity != sdk.SeverityWarning || !strings.Contains(got[0].Text, "this machine is 1h0m0s ahead") {
		t.Errorf("a server of an hour ago: %+v", got)
	}
	if got := clocks(upstream.Clock("the provider", time.Now(), time.Now(), time.Minute, "")); len(got) != 0 {
		t.Errorf("with one of the mechanism's own: %+v", got)
	}
}

// TestWayWithoutChecks: a certificate that is not checked is not called trusted.
func TestWayWithoutChecks(t *testing.T) {
	target, _ := serveProvider(t)
	findings := goThere(t.Context(), t, outbound.Settings{}, sdk.HTTPSettings{}, func(ctx context.Context, g going) ([]sdk.Finding, error) {
		secured, err := g.env.TLS(sdk.TLSSettings{})
		if err != nil {
			return nil, err
		}
		secured.Config = &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12} //nolint:gosec // as an operator may have it for LDAP
		conn, err := g.env.Dial(ctx, "tcp", target)
		if err != nil {
			return nil, err
		}
		defer conn.Close()
		_, err = secured.Handshake(ctx, conn, "127.0.0.1")
		return nil, err
	})
	if f := findings[len(findings)-1]; f.Step != sdk.StepTLS || !strings.Contains(f.Text, testChain+", which is not checked, "+testUntil) {
		t.Errorf("%s", told(findings))
	}
}

// TestWayOfSeveralConnections: each handshake is reported with its server, and of several
// connections to one server the failed one.
func TestWayOfSeveralConnections(t *testing.T) {
	target, ca := serveProvider(t)
	other := listening(t, func(net.Conn) {})
	findings := goThere(t.Context(), t, outbound.Settings{CA: string(ca)}, sdk.HTTPSettings{}, func(ctx context.Context, g going) ([]sdk.Finding, error) {
		secured, err := g.env.TLS(sdk.TLSSettings{})
		if err != nil {
			return nil, err
		}
		var conns []net.Conn
		for _, address := range []string{target, target, other} {
			conn, err := g.env.Dial(ctx, "tcp", address)
			if err != nil {
				return nil, err
			}
			defer conn.Close()
			conns = append(conns, conn)
		}
		if _, err := secured.Handshake(ctx, conns[0], "example.com"); err != nil {
			return nil, err
		}
		_, err = secured.Handshake(ctx, conns[1], "other.example")
		return nil, err
	})
	var steps []string
	for _, f := range findings {
		steps = append(steps, strings.TrimSpace(string(f.Severity)+" "+string(f.Step)+" "+strings.NewReplacer(target, "one", other, "other").Replace(f.Target)))
	}
	want := []string{"ok proxy one", "ok connect one", "error tls one", "ok proxy other", "ok connect other", "error"}
	if diff := cmp.Diff(want, steps); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
