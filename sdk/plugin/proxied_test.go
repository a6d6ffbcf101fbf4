package plugin

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/options"
	"github.com/doorward/doorward/sdk/outbound"
	doorwardv1 "github.com/doorward/doorward/sdk/proto/doorward/v1"
)

// A forwarder is a real small proxy that connects to one server for any request.
type forwarder struct {
	*httptest.Server
	to      string
	status  int // zero: 200
	tunnels atomic.Int64
	ended   chan struct{}          // receives each tunnel that ends
	asked   atomic.Pointer[string] // Host and Proxy-Authorization of the latest

}

func forwardTo(t testing.TB, to string, start func(*httptest.Server)) *forwarder {
	t.Helper()
	f := &forwarder{to: to, ended: make(chan struct{}, 64)}
	f.Server = httptest.NewUnstartedServer(f)
	f.Config.ErrorLog = nobody
	start(f.Server)
	t.Cleanup(f.Close)
	return f
}

func (f *forwarder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	asked := strings.TrimSpace(r.Method + " " + r.Host + " " + r.Header.Get("Proxy-Authorization"))
	f.asked.Store(&asked)
	f.tunnels.Add(1)
	if f.status != 0 {
		w.WriteHeader(f.status)
		return
	}
	upstream, err := new(net.Dialer).DialContext(r.Context(), "tcp", f.to)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer upstream.Close()
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	defer func() { f.ended <- struct{}{} }()
	_, _ = io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n")
	go func() {
		_, _ = io.Copy(upstream, buffered)
		_ = upstream.(*net.TCPConn).CloseWrite()
	}()
	_, _ = io.Copy(conn, upstream)
}

// provider is an identity provider with HTTP/2 whose certificate is for example.com.
func serveProvider(t testing.TB) (address string, ca []byte) {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Proto) }))
	server.EnableHTTP2 = true
	server.Config.ErrorLog = nobody
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.Listener.Addr().String(), pemOf("CERTIFICATE", server.Certificate().Raw)
}

func clientWith(t testing.TB, o outbound.Settings, s sdk.HTTPSettings) *http.Client {
	t.Helper()
	dialer, err := dialerOf(o)
	if err != nil {
		t.Fatal(err)
	}
	client, err := newHTTPClient(dialer, s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	return client
}

func secretf(format string, args ...any) options.Secret {
	return options.Secret(fmt.Sprintf(format, args...))
}

// TestRequestsThroughProxies: there is HTTP/2 inside the tunnel, which is made once and kept;
// user and password are sent decoded.
func TestRequestsThroughProxies(t *testing.T) {
	target, ca := serveProvider(t)
	for name, start := range map[string]func(*httptest.Server){"http": (*httptest.Server).Start, "https": (*httptest.Server).StartTLS} {
		t.Run(name, func(t *testing.T) {
			proxy := forwardTo(t, target, start)
			client := clientWith(t, outbound.Settings{
				GlobalAgent: outbound.ProxyRules{HTTPS: secretf("%s://user:hunter2%%21@%s", name, proxy.Listener.Addr())},
				ExtraCA:     string(ca), // the proxy's, which is that of all httptest servers
			}, sdk.HTTPSettings{CA: ca})
			for range 3 {
				_, body, err := do(t, client, "GET", "https://example.com:8443/a")
				if err != nil || string(body) != "HTTP/2.0" {
					t.Fatalf("got %q, %v", body, err)
				}
			}
			if n, asked := proxy.tunnels.Load(), *proxy.asked.Load(); n != 1 || asked != "CONNECT example.com:8443 Basic dXNlcjpodW50ZXIyIQ==" {
				t.Errorf("%d tunnels; %s", n, asked)
			}
			if _, _, err := do(t, client, "GET", "https://www.example.com/"); err != nil { // also in the certificate
				t.Fatal(err)
			}
			if n, asked := proxy.tunnels.Load(), *proxy.asked.Load(); n != 2 || !strings.HasPrefix(asked, "CONNECT www.example.com:443 ") {
				t.Errorf("another host: %d tunnels; %s", n, asked)
			}
		})
	}
}

// TestPlainHTTPHasNoProxy: requests without TLS stay on this machine.
func TestPlainHTTPHasNoProxy(t *testing.T) {
	server := serveHTTP(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "here") })
	for _, s := range []outbound.Settings{
		{Proxy: "http://192.0.2.1:1"}, {GlobalAgent: outbound.ProxyRules{HTTP: "http://192.0.2.1:1"}}, {Standard: outbound.ProxyRules{HTTP: "http://192.0.2.1:1"}},
	} {
		if _, body, err := do(t, clientWith(t, s, sdk.HTTPSettings{}), "GET", server.URL); err != nil || string(body) != "here" {
			t.Errorf("got %q, %v", body, err)
		}
	}
	client := clientWith(t, outbound.Settings{Deny: []string{"loopback"}}, sdk.HTTPSettings{})
	if _, _, err := do(t, client, "GET", server.URL); !errors.Is(err, outbound.ErrAddressDenied) {
		t.Errorf("loopback denied: %v", err)
	}
}

