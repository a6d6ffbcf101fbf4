package outbound

import (
	"bytes"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
)

// answering is a connection whose peer has sent everything already.
type answering struct {
	net.Conn
	reads *bytes.Reader
	read  int
}

func (a *answering) Read(p []byte) (int, error) {
	n, err := a.reads.Read(p)
	a.read += n
	return n, err
}

func (a *answering) Write(p []byte) (int, error) { return len(p), nil }

// FuzzConnect: with any answer of a proxy, the bytes after a good header are unchanged, no more
// than the bound is read of a bad header, and no error contains the password or characters
// that could forge a line of the log.
func FuzzConnect(f *testing.F) {
	for _, seed := range []string{
		"HTTP/1.1 200 OK\r\n\r\nhello", "HTTP/1.0 200\n\n", "HTTP/1.1 100 C\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 407 P\r\nProxy-Authenticate: Basic\r\n\r\n",
		"HTTP/1.1 204 N\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "\x15\x03", "\x05\xff", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
		"HTTP/1.1 302 F\r\nLocation: x\r\n\r\n<html>", "HTTP/1.1 403 \x1b[31m\r\n\r\n",
	} {
		f.Add([]byte(seed))
	}
	p := &Proxy{scheme: "http", host: "proxy.example", port: "3128", setting: "AUTH_X_PROXY", user: &login{"user", "canary"}}
	f.Fuzz(func(t *testing.T, answer []byte) {
		conn := &answering{reads: bytes.NewReader(answer)}
		tunnel, err := connectThrough(t.Context(), conn, p, "idp.example:443")
		if err != nil {
			if text := err.Error(); strings.Contains(text, "canary") && !bytes.Contains(answer, []byte("canary")) || strings.ContainsFunc(text, isControl) {
				t.Errorf("%q", text)
			}
			if conn.read > maxAnswer {
				t.Errorf("%d bytes were read", conn.read)
			}
			return
		}
		rest, err := io.ReadAll(tunnel)
		if err != nil || !bytes.HasSuffix(answer, rest) {
			t.Errorf("%q comes through, %v", rest, err)
		}
		if header := answer[:len(answer)-len(rest)]; !bytes.HasPrefix(header, []byte("HTTP/1.")) || !bytes.HasSuffix(header, []byte("\n")) {
			t.Errorf("the header is %q", header)
		}
	})
}

// FuzzSOCKS: the same, and no byte after the answer is read.
func FuzzSOCKS(f *testing.F) {
	for _, seed := range []string{
		"\x05\x00\x05\x00\x00\x01abcd\x00\x50hello", "\x05\x02\x01\x00\x05\x00\x00\x03\x02ab\x00\x50hello", "\x05\x02\x01\x01", "\x05\xff", "HTTP/1.1 400",
		"\x05\x00\x05\x02\x00\x01", "\x05\x00\x05\x00\x00\x04abcdefghijklmnop\x00\x50", "\x00\x5a",
	} {
		f.Add([]byte(seed))
	}
	p := &Proxy{scheme: "socks5h", host: "proxy.example", port: "1080", setting: "AUTH_X_PROXY", user: &login{"user", "canary"}}
	f.Fuzz(func(t *testing.T, answer []byte) {
		conn := &answering{reads: bytes.NewReader(answer)}
		err := socks(t.Context(), conn, p, "idp.example:443")
		const most = 2 + 2 + 4 + 1 + 255 + 2
		if conn.read > most {
			t.Errorf("%d bytes were read", conn.read)
		}
		if err == nil {
			if head := answer[:conn.read]; head[0] != socksVersion || head[1] == methodPassword && head[3] != 0 {
				t.Errorf("accepted: %q", head)
			}
			return
		}
		if text := err.Error(); strings.Contains(text, "canary") || strings.ContainsFunc(text, isControl) {
			t.Errorf("%q", text)
		}
	})
}

// FuzzProxyURL: an accepted proxy URL can be dialled, and the error for a refused one contains
// no password.
func FuzzProxyURL(f *testing.F) {
	for _, seed := range []string{"http://user:%s@proxy.example:3128", "%s", "socks5h://%s@[fe80::1%%25eth0]", "http://proxy.example/%s@", "https://a:%s"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, _, err := parseProxy(text)
		if err != nil {
			if userinfo := partsOf(text).userinfo; len(userinfo) > 40 && strings.Contains(err.Error(), userinfo) {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		host, port, err := net.SplitHostPort(p.Address())
		if err != nil || host == "" || portNumber(port) == 0 {
			t.Errorf("%q: %s", text, p.Address())
		}
		if p.user != nil && p.user.password != "" && len(secretsOfURL(text)) == 0 {
			t.Errorf("%q: the password is no secret", text)
		}
	})
}

// FuzzForms: neither writing an IPv4 address as an IPv6 address nor a zone hides an address.
func FuzzForms(f *testing.F) {
	f.Add([]byte{169, 254, 169, 254}, "eth0")
	f.Add([]byte{0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, 169, 254, 169, 254}, "")
	g := &guard{classes: Classes()}
	f.Fuzz(func(t *testing.T, raw []byte, zone string) {
		address, ok := netip.AddrFromSlice(raw)
		if !ok {
			return
		}
		denied := g.checkDirect("a.example", address) != nil
		for _, other := range []netip.Addr{netip.AddrFrom16(address.As16()), netip.AddrFrom16(address.As16()).WithZone(zone)} {
			if got := g.checkDirect("a.example", other) != nil; got != denied {
				t.Errorf("%s is denied: %t, %s: %t", address, denied, other, got)
			}
		}
	})
}

// FuzzGlob: without an asterisk it is a comparison, and with an asterisk in front, a matching
// glob also matches the text with a prefix.
func FuzzGlob(f *testing.F) {
	f.Add("*.foo.com", "a.foo.com")
	f.Add("a*b*c", "abc")
	f.Fuzz(func(t *testing.T, glob, text string) {
		got := globMatches(glob, text)
		if !strings.Contains(glob, "*") && got != (glob == text) {
			t.Errorf("%q, %q: %t", glob, text, got)
		}
		if got && !globMatches("*"+glob, "x"+text) || !globMatches("*", text) {
			t.Errorf("%q, %q: not with a prefix", glob, text)
		}
	})
}
