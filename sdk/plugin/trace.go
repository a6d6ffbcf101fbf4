package plugin

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"

	"github.com/doorward/doorward/sdk/outbound"
	"github.com/doorward/doorward/sdk/upstream"
)

// traced sends the request. If it is to be traced, it uses a new connection.
func (t *boundedTransport) traced(transport *http.Transport, req *http.Request) (*http.Response, error) {
	trace := outbound.TraceOf(req.Context())
	if trace == nil {
		return transport.RoundTrip(req)
	}
	transport = transport.Clone()
	transport.DisableKeepAlives = true
	one := &tracedRequest{transport: t, trace: trace, dial: transport.DialContext, asked: req}
	transport.DialContext = one.connect
	resp, err := transport.RoundTrip(req.WithContext(httptrace.WithClientTrace(req.Context(), one.hooks())))
	one.end(resp, err)
	return resp, err
}

// tracedRequest is a request with the connection that was made for it.
type tracedRequest struct {
	transport *boundedTransport
	trace     *outbound.Trace
	dial      func(ctx context.Context, network, address string) (net.Conn, error)
	asked     *http.Request

	conn    atomic.Pointer[net.Conn]
	secured atomic.Pointer[func(tls.ConnectionState, error)]
	request atomic.Pointer[func(outbound.Exchange)]
}

func (r *tracedRequest) connect(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := r.dial(ctx, network, address)
	if err == nil {
		r.conn.Store(&conn)
	}
	return conn, err
}

// hooks returns the hooks for net/http, which may call them even after the request has
// ended.
func (r *tracedRequest) hooks() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		TLSHandshakeStart: func() {
			if conn := r.conn.Load(); conn != nil {
				ended := r.transport.secured.Observe(r.asked.Context(), *conn)
				r.secured.Store(&ended)
			}
		},
		TLSHandshakeDone: func(state tls.ConnectionState, err error) {
			if ended := r.secured.Load(); ended != nil {
				(*ended)(state, err)
			}
		},
		GotConn: func(httptrace.GotConnInfo) {
			if conn := r.conn.Load(); conn != nil {
				ended := r.trace.RequestOn(*conn)
				r.request.Store(&ended)
			}
		},
	}
}

// end records the response, if there was a connection for the request.
func (r *tracedRequest) end(resp *http.Response, err error) {
	ended := r.request.Load()
	switch {
	case ended == nil:
	case err != nil:
		(*ended)(outbound.Exchange{Err: r.transport.secured.Explain(err)})
	default:
		answer := upstream.Answer{Status: resp.StatusCode, Header: resp.Header}
		(*ended)(outbound.Exchange{Protocol: resp.Proto, Status: resp.StatusCode, Date: answer.Date()})
	}
}
