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

	Resolved  []netip.Addr // what the name that was dialled stands for; none for an address
	Connected string       // the address that took the connection, of the proxy or of the target
	Began     time.Time
	Took      time.Duration // until the connection stood, or failed

	// Err says why there is no connection.
	Err error

	// TLS is what was agreed on with the target, and TLSErr why it was not, for
	// requests by HTTP. The chain of a certificate that was not accepted is in the
	// error, as [tls.CertificateVerificationError].
	TLS    *tls.ConnectionState
	TLSErr error
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
		one.Resolved = slices.Clone(c.Resolved)
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

func (t *Trace) begin(target string, choice Choice) *Connection {
	c := &Connection{Target: target, Choice: choice, Began: time.Now()}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.made) < maxTraced {
		t.made = append(t.made, c)
	}
	return c
}

// set changes what is recorded.
func (t *Trace) set(change func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	change()
}

// observed dials, and records it if the context wants that.
func observed(ctx context.Context, address string, choice Choice, dial func(ctx context.Context) (net.Conn, error)) (net.Conn, error) {
	t := TraceOf(ctx)
	if t == nil {
		return dial(ctx)
	}
	c := t.begin(address, choice)
	conn, err := dial(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		DNSDone: func(info httptrace.DNSDoneInfo) {
			t.set(func() {
				for _, a := range info.Addrs {
					if found, ok := netip.AddrFromSlice(a.IP); ok {
						c.Resolved = append(c.Resolved, found.Unmap().WithZone(a.Zone))
					}
				}
			})
		},
		ConnectDone: func(_, address string, err error) {
			if err == nil {
				t.set(func() { c.Connected = address })
			}
		},
	}))
	t.set(func() { c.Took, c.Err = time.Since(c.Began), err })
	return conn, err
}
