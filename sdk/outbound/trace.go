package outbound

import (
	"context"
	"crypto/tls"
	"net"
	"net/http/httptrace"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Trace records the connections that are made under a context, so that a check can show
// their steps. It is safe for concurrent use.
type Trace struct {
	mu   sync.Mutex
	made []*Connection
}

// maxTraced bounds the connections that a Trace records.
const maxTraced = 64

// Connection is a connection that was made or attempted. Zero fields are steps that did
// not happen: an abandoned connection ends at the step that hung.
type Connection struct {
	Network string // as for net.Dial
	Target  string // host:port
	Choice  Choice

	// Lookups are the resolved names: of the target, of the proxy, or both in turn.
	Lookups []Lookup

	Connected   string        // the address that accepted the connection, of the proxy or of the target
	ConnectedIn time.Duration // counted from the attempt to connect to that address

	// ProxyTLS is the handshake with an https proxy.
	ProxyTLS *Handshake

	// Answered is the response of a proxy that opened the tunnel: "status 200". Err says
	// why it did not.
	Answered string

	Began time.Time
	Took  time.Duration // until the connection or the tunnel was open, or failed
	Err   error         // why it failed

	// TLS is the handshake with the target.
	TLS *Handshake

	// HTTP is the request that was made on the connection, if any.
	HTTP *Exchange

	ends string // both addresses of the connection
}

// Stands reports whether the connection was made, including the tunnel.
func (c Connection) Stands() bool { return c.Took > 0 && c.Err == nil }

// Lookup is a name that was resolved.
type Lookup struct {
	Host      string
	Addresses []netip.Addr
	Began     time.Time
	Took      time.Duration // zero: there is no answer yet
	Err       error
}

// Handshake is a TLS handshake. If the certificate was not accepted, its chain is in the
// error, as [tls.CertificateVerificationError].
type Handshake struct {
	Began time.Time
	Took  time.Duration        // zero: it has not ended
	State *tls.ConnectionState // nil: it has not ended, or failed
	Err   error                // says what to change

	// Authority is the source of the authority in which the chain ends: the name of a
	// setting, or [SystemAuthorities]. Empty: the certificate was not checked.
	Authority string
}

// Exchange is an HTTP request and the header of its response.
type Exchange struct {
	Began    time.Time
	Took     time.Duration // zero: there is no response yet
	Protocol string        // "HTTP/2.0"
	Status   int
	Date     time.Time // the server's time after Took; zero: it does not say
	Err      error     // says what to change
}

// WithTrace returns a context whose connections the trace records. Requests under it do
// not reuse earlier connections.
func WithTrace(ctx context.Context, t *Trace) context.Context {
	return context.WithValue(ctx, traceKey{}, t)
}

type traceKey struct{}

// TraceOf returns the trace of a context, or nil.
func TraceOf(ctx context.Context) *Trace {
	t, _ := ctx.Value(traceKey{}).(*Trace)
	return t
}

// Connections returns the connections recorded so far, in the order in which they began.
func (t *Trace) Connections() []Connection {
	t.mu.Lock()
	defer t.mu.Unlock()
	var list []Connection
	for _, c := range t.made {
		one := *c
		one.Lookups = slices.Clone(c.Lookups)
		list = append(list, one)
	}
	return list
}

// RequestOn records a request on a connection. Call the returned function when the
// request has ended.
func (t *Trace) RequestOn(conn net.Conn) (ended func(Exchange)) {
	r, began := t.recordFor(conn), time.Now()
	r.note(func(c *Connection) { c.HTTP = &Exchange{Began: began} })
	return func(e Exchange) {
		e.Began, e.Took = began, took(began)
		r.note(func(c *Connection) { c.HTTP = &e })
	}
}

// recordFor returns the record of a connection, even if the connection is wrapped; nil if
// there is none.
func (t *Trace) recordFor(conn net.Conn) *record {
	if conn == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range slices.Backward(t.made) {
		if c.ends == endsOf(conn) {
			return &record{t, c}
		}
	}
	return nil
}

func endsOf(conn net.Conn) string {
	return conn.LocalAddr().String() + " " + conn.RemoteAddr().String()
}

// took returns the time since began, and never zero, which means that a step has not ended.
func took(began time.Time) time.Duration { return max(time.Since(began), 1) }

// record is the entry of one connection in a trace; nil records nothing.
type record struct {
	trace *Trace
	of    *Connection
}

type recordKey struct{}

// recordOf returns the record of the connection that is being made under a context.
func recordOf(ctx context.Context) *record {
	r, _ := ctx.Value(recordKey{}).(*record)
	return r
}

func (r *record) note(change func(*Connection)) {
	if r == nil {
		return
	}
	r.trace.mu.Lock()
	defer r.trace.mu.Unlock()
	change(r.of)
}

func (t *Trace) begin(network, target string, choice Choice) *record {
	r := &record{t, &Connection{Network: network, Target: target, Choice: choice, Began: time.Now()}}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.made) < maxTraced {
		t.made = append(t.made, r.of)
	}
	return r
}

// observed dials, and records the connection if the context has a trace.
func observed(ctx context.Context, network, address string, choice Choice, dial func(ctx context.Context) (net.Conn, error)) (net.Conn, error) {
	t := TraceOf(ctx)
	if t == nil {
		return dial(ctx)
	}
	r := t.begin(network, address, choice)
	ctx = context.WithValue(ctx, recordKey{}, r)
	conn, err := dial(httptrace.WithClientTrace(ctx, r.hooks()))
	r.note(func(c *Connection) {
		c.Took, c.Err = took(c.Began), err
		if err == nil {
			c.ends = endsOf(conn)
		}
	})
	return conn, err
}

// hooks returns the hooks for package net.
func (r *record) hooks() *httptrace.ClientTrace {
	tried := map[string]time.Time{} // addresses; several are tried at once
	return &httptrace.ClientTrace{
		DNSStart: func(info httptrace.DNSStartInfo) {
			r.note(func(c *Connection) { c.Lookups = append(c.Lookups, Lookup{Host: info.Host, Began: time.Now()}) })
		},
		DNSDone: func(info httptrace.DNSDoneInfo) {
			r.note(func(c *Connection) {
				if len(c.Lookups) > 0 {
					c.Lookups[len(c.Lookups)-1].end(info)
				}
			})
		},
		ConnectStart: func(_, address string) {
			r.note(func(*Connection) { tried[address] = time.Now() })
		},
		ConnectDone: func(_, address string, err error) {
			if err == nil {
				r.note(func(c *Connection) { c.Connected, c.ConnectedIn = address, took(tried[address]) })
			}
		},
	}
}

func (l *Lookup) end(info httptrace.DNSDoneInfo) {
	l.Took, l.Err = took(l.Began), info.Err
	for _, a := range info.Addrs {
		if found, ok := netip.AddrFromSlice(a.IP); ok {
			l.Addresses = append(l.Addresses, found.Unmap().WithZone(a.Zone))
		}
	}
}