// TestErrorsNameTheProxy: every error names the proxy, even if net/http is quicker than the
// dialer. No error contains the password.
func TestErrorsNameTheProxy(t *testing.T) {
	target, _ := serveProvider(t)
	refusing := forwardTo(t, target, (*httptest.Server).Start)
	refusing.status = http.StatusProxyAuthRequired
	working := forwardTo(t, target, (*httptest.Server).Start)
	silent, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	for name, c := range map[string]struct {
		proxy   string
		timeout time.Duration
		says    string
	}{
		"down":        {freePort(t), time.Minute, "cannot be reached"},
		"refusing":    {refusing.Listener.Addr().String(), time.Minute, "does not accept the user and the password (status 407)"},
		"silent":      {silent.Addr().String(), 200 * time.Millisecond, "exceeded"},
		"certificate": {working.Listener.Addr().String(), time.Minute, "certificate"}, // of the target, which is not trusted
	} {
		t.Run(name, func(t *testing.T) {
			client := clientWith(t, outbound.Settings{
				Proxy: secretf("http://user:hunter2%%21@%s", c.proxy), Names: map[string]string{outbound.KeyProxy: "AUTH_X_PROXY"},
			}, sdk.HTTPSettings{Timeout: c.timeout})
			_, _, err := do(t, client, "GET", "https://example.com/")
			if err == nil || !strings.Contains(err.Error(), c.proxy+" (AUTH_X_PROXY)") || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("got %v", err)
			}
		})
	}
}

