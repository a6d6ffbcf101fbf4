package outbound

import (
	"bufio"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
)

// TestWhoseFailure: a mechanism with several servers tries the next one if the target fails,
// but not if the proxy itself fails.
func TestWhoseFailure(t *testing.T) {
	greeted := func(reply string) func(net.Conn) {
		return func(conn net.Conn) {
			r := bufio.NewReader(conn)
			_, _ = r.Peek(4) // version, number of methods, two of them
			_, _ = r.Discard(r.Buffered())
			_, _ = io.WriteString(conn, "\x05\x00")
			_, _ = r.Peek(1)
			_, _ = io.WriteString(conn, reply)
		}
	}
	closes := func(conn net.Conn) { _, _ = conn.Read(make([]byte, 4096)) }
	for name, tc := range map[string]struct {
		scheme   string
		serve    func(net.Conn)
		ofTarget bool
		text     string
	}{
		"403":                   {"http", says("HTTP/1.1 403 F\r\n\r\n"), true, "does not allow"},
		"500, as Squid":         {"http", says("HTTP/1.1 500 I\r\nX-Squid-Error: ERR_CANNOT_FORWARD 0\r\n\r\n"), true, "cannot connect to directory.example:636 (status 500)"},
		"500, as Tinyproxy":     {"http", says("HTTP/1.1 500 Unable to connect\r\n\r\n"), true, "cannot connect to directory.example:636 (status 500)"},
		"502":                   {"http", says("HTTP/1.1 502 B\r\n\r\n"), true, "(status 502)"},
		"503":                   {"http", says("HTTP/1.1 503 S\r\n\r\n"), true, "(status 503)"},
		"504":                   {"http", says("HTTP/1.1 504 G\r\n\r\n"), true, "(status 504)"},
		"418":                   {"http", says("HTTP/1.1 418 T\r\n\r\n"), true, "(status 418)"},
		"closed":                {"http", closes, true, ""},
		"401, as Tinyproxy":     {"http", says("HTTP/1.1 401 U\r\nWWW-Authenticate: Basic realm=\"a\"\r\n\r\n"), false, "does not accept the user and the password (status 401)"},
		"407":                   {"http", says("HTTP/1.1 407 P\r\nProxy-Authenticate: Basic realm=\"a\"\r\n\r\n"), false, "(status 407)"},
		"302":                   {"http", says("HTTP/1.1 302 F\r\n\r\n"), false, "redirect"},
		"405":                   {"http", says("HTTP/1.1 405 M\r\n\r\n"), false, "does not support CONNECT"},
		"no HTTP":               {"http", says("SSH-2.0-x\r\n"), false, "is it a proxy"},
		"no TLS":                {"https", says("HTTP/1.1 400 B\r\n\r\n"), false, "TLS"},
		"SOCKS, no way":         {"socks5h", greeted("\x05\x04\x00\x01\x00\x00\x00\x00\x00\x00"), true, "has no route to"},
		"SOCKS, not allowed":    {"socks5h", greeted("\x05\x02\x00\x01\x00\x00\x00\x00\x00\x00"), true, "does not allow"},
		"SOCKS, breaks off":     {"socks5h", greeted("\x05"), true, ""},
		"SOCKS, no such method": {"socks5h", func(conn net.Conn) { _, _ = io.WriteString(conn, "\x05\xff"); closes(conn) }, false, "accepts neither"},
		"SOCKS, closed":         {"socks5h", closes, false, ""},
		"SOCKS, no SOCKS":       {"socks5h", func(conn net.Conn) { _, _ = io.WriteString(conn, "HT"); closes(conn) }, false, "it speaks HTTP"},
	} {
		t.Run(name, func(t *testing.T) {
			proxy := listen(t, tc.serve)
			_, err := dialThrough(t, tc.scheme, proxy)
			e, ok := errors.AsType[*ProxyError](err)
			if !ok || e.OfTarget != tc.ofTarget || !strings.Contains(e.Error(), tc.text) {
				t.Errorf("got %v (of the target: %v), want %q (%v)", err, ok && e.OfTarget, tc.text, tc.ofTarget)
			}
		})
	}
	t.Run("nobody listens", func(t *testing.T) {
		_, err := dialThrough(t, "http", "127.0.0.1:1")
		if e, ok := errors.AsType[*ProxyError](err); !ok || e.OfTarget {
			t.Errorf("got %v", err)
		}
	})
}
