package plugin

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/outbound"
	doorwardv1 "github.com/doorward/doorward/sdk/proto/doorward/v1"
)

func httpClient(t *testing.T, s sdk.HTTPSettings) *http.Client {
	t.Helper()
	client, err := HTTPClient(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	return client
}

func serveHTTP(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}

// do returns status and body of a request.
func do(t *testing.T, client *http.Client, method, url string) (int, []byte, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, body, err
}

func TestHTTPSOnly(t *testing.T) {
	for _, url := range []string{
		"http://192.0.2.1/", "http://[2001:db8::1]/", "http://0.0.0.0:1/", "http://169.254.169.254/latest/meta-data/", "http://[::ffff:192.0.2.1]/",
		"http://idp.example/", "ftp://127.0.0.1/", "file:///etc/passwd",
	} {
		if _, _, err := do(t, httpClient(t, sdk.HTTPSettings{}), "GET", url); !errors.Is(err, ErrPlainHTTP) {
			t.Errorf("%s: got %v", url, err)
		}
	}
	server := serveHTTP(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") })
	if _, body, err := do(t, httpClient(t, sdk.HTTPSettings{}), "GET", server.URL); err != nil || string(body) != "hello" {
		t.Errorf("http to loopback: got %q, %v", body, err)
	}
}

// TestLoopbackOnly checks the rule for the addresses of a name.
func TestLoopbackOnly(t *testing.T) {
	for address, allowed := range map[string]bool{
		"127.0.0.1:80": true, "127.255.255.254:80": true, "[::1]:80": true, "[::ffff:127.0.0.1]:80": true,
		"192.0.2.1:80": false, "0.0.0.0:80": false, "[::]:80": false, "128.0.0.1:80": false, "10.0.0.1:80": false,
		"[::ffff:192.0.2.1]:80": false, "[fe80::1%lo]:80": false, "[::2]:80": false,
	} {
		err := loopbackOnly(netip.MustParseAddrPort(address))
		if (err == nil) != allowed || !allowed && !errors.Is(err, ErrPlainHTTP) {
			t.Errorf("%s: got %v", address, err)
		}
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	for _, code := range []int{301, 302, 303, 307, 308} {
		t.Run(fmt.Sprint("E09 ", code), func(t *testing.T) {
			followed := false
			elsewhere := serveHTTP(t, func(http.ResponseWriter, *http.Request) { followed = true })
			server := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, code) })
			client := httpClient(t, sdk.HTTPSettings{})
			req, err := http.NewRequestWithContext(t.Context(), "POST", server.URL, strings.NewReader("client_secret=hunter2"))
			if err != nil {
				t.Fatal(err)
			}
			resp, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != code || followed {
				t.Errorf("got status %d, followed %v", resp.StatusCode, followed)
			}
		})
	}
}

func TestBodyLimit(t *testing.T) {
	const limit = 1000
	zeros := make([]byte, 10<<20)
	var bomb bytes.Buffer
	zip := gzip.NewWriter(&bomb)
	if _, err := zip.Write(zeros); err != nil {
		t.Fatal(err)
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	whole := func(body []byte) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", fmt.Sprint(len(body)))
			_, _ = w.Write(body)
		}
	}
	chunked := func(size int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.(http.Flusher).Flush()
			_, _ = w.Write(zeros[:size])
		}
	}
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		method  string
		want    int // bytes; -1: too large
	}{
		"nothing":                    {whole(nil), "GET", 0},
		"the limit":                  {whole(zeros[:limit]), "GET", limit},
		"the limit in chunks":        {chunked(limit), "GET", limit},
		"beyond":                     {whole(zeros[:limit+1]), "GET", -1},
		"beyond in chunks":           {chunked(limit + 1), "GET", -1},
		"E08 2 MiB":                  {whole(zeros[:2<<20]), "GET", -1},
		"E08 2 MiB in chunks":        {chunked(2 << 20), "GET", -1},
		"a HEAD request has no body": {whole(zeros[:limit+1]), "HEAD", 0},
		"E08 gzip bomb": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			whole(bomb.Bytes()[:])(w, r)
		}, "GET", -1},
		"E08 never ends": {func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				_, _ = w.Write(zeros[:4096])
			}
		}, "GET", -1},
	} {
		t.Run(name, func(t *testing.T) {
			server := serveHTTP(t, test.handler)
			_, body, err := do(t, httpClient(t, sdk.HTTPSettings{MaxBody: limit}), test.method, server.URL)
			if len(body) > limit {
				t.Errorf("%d bytes were read", len(body))
			}
			if test.want < 0 && !errors.Is(err, ErrTooLarge) || test.want >= 0 && (err != nil || len(body) != test.want) {
				t.Errorf("got %d bytes, %v", len(body), err)
			}
		})
	}
}

