package outbound

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/sdk"
)

// socksServer is a real small server of RFC 1928 that makes no connections: after its answer it
// sends the requested address.
type socksServer struct {
	password string // empty: nobody signs in
	refuse   map[string]byte
}

func (s socksServer) serve(conn net.Conn) {
	r := bufio.NewReader(conn)
	head := make([]byte, 2)
	if _, err := io.ReadFull(r, head); err != nil || head[0] != 5 {
		return
	}
	methods := make([]byte, head[1])
	if _, err := io.ReadFull(r, methods); err != nil {
		return
	}
	if !s.signedIn(conn, r, string(methods)) {
		return
	}
	target, err := readTarget(r)
	if err != nil {
		return
	}
	code := s.refuse[target]
	_, _ = conn.Write([]byte{5, code, 0, addressName, 4, 'a', 'b', 'c', 'd', 0, 80})
	if code == 0 {
		_, _ = io.WriteString(conn, target+"\n")
		_, _ = io.Copy(io.Discard, conn)
	}
}

func (s socksServer) signedIn(conn net.Conn, r *bufio.Reader, methods string) bool {
	switch {
	case s.password == "":
		_, _ = conn.Write([]byte{5, 0})
		return true
	case !strings.Contains(methods, "\x02"):
		_, _ = conn.Write([]byte{5, 0xff})
		return false
	}
	_, _ = conn.Write([]byte{5, 2})
	version, _ := r.ReadByte()
	user, _ := readCounted(r)
	password, err := readCounted(r)
	if err != nil || version != 1 {
		return false
	}
	if user != "user" || password != s.password {
		_, _ = conn.Write([]byte{1, 1})
		return false
	}
	_, _ = conn.Write([]byte{1, 0})
	return true
}

func readCounted(r *bufio.Reader) (string, error) {
	n, err := r.ReadByte()
	if err != nil {
		return "", err
	}
	text := make([]byte, n)
	_, err = io.ReadFull(r, text)
	return string(text), err
}

func readTarget(r *bufio.Reader) (string, error) {
	head := make([]byte, 4)
	if _, err := io.ReadFull(r, head); err != nil {
		return "", err
	}
	host := ""
	switch head[3] {
	case addressName:
		var err error
		if host, err = readCounted(r); err != nil {
			return "", err
		}
	default:
		raw := make([]byte, map[byte]int{addressIPv4: 4, addressIPv6: 16}[head[3]])
		if _, err := io.ReadFull(r, raw); err != nil {
			return "", err
		}
		address, _ := netip.AddrFromSlice(raw)
		host = address.String()
	}
	port := make([]byte, 2)
	_, err := io.ReadFull(r, port)
	return net.JoinHostPort(host, strconv.Itoa(int(port[0])<<8|int(port[1]))), err
}

