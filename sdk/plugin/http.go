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
	// ErrPlainHTTP: a request that does not go to loopback must use https.
	ErrPlainHTTP = errors.New("plain http is allowed only to loopback, use https")

	// ErrTooLarge: the body of a response is larger than HTTPSettings.MaxBody.
	ErrTooLarge = errors.New("response is too large")
)

// HTTPClient makes a client like those of Env.HTTPClient.
//
// It uses https with TLS 1.2 or newer, and http only to loopback addresses. It checks
// the address again after name resolution, when the connection is made. It returns a
// redirect and does not follow it, because a 307 or 308 of a token endpoint would post
// the client secret to wherever it points. Time and size of a response are limited; the
// size counts after decompression. Cookies are not kept. This client does not use a proxy,
// and connects to the addresses that the zero outbound.Settings allow. A client of
// Env.HTTPClient follows the settings of the operator.
//
// The error says which setting is invalid, for the operator. If a request fails because
// of trust, its error does the same. Apart from the errors of net/http, the error tree of
// a request can contain [ErrPlainHTTP], [ErrTooLarge], outbound.ErrAddressDenied and
// *outbound.ProxyError.
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

// maxConns bounds the connections to one provider.
const maxConns = 64

func newTransport(dial func(ctx context.Context, network, address string) (net.Conn, error), tlsConfig *tls.Config) *http.Transport {
	return &http.Transport{
		DialContext:            dial,
		TLSClientConfig:        tlsConfig,
		TLSHandshakeTimeout:    outbound.ConnectTimeout,
		ForceAttemptHTTP2:      tlsConfig != nil,
		MaxIdleConnsPerHost:    maxConns, // with fewer, one in seven of many concurrent logins made a new connection
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
			return nil, fmt.Errorf("reading the header: %q is not the name of a header field", name)
		}
		for _, value := range values {
			if !httpguts.ValidHeaderFieldValue(value) {
				return nil, fmt.Errorf("reading the header: the value of %s contains a control character", name)
			}
			out.Add(name, value)
		}
	}
	return out, nil
}

// loopbackOnly refuses a connection to any other address, even if the name of a
// loopback host resolved to it.
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
		if !contract.IsLoopback(req.URL.Hostname()) { // decided without resolving the name
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

// throughProxy adds the name of the proxy to an error that does not have it: net/http
// returns the error of a context without waiting for that of the dialer.
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

// addressOf returns the host and port that an https request connects to.
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

// boundedBody ends with ErrTooLarge like http.MaxBytesReader of a server: a body of
// exactly the limit can be read to its end.
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
