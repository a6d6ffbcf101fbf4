package outbound

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/sdk/options"
)

// listen serves each connection until the test ends.
func listen(t testing.TB, serve func(net.Conn)) (address string) {
	t.Helper()
	return listenAt(t, "127.0.0.1:0", serve)
}

func listenAt(t testing.TB, at string, serve func(net.Conn)) (address string) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			context.AfterFunc(ctx, func() { _ = conn.Close() })
			go func() {
				defer conn.Close()
				serve(conn)
			}()
		}
	}()
	t.Cleanup(func() { cancel(); _ = listener.Close(); <-done })
	return listener.Addr().String()
}

// says reads the request and answers with these parts, each in its own packet.
func says(parts ...string) func(net.Conn) {
	return func(conn net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(conn)); err != nil {
			return
		}
		for _, part := range parts {
			if _, err := io.WriteString(conn, part); err != nil {
				return
			}
		}
		_, _ = io.Copy(io.Discard, conn)
	}
}

func dialerWith(t testing.TB, s Settings) *Dialer {
	t.Helper()
	d, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

const password = "hunter2%21" // hunter2! as it is written in a URL

func dialThrough(t testing.TB, scheme, proxy string) (net.Conn, error) {
	t.Helper()
	d := dialerWith(t, Settings{
		Proxy: options.Secret(fmt.Sprintf("%s://user:%s@%s", scheme, password, proxy)), Names: map[string]string{KeyProxy: "AUTH_X_PROXY"},
	})
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	t.Cleanup(cancel)
	return d.Dial(ctx, "tcp", "directory.example:636")
}

// TestBehindTheAnswer: bytes that follow directly after a proxy's answer are neither lost nor
// read as part of it, in any packets.
func TestBehindTheAnswer(t *testing.T) {
	for name, parts := range map[string][]string{
		"in one":           {"HTTP/1.1 200 Connection established\r\nX: y\r\n\r\nhello"},
		"apart":            {"HTTP/1.1 200 OK\r\n\r\n", "hello"},
		"within":           {"HT", "TP/1.0 200 ", "OK\r", "\n\r", "\nhe", "llo"},
		"line feeds only":  {"HTTP/1.0 200 OK\n\nhello"},
		"after a 100":      {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\nhello"},
		"with a length":    {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhello"},
		"chunked, it says": {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nhello"},
		"201":              {"HTTP/1.1 201 Created\r\n\r\nhello"},
		"coded, it says":   {"HTTP/1.0 200 OK\r\nTransfer-Encoding: identity\r\n\r\nhello"},
		"two lengths":      {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: x\r\n\r\nhello"},
		"no field":         {"HTTP/1.1 200 OK\r\nProxy agent: x\r\nno field\r\n\r\nhello"},
		"no reason":        {"HTTP/1.1 200\r\n\r\nhello"},
		"a long field":     {"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", maxAnswer/2) + "\r\n\r\nhello"},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := dialThrough(t, "http", listen(t, says(parts...)))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			got := make([]byte, 5)
			if _, err := io.ReadFull(conn, got); err != nil || string(got) != "hello" {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

// TestWhatAProxyAnswers: each answer has its own text, which names the proxy and the setting,
// but no user or password.
func TestWhatAProxyAnswers(t *testing.T) {
	for answer, want := range map[string]string{
		"HTTP/1.1 407 P\r\nProxy-Authenticate: Basic realm=\"a\"\r\n\r\n":                     "does not accept the user and the password (status 407): correct them in AUTH_X_PROXY",
		"HTTP/1.1 407 P\r\nProxy-Authenticate: Negotiate\r\nProxy-Authenticate: NTLM\r\n\r\n": "takes Negotiate, NTLM only (status 407)",
		"HTTP/1.1 403 F\r\n\r\n":                             "does not allow connections to directory.example:636 (status 403)",
		"HTTP/1.1 502 B\r\n\r\n":                             "cannot connect to directory.example:636 (status 502)",
		"HTTP/1.1 503 S\r\n\r\n":                             "has no connection to directory.example:636 now (status 503)",
		"HTTP/1.1 504 G\r\n\r\n":                             "had no answer from directory.example:636 in time (status 504)",
		"HTTP/1.1 302 F\r\nLocation: http://portal/\r\n\r\n": "answers with a redirect (status 302)",
		"HTTP/1.1 405 M\r\n\r\n":                             "does not support CONNECT (status 405)",
		"HTTP/1.1 101 S\r\n\r\n":                             "refuses to connect to directory.example:636 (status 101)",
		"HTTP/1.1 418 T\r\n\r\n":                             "refuses to connect to directory.example:636 (status 418)",
		"SSH-2.0-OpenSSH_9.2\r\n":                            "does not answer in HTTP: is it a proxy for HTTP?",
		"\x15\x03\x01\x00\x02\x02\x0a":                       "it speaks TLS, write https:// in place of http://",
		"\x05\xff":                                           "it speaks SOCKS, write socks5h:// in place of http://",
		"HTTP/1.1 what\r\n\r\n":                              "sends an answer that is not HTTP",
		"\x00\x00\x12\x04\x00\x00\x00\x00\x00":               "it speaks HTTP/2 only",
		"\x00\x5b\x00\x00\x00\x00\x00\x00":                   "it speaks SOCKS, write",
		"HTTP/1.1 4O7 user:hunter2%21\r\n\r\n":               "sends an answer that is not HTTP: its first line has no status",
		"HTTP/1.1 2000 OK\r\n\r\n":                           "sends an answer that is not HTTP",
		"HTTP/1.1 407 P\r\nProxy-Authenticate: NTLM, Basic realm=\"a, Digest b\"\r\n\r\n":    "does not accept the user and the password (status 407): correct",
		"HTTP/1.1 407 P\r\nProxy-Authenticate: Digest realm=\"a\", nonce=b, qop = c\r\n\r\n": "takes Digest only (status 407)",
		"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", maxAnswer):                            "answers with a header of more than 16384 bytes",
		strings.Repeat("HTTP/1.1 100 C\r\n\r\n", 7):                                          "more than 5 informational answers",
	} {
		t.Run(want, func(t *testing.T) {
			proxy := listen(t, says(answer))
			_, err := dialThrough(t, "http", proxy)
			wantProxyError(t, err, proxy, want)
		})
	}
}

// TestPlainProxyThatWaits: a proxy of http:// may wait for a line that a TLS handshake
// never brings.
func TestPlainProxyThatWaits(t *testing.T) {
	proxy := listen(t, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
	d := dialerWith(t, Settings{Proxy: options.Secret("https://user:" + password + "@" + proxy), Names: map[string]string{KeyProxy: "AUTH_X_PROXY"}})
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err := d.Dial(ctx, "tcp", "directory.example:636")
	wantProxyError(t, err, proxy, "accepted the connection and did not answer in TLS in time: if it speaks plain HTTP, write http:// in place of https://")
}

func wantProxyError(t *testing.T, err error, proxy, want string) {
	t.Helper()
	if err == nil || !strings.HasPrefix(err.Error(), "proxy "+proxy+" (AUTH_X_PROXY) ") || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
	if err != nil && (strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "user:hunter")) {
		t.Errorf("a password: %v", err)
	}
}