// asked returns the requested address.
func asked(t *testing.T, conn net.Conn) string {
	t.Helper()
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

// TestSOCKS: with socks5h the proxy resolves names; with socks5 they are resolved here, and
// addresses that are not denied are passed on.
func TestSOCKS(t *testing.T) {
	dns := serveDNS(t)
	for _, c := range []struct {
		scheme, target string
		answers        []string
		want           string // asked for
	}{
		{"socks5h", "directory.example:636", nil, "directory.example:636"},
		{"socks5h", "192.0.2.7:636", nil, "192.0.2.7:636"},
		{"socks5h", "[2001:db8::7]:636", nil, "[2001:db8::7]:636"},
		{"socks5", "192.0.2.7:636", nil, "192.0.2.7:636"},
		{"socks5", "directory.example:636", []string{"192.0.2.7"}, "192.0.2.7:636"},
		{"socks5", "directory.example:636", []string{"2001:db8::7"}, "[2001:db8::7]:636"},
		{"socks5", "directory.example:636", []string{"169.254.169.254", "192.0.2.7"}, "192.0.2.7:636"}, // the allowed address
		{"socks5", "directory.example:636", []string{"192.0.2.1", "192.0.2.7"}, "192.0.2.7:636"},       // the address that the proxy reaches
	} {
		for _, password := range []string{"", "hunter2!"} {
			t.Run(fmt.Sprint(c.scheme, " ", c.target, c.answers, password != ""), func(t *testing.T) {
				proxy := listen(t, socksServer{password: password, refuse: map[string]byte{"192.0.2.1:636": 4}}.serve)
				d := dialerWith(t, Settings{Proxy: secretf("%s://user:%s@%s", c.scheme, "hunter2%21", proxy)})
				dns.answer(c.answers...)
				d.resolver = dns.resolver()
				conn, err := d.Dial(t.Context(), "tcp", c.target)
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				if got := asked(t, conn); got != c.want {
					t.Errorf("asked for %s", got)
				}
			})
		}
	}
}

// TestSOCKSResolvesGuarded: a name has only a denied address.
func TestSOCKSResolvesGuarded(t *testing.T) {
	dns := serveDNS(t)
	dns.answer("169.254.169.254", "fe80::1")
	asked := make(chan struct{}, 1)
	proxy := listen(t, func(net.Conn) { asked <- struct{}{} })
	d := dialerWith(t, Settings{Proxy: secretf("socks5://%s", proxy)})
	d.resolver = dns.resolver()
	_, err := d.DialRequest(t.Context(), "tcp", "idp.example:443")
	if !errors.Is(err, ErrAddressDenied) || len(asked) > 0 {
		t.Errorf("got %v", err)
	}
}

// TestSOCKSRefusals: each refusal has its own text.
func TestSOCKSRefusals(t *testing.T) {
	for code, want := range map[byte]string{
		1: "failed to connect to directory.example:636", 2: "does not allow connections to directory.example:636",
		3: "has no route to directory.example:636", 4: "has no route to directory.example:636", 5: "was refused by directory.example:636",
		6: "had no answer from directory.example:636 in time", 7: "does not support CONNECT", 8: "cannot connect to an address like",
		9: "refuses to connect to directory.example:636 (code 9)",
	} {
		proxy := listen(t, socksServer{refuse: map[string]byte{"directory.example:636": code}}.serve)
		_, err := dialThrough(t, "socks5h", proxy)
		wantProxyError(t, err, proxy, want)
		if operators := code == 2 || code == 7; errors.Is(err, sdk.ErrMisconfigured) != operators {
			t.Errorf("code %d: %v", code, err)
		}
	}
	for name, c := range map[string]struct {
		serve func(net.Conn)
		want  string
	}{
		"another password": {socksServer{password: "another"}.serve, "does not accept the user and the password: correct them in AUTH_X_PROXY"},
		"none accepted":    {writes("\x05\xff"), "accepts neither user and password nor a connection without"},
		"not offered":      {writes("\x05\x01"), "chooses an authentication method (1) that was not offered"},
		"HTTP":             {writes("HTTP/1.1 400 Bad Request\r\n\r\n"), "it speaks HTTP, write http:// in place of socks5h://"},
		"SOCKS 4":          {writes("\x00\x5b\x00\x00\x00\x00\x00\x00"), "it speaks SOCKS 4"},
		"something":        {writes("SSH-2.0-OpenSSH"), "is it a SOCKS proxy?"},
		"odd address":      {writes("\x05\x00\x05\x00\x00\x02"), "answers with an address of an unknown type"},
		"half an answer":   {writes("\x05\x00\x05\x00"), "closed the connection without an answer"},
		"nothing":          {writes(""), "closed the connection without an answer"},
		"another version":  {writes("\x05\x00\x04\x00\x00\x01"), "does not answer in SOCKS 5"},
	} {
		t.Run(name, func(t *testing.T) {
			proxy := listen(t, c.serve)
			_, err := dialThrough(t, "socks5h", proxy)
			wantProxyError(t, err, proxy, c.want)
		})
	}
	proxy := listen(t, socksServer{password: "x"}.serve)
	d := dialerWith(t, Settings{Proxy: secretf("socks5h://%s", proxy), Names: map[string]string{KeyProxy: "AUTH_X_PROXY"}})
	_, err := d.Dial(t.Context(), "tcp", "directory.example:636")
	wantProxyError(t, err, proxy, "write socks5h://user:password@"+proxy+" in AUTH_X_PROXY")
}

// writes reads the request, answers any request with the same text, and hangs up when the other
// side does.
func writes(text string) func(net.Conn) {
	return func(conn net.Conn) {
		_, _ = conn.Read(make([]byte, 3))
		_, _ = io.WriteString(conn, text)
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.CloseWrite()
		}
		_, _ = io.Copy(io.Discard, conn)
	}
}

// TestSilentProxies: a proxy that accepts the connection and sends nothing, or too little, does
// not delay a call beyond its time limit.
func TestSilentProxies(t *testing.T) {
	for name, serve := range map[string]func(net.Conn){
		"silent":     func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) },
		"endless":    func(conn net.Conn) { _, _ = io.Copy(conn, drip{}) },
		"half":       says("HTTP/1.1 200 OK\r\nX: "),
		"half SOCKS": func(conn net.Conn) { _, _ = conn.Write([]byte{5}); _, _ = io.Copy(io.Discard, conn) },
	} {
		for _, scheme := range []string{"http", "https", "socks5h"} {
			t.Run(name+" "+scheme, func(t *testing.T) {
				proxy := listen(t, serve)
				d := dialerWith(t, Settings{Proxy: secretf("%s://%s", scheme, proxy), Names: map[string]string{KeyProxy: "AUTH_X_PROXY"}})
				ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
				defer cancel()
				_, err := d.Dial(ctx, "tcp", "directory.example:636")
				wantProxyError(t, err, proxy, "")
			})
		}
	}
	proxy := listen(t, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
	d := dialerWith(t, Settings{Proxy: secretf("http://%s", proxy)})
	ctx, cancel := context.WithCancel(t.Context())
	reached := make(chan error, 1)
	go func() {
		_, err := d.Dial(ctx, "tcp", "directory.example:636")
		reached <- err
	}()
	cancel()
	if err := <-reached; !errors.Is(err, context.Canceled) {
		t.Errorf("given up: %v", err)
	}
}

// drip is an endless header.
type drip struct{}

func (drip) Read(p []byte) (int, error) { return copy(p, "X: y\r\n"), nil }

// TestDeadlinesEndWithTheTunnel: after that, the user of the connection sets the time limits.
func TestDeadlinesEndWithTheTunnel(t *testing.T) {
	proxy := listen(t, func(conn net.Conn) {
		r := bufio.NewReader(conn)
		for { // the request ends with an empty line
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			if strings.TrimSpace(line) == "" {
				break
			}
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
		_, _ = io.Copy(conn, r)
	})
	d := dialerWith(t, Settings{Proxy: secretf("http://%s", proxy)})
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	conn, err := d.Dial(ctx, "tcp", "directory.example:636")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	<-ctx.Done()
	if _, err := io.WriteString(conn, "x"); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); err != nil {
		t.Error(err)
	}
}
