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

// Trace records the connections that are made under a context, for somebody who wants
// to know the way that they took. It may be used by many at once.
type Trace struct {
	mu   sync.Mutex
	made []*Connection
}

// maxTraced bounds the connections that a Trace records.
const maxTraced = 64

// Connection is one that was made, or was to be. What is zero has not happened: a
// connection that nobody waited for any longer ends where it hung.
type Connection struct {
	Network string // as of net.Dial
	Target  string // host:port
	Choice  Choice

	// Lookups are the names that were resolved: that of the target, or of the proxy,
	// or first one and then the other.
	Lookups []Lookup

	Connected   string        // the address that took the connection, of the proxy or of the target
	ConnectedIn time.Duration // from when that address was tried

	// ProxyTLS is the handshake with a proxy of https.
	ProxyTLS *Handshake

	// Answered is what a proxy said that gave the tunnel: "status 200". Why it gave
	// none is in Err.
	Answered string

	Began time.Time
	Took  time.Duration // until the connection or the tunnel stood, or failed
	Err   error         // why there is none

	// TLS is the handshake with the target.
	TLS *Handshake

	// HTTP is the request that was made on it, if one was.
	HTTP *Exchange

	ends string // of the connection, as the system names them
}

// Stands tells whether the connection was made, the tunnel included.
func (c Connection) Stands() bool { return c.Took > 0 && c.Err == nil }

// Lookup is a name that was resolved.
type Lookup struct {
	Host      string
	Addresses []netip.Addr
	Began     time.Time
	Took      time.Duration // zero: there is no answer yet
	Err       error
}

// Handshake is one of TLS. The chain of a certificate that was not accepted is in the
// error, as [tls.CertificateVerificationError].
type Handshake struct {
	Began time.Time
	Took  time.Duration        // zero: it has not ended
	State *tls.ConnectionState // nil: it has not ended, or failed
	Err   error                // with what to change

	// Authority is where the authority is from that the chain ends in: the name of a
	// setting, or [SystemAuthorities]. Empty: the certificate was not checked.
	Authority string
}

// Exchange is a request by HTTP and the header of its answer.
type Exchange struct {
	Began    time.Time
	Took     time.Duration // zero: there is no answer yet
	Protocol string        // "HTTP/2.0"
	Status   int
	Date     time.Time // what time the server has, when Took had passed; zero: it does not say
	Err      error     // with what to change
}

// WithTrace returns a context whose connections the trace records. Requests under it
// use no connection of before.
func WithTrace(ctx context.Context, t *Trace) context.Context {
	return context.WithValue(ctx, traceKey{}, t)
}

type traceKey struct{}

// TraceOf returns the trace of a context, or nil.
func TraceOf(ctx context.Context) *Trace {
	t, _ := ctx.Value(traceKey{}).(*Trace)
	return t
}

// Connections are those that were recorded so far, in the order in which they began.
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

// RequestOn has a request recorded that is made on a connection, and returns what is
// told how it ended.
func (t *Trace) RequestOn(conn net.Conn) (ended func(Exchange)) {
	r, began := t.recordFor(conn), time.Now()
	r.note(func(c *Connection) { c.HTTP = &Exchange{Began: began} })
	return func(e Exchange) {
		e.Began, e.Took = began, took(began)
		r.note(func(c *Connection) { c.HTTP = &e })
	}
}

// recordFor is the record of a connection, whatever is wrapped around it; nil if it has
// none.
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

// took is the time since then, and never zero, which stands for what has not ended.
func took(began time.Time) time.Duration { return max(time.Since(began), 1) }

// record is the place of one connection in a trace; nil records nothing.
type record struct {
	trace *Trace
	of    *Connection
}

type recordKey struct{}

// recordOf is the record of the connection that is made under a context.
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

// observed dials, and records it if the context wants that.
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

// hooks are what package net calls.
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
