package plugin

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/contract"
	"github.com/doorward/doorward/sdk/outbound"
)

const dialTimeout = 5 * time.Second

var (
	// ErrPlainHTTP: a request to anything but loopback must use https.
	ErrPlainHTTP = errors.New("plain http is allowed to loopback only, use https")

	// ErrTooLarge: the body of a response is larger than HTTPSettings.MaxBody.
	ErrTooLarge = errors.New("response is too large")
)

// HTTPClient makes the client that Env.HTTPClient hands to mechanisms.
//
// It speaks https with TLS 1.2 or newer, and http to loopback addresses only;
// the address is checked again after name resolution, when the connection is
// made. A redirect is returned as it is and not followed, because a 307 or 308
// of a token endpoint would post the client secret to wherever it points. Time
// and size of a response are bounded, the latter after decompression. No proxy
// is used and no cookie kept.
//
// The error says which of the settings is no good, for the operator; so does that of
// a request which fails of trust. Requests
// fail with [ErrPlainHTTP] and [ErrTooLarge] in the tree of the error, besides
// what net/http returns.
func HTTPClient(s sdk.HTTPSettings) (*http.Client, error) { return clientFor(s, outbound.Settings{}) }

// clientFor is HTTPClient for a provider whose connections leave by out.
func clientFor(s sdk.HTTPSettings, out outbound.Settings) (*http.Client, error) {
	secured, err := out.TLS(sdk.TLSSettings{CA: s.CA, Certificate: s.Certificate, Key: s.Key, Names: s.Names})
	if err != nil {
		return nil, err
	}
	if s.Header, err = headerOf(s.Header); err != nil {
		return nil, err
	}
	if s.Timeout <= 0 {
		s.Timeout = sdk.DefaultTimeout
	}
	if s.MaxBody <= 0 {
		s.MaxBody = sdk.DefaultMaxBody
	}
	return &http.Client{
		Timeout: s.Timeout,
		Transport: &boundedTransport{
			https:    newTransport(&net.Dialer{Timeout: dialTimeout}, secured.Config),
			loopback: newTransport(&net.Dialer{Timeout: dialTimeout, ControlContext: loopbackOnly}, nil),
			explain:  secured.Explain,
			settings: s,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

func newTransport(dialer *net.Dialer, tlsConfig *tls.Config) *http.Transport {
	return &http.Transport{
		DialContext:            dialer.DialContext,
		TLSClientConfig:        tlsConfig,
		TLSHandshakeTimeout:    dialTimeout,
		ForceAttemptHTTP2:      tlsConfig != nil,
		MaxIdleConnsPerHost:    16,
		MaxConnsPerHost:        64,
		IdleConnTimeout:        60 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// headerOf copies the header, with the names in their usual form.
func headerOf(header http.Header) (http.Header, error) {
	out := http.Header{}
	for name, values := range header {
		if !httpguts.ValidHeaderFieldName(name) {
			return nil, fmt.Errorf("reading the header: %q is no name of a field", name)
		}
		for _, value := range values {
			if !httpguts.ValidHeaderFieldValue(value) {
				return nil, fmt.Errorf("reading the header: the value of %s has a control character in it", name)
			}
			out.Add(name, value)
		}
	}
	return out, nil
}

// loopbackOnly refuses a connection to any other address, whatever the name
// resolved to.
func loopbackOnly(_ context.Context, _, address string, _ syscall.RawConn) error {
	addr, err := netip.ParseAddrPort(address)
	if err != nil || !addr.Addr().IsLoopback() {
		return fmt.Errorf("connecting to %s: %w", address, ErrPlainHTTP)
	}
	return nil
}

type boundedTransport struct {
	https, loopback *http.Transport
	explain         func(error) error // what to change
	settings        sdk.HTTPSettings
}

func (t *boundedTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	transport := t.https
	switch req.URL.Scheme {
	case "https":
	case "http":
		if !contract.IsLoopback(req.URL.Hostname()) { // without asking the network what the name stands for
			return nil, fmt.Errorf("requesting %s: %w", req.URL.Host, ErrPlainHTTP)
		}
		transport = t.loopback
	default:
		return nil, fmt.Errorf("requesting a URL of scheme %q: %w", req.URL.Scheme, ErrPlainHTTP)
	}
	if len(t.settings.Header) > 0 {
		req = withHeader(req, t.settings.Header)
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return nil, t.explain(err)
	}
	if resp.ContentLength > t.settings.MaxBody && req.Method != http.MethodHead {
		resp.Body.Close()
		return nil, fmt.Errorf("%w: %d bytes, at most %d are read", ErrTooLarge, resp.ContentLength, t.settings.MaxBody)
	}
	resp.Body = &boundedBody{ReadCloser: resp.Body, left: t.settings.MaxBody}
	return resp, nil
}

// CloseIdleConnections lets http.Client.CloseIdleConnections work.
func (t *boundedTransport) CloseIdleConnections() {
	t.https.CloseIdleConnections()
	t.loopback.CloseIdleConnections()
}

// withHeader adds what the operator configured, without altering the caller's
// request and without replacing what a protocol set.
func withHeader(req *http.Request, header http.Header) *http.Request {
	req = req.Clone(req.Context())
	for name, values := range header {
		if _, set := req.Header[name]; !set {
			req.Header[name] = values
		}
	}
	return req
}

// boundedBody ends with ErrTooLarge where http.MaxBytesReader of a server would:
// a body of exactly the limit is read to its end.
type boundedBody struct {
	io.ReadCloser
	left int64
}

func (b *boundedBody) Read(p []byte) (int, error) {
	if int64(len(p)) > b.left {
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	if int64(n) > b.left {
		n, b.left = int(b.left), 0
		b.ReadCloser = tooLarge{b.ReadCloser}
		return n, ErrTooLarge
	}
	b.left -= int64(n)
	return n, err
}

// tooLarge is a body that was read beyond its limit.
type tooLarge struct{ io.Closer }

func (tooLarge) Read([]byte) (int, error) { return 0, ErrTooLarge }
