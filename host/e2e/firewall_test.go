package e2e

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"
)

// firewallBound limits the time for a TLS handshake and for the connection to the target.
const firewallBound = 30 * time.Second

// own is a loopback address that only this process uses, so that its ports remain free, and so
// that the address identifies who connects.
func own(n int) string {
	pid := os.Getpid()
	return fmt.Sprintf("127.%d.%d.%d", 64+n, pid>>8&0xff, pid&0xff|1)
}

// The source addresses of connections to a firewall. Doorward and its plugins have 127.0.0.1,
// the default.
var (
	proxyLeavesFrom  = own(1)
	personLeavesFrom = own(2)
)

// firewall protects a server: it admits only the proxy and the browser of the tests. With a
// certificate, it uses TLS.
type firewall struct {
	Name string // in certificates and URLs
	Port int

	target   string // host:port
	tls      *tls.Config
	listener net.Listener
	group    sync.WaitGroup

	mu      sync.Mutex
	conns   map[net.Conn]bool
	proxied int
	direct  []string // the refused addresses
	closed  bool
}

// startFirewall runs a firewall until the test ends. A connection without the proxy fails the
// test.
func startFirewall(t testing.TB, name string, config *tls.Config) *firewall {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &firewall{
		Name: name, Port: listener.Addr().(*net.TCPAddr).Port,
		tls: config, listener: listener, conns: map[net.Conn]bool{},
	}
	f.group.Go(f.accept)
	t.Cleanup(func() {
		listener.Close()
		f.cut(true)
		f.group.Wait()
		if len(f.direct) > 0 {
			t.Errorf("%s was connected to without a proxy, from %q", f.Address(), f.direct)
		}
	})
	return f
}

// protects sets the target, before the first connection.
func (f *firewall) protects(target string) *firewall {
	f.target = target
	return f
}

// Address returns the name and the port.
func (f *firewall) Address() string { return fmt.Sprintf("%s:%d", f.Name, f.Port) }

// URL returns the https URL of the server behind the firewall.
func (f *firewall) URL() string { return "https://" + f.Address() }

// passes returns the number of admitted connections of the proxy.
func (f *firewall) passes() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.proxied
}

// cut ends all connections, and refuses all further ones.
func (f *firewall) cut(forEver bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = f.closed || forEver
	for conn := range f.conns {
		conn.Close()
	}
}

func (f *firewall) accept() {
	for {
		conn, err := f.listener.Accept()
		if err != nil {
			return
		}
		if !f.admit(conn) {
			conn.Close()
			continue
		}
		f.group.Go(func() { f.serve(conn) })
	}
}

func (f *firewall) admit(conn net.Conn) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch from := conn.RemoteAddr().(*net.TCPAddr).IP.String(); from {
	case proxyLeavesFrom:
		f.proxied++
	case personLeavesFrom:
	default:
		f.direct = append(f.direct, from)
		return false
	}
	return f.keepLocked(conn)
}

func (f *firewall) keep(conn net.Conn) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.keepLocked(conn)
}

func (f *firewall) keepLocked(conn net.Conn) bool {
	if f.closed {
		return false
	}
	f.conns[conn] = true
	return true
}

func (f *firewall) drop(conn net.Conn) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.conns, conn)
	conn.Close()
}

func (f *firewall) serve(client net.Conn) {
	defer f.drop(client)
	ctx, cancel := context.WithTimeout(context.Background(), firewallBound)
	defer cancel()
	inner := client
	if f.tls != nil {
		secured := tls.Server(client, f.tls)
		if secured.HandshakeContext(ctx) != nil {
			return
		}
		inner = secured
	}
	server, err := (&net.Dialer{}).DialContext(ctx, "tcp", f.target)
	if err != nil {
		return
	}
	defer f.drop(server)
	if !f.keep(server) {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { pipe(server, inner) })
	both.Go(func() { pipe(inner, server) })
	both.Wait()
}

// pipe copies data until one end closes.
func pipe(to, from net.Conn) {
	defer to.Close()
	_, _ = io.Copy(to, from)
}
