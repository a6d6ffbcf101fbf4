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
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/contract"
	"github.com/doorward/doorward/sdk/outbound"
)

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
// and size of a response are bounded, the latter after decompression. No cookie is
// kept. This one uses no proxy, and connects to what the zero outbound.Settings allow;
// that of Env does as the operator has set.
//
// The error says which of the settings is no good, for the operator; so does that of
// a request which fails of trust. Requests
// fail with [ErrPlainHTTP], [ErrTooLarge], outbound.ErrAddressDenied and
// *outbound.ProxyError in the tree of the error, besides what net/http returns.
func HTTPClient(s sdk.HTTPSettings) (*http.Client, error) {
	dialer, err := dialerOf(outbound.Settings{})
	if err != nil {
		return nil, err
	}
	return newHTTPClient(dialer, s)
}

func newHTTPClient(dialer *outbound.Dialer, s sdk.HTTPSettings) (*http.Client, error) {
	secured, err := dialer.TLS(sdk.TLSSettings{CA: s.CA, Certificate: s.Certificate, Key: s.Key, Names: s.Names})
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
			https: newTransport(dialer.DialRequest, secured.Config),
			loopback: newTransport(func(ctx context.Context, network, address string) (net.Conn, error) {
				return dialer.DialDirect(ctx, network, address, loopbackOnly)
			}, nil),
			dialer:   dialer,
			secured:  secured,
			settings: s,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

// maxConns are the connections to one provider.
const maxConns = 64

func newTransport(dial func(ctx context.Context, network, address string) (net.Conn, error), tlsConfig *tls.Config) *http.Transport {
	return &http.Transport{
		DialContext:            dial,
		TLSClientConfig:        tlsConfig,
		TLSHandshakeTimeout:    outbound.ConnectTimeout,
		ForceAttemptHTTP2:      tlsConfig != nil,
		MaxIdleConnsPerHost:    maxConns, // with fewer, many logins at once made one in seven connect anew
		MaxConnsPerHost:        maxConns,
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
func loopbackOnly(address netip.AddrPort) error {
	if !address.Addr().Unmap().IsLoopback() {
		return fmt.Errorf("connecting to %s: %w", address, ErrPlainHTTP)
	}
	return nil
}

type boundedTransport struct {
	https, loopback *http.Transport
	dialer          *outbound.Dialer
	secured         *sdk.TLSClient
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
	resp, err := t.traced(transport, req)
	if err != nil {
		return nil, t.throughProxy(req, t.secured.Explain(err))
	}
	if resp.ContentLength > t.settings.MaxBody && req.Method != http.MethodHead {
		resp.Body.Close()
		return nil, fmt.Errorf("%w: %d bytes, at most %d are read", ErrTooLarge, resp.ContentLength, t.settings.MaxBody)
	}
	resp.Body = &boundedBody{ReadCloser: resp.Body, left: t.settings.MaxBody}
	return resp, nil
}

// throughProxy names the proxy in an error that does not: net/http returns the error of
// a context without waiting for that of the dialer.
func (t *boundedTransport) throughProxy(req *http.Request, err error) error {
	if req.URL.Scheme != "https" || errors.Is(err, outbound.ErrAddressDenied) {
		return err
	}
	if _, ok := errors.AsType[*outbound.ProxyError](err); ok {
		return err
	}
	if proxy := t.dialer.ForRequest(addressOf(req)).Proxy; proxy != nil {
		return fmt.Errorf("through the proxy %s (%s): %w", proxy.Address(), proxy.Setting(), err)
	}
	return err
}

// addressOf is the host and port that an https request is dialled at.
func addressOf(req *http.Request) string {
	port := req.URL.Port()
	if port == "" {
		port = "443"
	}
	return net.JoinHostPort(req.URL.Hostname(), port)
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