func TestBoundedBody(t *testing.T) {
	body := &boundedBody{ReadCloser: io.NopCloser(strings.NewReader("abcdef")), left: 4}
	got, err := io.ReadAll(body)
	if string(got) != "abcd" || !errors.Is(err, ErrTooLarge) {
		t.Errorf("got %q, %v", got, err)
	}
	if n, err := body.Read(make([]byte, 10)); n != 0 || !errors.Is(err, ErrTooLarge) {
		t.Errorf("again: got %d, %v", n, err)
	}
	unlimited := &boundedBody{ReadCloser: io.NopCloser(strings.NewReader("abc")), left: math.MaxInt64}
	if got, err := io.ReadAll(unlimited); string(got) != "abc" || err != nil {
		t.Errorf("with the largest limit: got %q, %v", got, err)
	}
}

func TestHTTPTimeout(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"E08 no answer": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"E08 no end of the body": func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, "a")
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := serveHTTP(t, handler)
			_, _, err := do(t, httpClient(t, sdk.HTTPSettings{Timeout: 50 * time.Millisecond}), "GET", server.URL)
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestHTTPDefaults(t *testing.T) {
	for _, s := range []sdk.HTTPSettings{{}, {Timeout: -1, MaxBody: -1}} {
		client := httpClient(t, s)
		settings := client.Transport.(*boundedTransport).settings
		if client.Timeout != sdk.DefaultTimeout || settings.MaxBody != sdk.DefaultMaxBody {
			t.Errorf("%+v: got a limit of %v and %d bytes", s, client.Timeout, settings.MaxBody)
		}
	}
}

func pemOf(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// clientPair makes a self-signed client certificate.
func clientPair(t *testing.T) (certificate, key []byte) {
	t.Helper()
	private, err1 := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err2 := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	keyDER, err3 := x509.MarshalPKCS8PrivateKey(private)
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	return pemOf("CERTIFICATE", der), pemOf("PRIVATE KEY", keyDER)
}

func TestTLS(t *testing.T) {
	certificate, key := clientPair(t)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(certificate)
	serve := func(config *tls.Config) (url string, ca []byte) {
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, len(r.TLS.PeerCertificates), " ", r.Proto)
		}))
		server.TLS = config
		server.EnableHTTP2 = config.MaxVersion == 0
		server.Config.ErrorLog = log.New(io.Discard, "", 0)
		server.StartTLS()
		t.Cleanup(server.Close)
		return server.URL, pemOf("CERTIFICATE", server.Certificate().Raw)
	}
	plainURL, plainCA := serve(&tls.Config{})
	mutualURL, mutualCA := serve(&tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool})
	oldURL, oldCA := serve(&tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}) // #nosec G402 -- it must be refused
	for name, test := range map[string]struct {
		url      string
		settings sdk.HTTPSettings
		want     string // empty: refused
	}{
		"private CA":                 {plainURL, sdk.HTTPSettings{CA: plainCA}, "0 HTTP/2.0"},
		"unknown CA":                 {plainURL, sdk.HTTPSettings{}, ""},
		"another CA":                 {plainURL, sdk.HTTPSettings{CA: certificate}, ""},
		"client certificate":         {mutualURL, sdk.HTTPSettings{CA: mutualCA, Certificate: certificate, Key: key}, "1 HTTP/2.0"},
		"without client certificate": {mutualURL, sdk.HTTPSettings{CA: mutualCA}, ""},
		"TLS 1.1":                    {oldURL, sdk.HTTPSettings{CA: oldCA}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, body, err := do(t, httpClient(t, test.settings), "GET", test.url)
			if string(body) != test.want || (err == nil) != (test.want != "") {
				t.Errorf("got %q, %v", body, err)
			}
		})
	}
}

