package main

import (
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/doorward/doorward/plugins/ldap/internal/directory"
	"github.com/doorward/doorward/plugins/ldap/ldaptest"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/options"
	"github.com/doorward/doorward/sdk/outbound"
	"github.com/doorward/doorward/sdk/plugintest"
)

// startRefusingProxy gives every client the same answer, and counts them.
func startRefusingProxy(t *testing.T, answer string) (address string, asked *atomic.Int32) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	asked = &atomic.Int32{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			asked.Add(1)
			_, _ = conn.Read(make([]byte, 4096))
			_, _ = conn.Write([]byte(answer))
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-done
	})
	return listener.Addr().String(), asked
}

// behind makes the connections of a provider use the proxy.
func behind(t *testing.T, address string) func(*sdk.Env) {
	t.Helper()
	dialer, err := outbound.New(outbound.Settings{Proxy: options.Secret("http://" + address), Names: map[string]string{outbound.KeyProxy: "AUTH_DIR_PROXY"}})
	if err != nil {
		t.Fatal(err)
	}
	return func(env *sdk.Env) { env.Dial = dialer.Dial }
}

const (
	farServers   = "ldaps://one.corp.example,ldaps://two.corp.example,ldaps://three.corp.example"
	answers407   = "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"\r\n\r\n"
	answers502   = "HTTP/1.1 502 Bad Gateway\r\n\r\n"
	thoseServers = 3
)

// TestProxyLetsNothingThrough: the proxy is tried once for all servers behind it, and
// reported in one message. A server on this machine does not need the proxy.
func TestProxyLetsNothingThrough(t *testing.T) {
	proxy, asked := startRefusingProxy(t, answers407)
	l := openLocal(t, behind(t, proxy), map[string]any{"client_url": farServers})
	_, err := l.enter(t.Context(), "alice", alicePassword)
	plugintest.Refused(t, err, sdk.ErrMisconfigured, directory.ReasonUnreachable)
	if err == nil || strings.Count(err.Error(), "proxy "+proxy+" (AUTH_DIR_PROXY)") != 1 || strings.Contains(err.Error(), ".corp.example") {
		t.Errorf("not one sentence about the proxy: %v", err)
	}
	if asked.Load() != 1 {
		t.Errorf("the proxy was asked %d times", asked.Load())
	}
	findings, err := l.Check(t.Context())
	if err != nil || len(findings) != 1 || findings[0].Subject != "proxy" {
		t.Errorf("check: %+v, %v", findings, err)
	}

	dir := start(t, ldaptest.Config{})
	l = openLocal(t, behind(t, proxy), map[string]any{"client_url": farServers + "," + dir.URL()}, dir)
	step, err := l.enter(t.Context(), "alice", alicePassword)
	identityOf(t, step, err)
	if text := l.log.String(); strings.Count(text, "the proxy in front of the directory failed") != 1 || strings.Contains(text, "a directory server failed") {
		t.Errorf("the log:\n%s", text)
	}
}

// TestProxyAboutEachServer: an error about one server does not affect the next one.
func TestProxyAboutEachServer(t *testing.T) {
	proxy, asked := startRefusingProxy(t, answers502)
	l := openLocal(t, behind(t, proxy), map[string]any{"client_url": farServers})
	_, err := l.enter(t.Context(), "alice", alicePassword)
	plugintest.Refused(t, err, sdk.ErrUnavailable, directory.ReasonUnreachable)
	if asked.Load() != thoseServers || err == nil || strings.Count(err.Error(), "(status 502)") != thoseServers {
		t.Errorf("asked %d times: %v", asked.Load(), err)
	}
}
