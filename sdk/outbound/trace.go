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

// Connection is one that was made, or was to be.
type Connection struct {
	Target string // host:port
	Choice Choice

	// Lookups are the names that were resolved: that of the target, or of the proxy,
	// or first one and then the other.
	Lookups []Lookup

	Connected string // the address that took the connection, of the proxy or of the target

	// ProxyTLS is what was agreed on with a proxy of https.
	ProxyTLS *tls.ConnectionState

	// Answered is what a proxy said that gave the tunnel: "status 200". Why it gave
	// none is in Err.
	Answered string

	Began time.Time
	Took  time.Duration // until the connection or the tunnel stood, or failed
	Err   error         // why there is none

	// TLS is what was agreed on with the target, and TLSErr why it was not, for
	// requests by HTTP. The chain of a certificate that was not accepted is in the
	// error, as [tls.CertificateVerificationError].
	TLS    *tls.ConnectionState
	TLSErr error
}

// Lookup is a name that was resolved.
type Lookup struct {
	Host      string
	Addresses []netip.Addr
	Err       error
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

// ObserveTLS has the handshake with host:port recorded for its latest connection.
func (t *Trace) ObserveTLS(address string, state tls.ConnectionState, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range slices.Backward(t.made) {
		if c.Target == address {
			c.TLSErr = err
			if err == nil {
				c.TLS = &state
			}
			return
		}
	}
}

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

func (t *Trace) begin(target string, choice Choice) *record {
	r := &record{t, &Connection{Target: target, Choice: choice, Began: time.Now()}}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.made) < maxTraced {
		t.made = append(t.made, r.of)
	}
	return r
}

// observed dials, and records it if the context wants that.
func observed(ctx context.Context, address string, choice Choice, dial func(ctx context.Context) (net.Conn, error)) (net.Conn, error) {
	t := TraceOf(ctx)
	if t == nil {
		return dial(ctx)
	}
	r := t.begin(address, choice)
	ctx = context.WithValue(ctx, recordKey{}, r)
	conn, err := dial(httptrace.WithClientTrace(ctx, r.hooks()))
	r.note(func(c *Connection) { c.Took, c.Err = time.Since(c.Began), err })
	return conn, err
}

// hooks are what package net calls.
func (r *record) hooks() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		DNSStart: func(info httptrace.DNSStartInfo) {
			r.note(func(c *Connection) { c.Lookups = append(c.Lookups, Lookup{Host: info.Host}) })
		},
		DNSDone: func(info httptrace.DNSDoneInfo) {
			r.note(func(c *Connection) {
				if len(c.Lookups) == 0 {
					return
				}
				last := &c.Lookups[len(c.Lookups)-1]
				last.Err = info.Err
				for _, a := range info.Addrs {
					if found, ok := netip.AddrFromSlice(a.IP); ok {
						last.Addresses = append(last.Addresses, found.Unmap().WithZone(a.Zone))
					}
				}
			})
		},
		ConnectDone: func(_, address string, err error) {
			if err == nil {
				r.note(func(c *Connection) { c.Connected = address })
			}
		},
	}
}