func TestHTTPSettingsThatAreNoGood(t *testing.T) {
	certificate, key := clientPair(t)
	_, otherKey := clientPair(t)
	for name, s := range map[string]sdk.HTTPSettings{
		"CA":                   {CA: []byte("hunter2")},
		"certificate alone":    {Certificate: certificate},
		"key alone":            {Key: key},
		"key of another":       {Certificate: certificate, Key: otherKey},
		"name of a header":     {Header: http.Header{"a b": {"hunter2"}}},
		"value of a header":    {Header: http.Header{"a": {"hunter2\r\nHost: evil"}}},
		"no name of a header":  {Header: http.Header{"": {"hunter2"}}},
		"key that is no PEM":   {Certificate: certificate, Key: []byte("hunter2")},
		"cert that is no PEM":  {Certificate: []byte("hunter2"), Key: key},
		"key with broken body": {Certificate: certificate, Key: pemOf("PRIVATE KEY", []byte("hunter2"))},
	} {
		if _, err := HTTPClient(s); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestHTTPHeader(t *testing.T) {
	var got http.Header
	var host string
	server := serveHTTP(t, func(_ http.ResponseWriter, r *http.Request) { got, host = r.Header, r.Host })
	header := http.Header{
		"x-tenant": {"a", "b"}, "Authorization": {"Bearer operator"}, "content-type": {"text/evil"}, "Accept": {"text/evil"}, "Host": {"evil.example"},
	}
	client := httpClient(t, sdk.HTTPSettings{Header: header})
	header.Set("X-Tenant", "changed later")
	req, err := http.NewRequestWithContext(t.Context(), "GET", server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("client", "secret")
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header["Accept"] = []string{""}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	want := http.Header{
		"X-Tenant": {"a", "b"}, "Authorization": {"Basic Y2xpZW50OnNlY3JldA=="}, "Content-Type": {"application/x-www-form-urlencoded"},
		"Accept": {""}, "Accept-Encoding": {"gzip"}, "User-Agent": {"Go-http-client/1.1"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if host != strings.TrimPrefix(server.URL, "http://") {
		t.Errorf("host: got %s", host)
	}
	if len(req.Header) != 3 {
		t.Errorf("the request of the caller was changed: %v", req.Header)
	}
}

func TestNoProxyAndNoCookies(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://192.0.2.1:1")
	t.Setenv("HTTPS_PROXY", "http://192.0.2.1:1")
	cookies := 0
	server := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		cookies += len(r.Cookies())
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "b"})
	})
	client := httpClient(t, sdk.HTTPSettings{})
	for range 2 {
		if _, _, err := do(t, client, "GET", server.URL); err != nil {
			t.Fatal(err)
		}
	}
	if cookies != 0 {
		t.Error("a cookie was kept")
	}
	for _, transport := range []*http.Transport{client.Transport.(*boundedTransport).https, client.Transport.(*boundedTransport).loopback} {
		if transport.Proxy != nil {
			t.Error("a proxy of the environment would be used")
		}
	}
}

func TestDial(t *testing.T) {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	dialer, err := dialerOf(outbound.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	dial := environment{}.envFor(&doorwardv1.OpenRequest{}, dialer).Dial
	conn, err := dial(t.Context(), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := dial(ctx, "tcp", listener.Addr().String()); !errors.Is(err, context.Canceled) {
		t.Errorf("given up: %v", err)
	}
}

// Concurrent requests keep their connections: a TLS handshake costs more than a login.
func TestHTTPClientKeepsConnections(t *testing.T) {
	const atOnce = 32
	var made atomic.Int64
	var together sync.WaitGroup
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		together.Done()
		together.Wait() // so that each has its own connection
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			made.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	client := httpClient(t, sdk.HTTPSettings{Timeout: time.Minute})
	for range 3 {
		together.Add(atOnce)
		var group sync.WaitGroup
		for range atOnce {
			group.Go(func() {
				if _, _, err := do(t, client, http.MethodGet, server.URL); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
	}
	if n := made.Load(); n > atOnce*3/2 {
		t.Errorf("%d connections for %d requests at once", n, atOnce)
	}
}