// freePort is an address at which nothing listens.
func freePort(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// TestTrace: a traced request makes its own connection, and each of its steps is reported.
func TestTrace(t *testing.T) {
	target, ca := serveProvider(t)
	proxy := forwardTo(t, target, (*httptest.Server).Start)
	client := clientWith(t, outbound.Settings{Standard: outbound.ProxyRules{HTTPS: secretf("user:pass@%s", proxy.Listener.Addr()), NoProxy: ".internal"}}, sdk.HTTPSettings{CA: ca})
	if _, _, err := do(t, client, "GET", "https://example.com/"); err != nil {
		t.Fatal(err)
	}
	trace := &outbound.Trace{}
	ctx := outbound.WithTrace(t.Context(), trace)
	for _, url := range []string{"https://example.com/", "https://www.example.com/", "https://a.internal:1/", "https://example.org/"} {
		req, err := http.NewRequestWithContext(ctx, "GET", url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if resp, err := client.Do(req); err == nil {
			resp.Body.Close()
		}
	}
	limit := time.After(30 * time.Second)
	for range 3 { // through the proxy
		select {
		case <-proxy.ended:
		case <-limit:
			t.Fatal("a connection that was traced is kept")
		}
	}
	got := trace.Connections()
	if len(got) != 4 {
		t.Fatalf("%d connections: %+v", len(got), got)
	}
	first, direct, mismatch := got[0], got[2], got[3]
	switch {
	case first.Target != "example.com:443", first.Choice.Why != "HTTPS_PROXY", first.Choice.Proxy.String() != proxy.URL,
		first.Connected != proxy.Listener.Addr().String(), first.Answered != "status 200", first.Err != nil,
		first.TLS == nil || first.TLS.State.NegotiatedProtocol != "h2" || len(first.TLS.State.PeerCertificates) == 0,
		first.HTTP == nil || first.HTTP.Protocol != "HTTP/2.0" || first.HTTP.Status != 200 || time.Since(first.HTTP.Date).Abs() > time.Hour:
		t.Errorf("through the proxy: %+v", first)
	}
	if direct.Choice.Proxy != nil || direct.Choice.Why != "NO_PROXY has .internal" || direct.Err == nil ||
		len(direct.Lookups) != 1 || direct.Lookups[0].Host != "a.internal" || direct.Lookups[0].Err == nil {
		t.Errorf("directly: %+v", direct)
	}
	if failed, ok := errors.AsType[*tls.CertificateVerificationError](mismatch.TLS.Err); !ok || len(failed.UnverifiedCertificates) == 0 || mismatch.Err != nil {
		t.Errorf("a certificate for another name: %+v", mismatch)
	}
}

// TestPluginsThatKnowNoProxies: a plugin with an older SDK is not opened if it would bypass the
// proxy.
func TestPluginsThatKnowNoProxies(t *testing.T) {
	old := &Client{rpc: hostileProvider(t, hostile{
		describe: &doorwardv1.DescribeResponse{Mechanism: "rusty", Version: "0.9.0"}, open: &doorwardv1.OpenResponse{Handle: 1},
	}).rpc}
	if _, _, err := old.Describe(t.Context()); err != nil {
		t.Fatal(err)
	}
	proxied := outbound.Settings{
		Standard: outbound.ProxyRules{HTTPS: "http://user:hunter2@proxy.example"}, Names: map[string]string{outbound.KeyProxy: "AUTH_X_PROXY"},
	}
	_, err := old.Open(t.Context(), OpenRequest{Provider: "x", Outbound: proxied})
	want := "the plugin rusty 0.9.0 was built with an SDK that does not support HTTPS_PROXY, and would connect without it: rebuild it with the SDK of this host, or set AUTH_X_PROXY to direct"
	if !errors.Is(err, sdk.ErrMisconfigured) || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("got %v", err)
	}
	proxied.Proxy = outbound.Direct
	for _, s := range []outbound.Settings{{}, proxied, {Deny: outbound.DefaultDeny()}} {
		if _, err := old.Open(t.Context(), OpenRequest{Provider: "x", Outbound: s}); err != nil {
			t.Errorf("nothing to heed: %v", err)
		}
	}
	current := serveOn(t, demanding(t, Description{}))
	if _, _, err := current.Describe(t.Context()); err != nil {
		t.Fatal(err)
	}
	proxied.Proxy = ""
	if _, err := current.Open(t.Context(), OpenRequest{Provider: "x", Outbound: proxied}); errors.Is(err, sdk.ErrMisconfigured) {
		t.Errorf("a plugin of this SDK: %v", err)
	}
}

// TestPasswordsOfProxiesDoNotLeaveThePlugin: not in any spelling.
func TestPasswordsOfProxiesDoNotLeaveThePlugin(t *testing.T) {
	var log lockedBuffer
	const said = "user:hunter2!, hunter2!, hunter2%21, dXNlcjpodW50ZXIyIQ== and proxy.example:3128"
	s, err := newServer(Description{Mechanism: "x"}, func(_ context.Context, env sdk.Env, _ struct{}) (sdk.Mechanism, error) {
		return indiscreet{env, said}, nil
	}, environment{log: &log})
	if err != nil {
		t.Fatal(err)
	}
	p, err := serveOn(t, s).Open(t.Context(), OpenRequest{Provider: "p", Outbound: outbound.Settings{Proxy: "http://user:hunter2%21@proxy.example:3128"}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Begin(t.Context(), sdk.BeginRequest{})
	for what, text := range map[string]string{"the error": fmt.Sprint(err), "the log": log.String()} {
		wantNoSecret(t, what, text)
		if strings.Contains(text, "dXNlc") || !strings.Contains(text, "proxy.example:3128") {
			t.Errorf("%s: %s", what, text)
		}
	}
}

// TestDialThroughProxy: connections without HTTP use only the provider's own proxy.
func TestDialThroughProxy(t *testing.T) {
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
			_, _ = io.WriteString(conn, "hello\n")
			_ = conn.Close()
		}
	}()
	proxy := forwardTo(t, listener.Addr().String(), (*httptest.Server).Start)
	dialer, err := dialerOf(outbound.Settings{Proxy: secretf("http://%s", proxy.Listener.Addr())})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := environment{}.envFor(&doorwardv1.OpenRequest{}, dialer).Dial(t.Context(), "tcp", "directory.example:636")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || line != "hello\n" {
		t.Errorf("got %q, %v", line, err)
	}
	if asked := *proxy.asked.Load(); asked != "CONNECT directory.example:636" {
		t.Errorf("asked for %s", asked)
	}
}

// asking is a third party's mechanism that does nothing about proxies.
type asking struct {
	env    sdk.Env
	client *http.Client
}

func (asking) Begin(context.Context, sdk.BeginRequest) (sdk.Step, error)       { return nil, nil }
func (asking) Continue(context.Context, sdk.ContinueRequest) (sdk.Step, error) { return nil, nil }

func (a asking) Check(ctx context.Context) ([]sdk.Finding, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://example.com/", nil)
	if err != nil {
		return nil, err
	}
	resp, err := a.client.Do(req)
	if err != nil {
		return nil, err
	}
	_ = resp.Body.Close()
	conn, err := a.env.Dial(ctx, "tcp", "directory.example:636")
	if err != nil {
		return nil, err
	}
	return nil, conn.Close()
}

// TestThirdPartiesObey: the client and the dialer of a mechanism obey the settings that the host
// sends over the wire; and each provider has its own settings.
func TestThirdPartiesObey(t *testing.T) {
	target, ca := serveProvider(t)
	proxy := forwardTo(t, target, (*httptest.Server).Start)
	s, err := newServer(Description{Mechanism: "asking"}, func(_ context.Context, env sdk.Env, _ struct{}) (sdk.Mechanism, error) {
		client, err := env.HTTPClient(sdk.HTTPSettings{CA: ca})
		return asking{env, client}, err
	}, environment{log: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	host := serveOn(t, s)
	opened := map[string]*Provider{}
	for name, o := range map[string]outbound.Settings{
		"proxied": {Proxy: secretf("http://%s", proxy.Listener.Addr())},
		"direct":  {Proxy: outbound.Direct, Standard: outbound.ProxyRules{HTTPS: secretf("http://%s", proxy.Listener.Addr())}, Deny: []string{"0.0.0.0/0", "::/0"}},
	} {
		if opened[name], err = host.Open(t.Context(), OpenRequest{Provider: name, Outbound: o}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := opened["proxied"].Check(t.Context()); err != nil || proxy.tunnels.Load() != 2 || *proxy.asked.Load() != "CONNECT directory.example:636" {
		t.Errorf("%d tunnels: %v", proxy.tunnels.Load(), err)
	}
	found, err := opened["direct"].Check(t.Context())
	if failed := found[len(found)-1]; err != nil || failed.Severity != sdk.SeverityError || proxy.tunnels.Load() != 2 {
		t.Errorf("directly: %d tunnels: %+v, %v", proxy.tunnels.Load(), found, err)
	}
}

// nobody reads what servers under test say of handshakes that are broken off.
var nobody = log.New(io.Discard, "", 0)
