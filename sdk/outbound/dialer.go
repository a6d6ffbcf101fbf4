package outbound

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"

	"github.com/doorward/doorward/sdk"
)

// Limits of one connection, each within the caller's context.
const (
	// ConnectTimeout bounds resolving a name and connecting, and a TLS handshake.
	ConnectTimeout = 5 * time.Second

	// TunnelTimeout bounds the time in which a proxy must answer, which it does after
	// it has connected to the target. It is shorter than the usual limit of a request,
	// so that the error can name the proxy.
	TunnelTimeout = 8 * time.Second
)

// Dialer makes the connections of one provider. It is safe for concurrent use.
type Dialer struct {
	own      ownChoice
	rules    rules
	guard    *guard
	proxyTLS *sdk.TLSClient
	trust    func(sdk.TLSSettings) (*sdk.TLSClient, error)
	names    func(key string) string

	resolver *net.Resolver // nil: the system's
}

// New makes a dialer. An error is options.Problems by key, as in [Settings.Problems].
func New(s Settings) (*Dialer, error) {
	if err := s.Problems().Err(); err != nil {
		return nil, err
	}
	d := &Dialer{rules: rulesOf(s), trust: s.TLS, names: s.name}
	var err error
	if d.guard, err = newGuard(s); err != nil {
		return nil, err
	}
	if d.proxyTLS, err = proxyTLS(s); err != nil {
		return nil, err
	}
	switch {
	case s.direct():
		d.own = ownChoice{Choice{Why: s.name(KeyProxy) + " is " + Direct}, true}
	case s.Proxy != "":
		proxy := s.proxy(KeyProxy, s.Proxy.Reveal())
		d.own = ownChoice{Choice{proxy, proxy.setting}, true}
	}
	return d, nil
}

// proxy returns the proxy of a setting without problems.
func (s Settings) proxy(key, text string) *Proxy {
	p, _, err := parseProxy(text)
	if err != nil {
		return nil
	}
	p.setting = s.name(key)
	return p
}

// rulesOf returns the rules of the family that counts.
func rulesOf(s Settings) rules {
	key := s.rulesInForce()
	switch key {
	case "":
		return noRules
	case KeyStandardHTTPS:
		return standard(s.proxy(key, s.urls()[key]), s.Standard.NoProxy, s.name(KeyStandardNoProxy))
	}
	return globalAgent(s.proxy(key, s.urls()[key]), s.GlobalAgent.NoProxy, s.name(KeyGlobalAgentNoProxy))
}

// DialRequest makes a connection for an https request, by the rules.
func (d *Dialer) DialRequest(ctx context.Context, network, address string) (net.Conn, error) {
	return d.dial(ctx, network, address, d.ForRequest(address), d.guarded)
}

// Dial makes any other connection: through the provider's own proxy, if it has one.
func (d *Dialer) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	direct := d.guarded
	if _, port, _ := net.SplitHostPort(address); network == "unix" || port == portDNS {
		// The socket is named by the operator, and so is the resolver, which is at a
		// link-local or metadata address in some clouds (169.254.169.253,
		// 169.254.169.254, 168.63.129.16).
		direct = (&net.Dialer{Timeout: ConnectTimeout, Resolver: d.resolver}).DialContext
	}
	return d.dial(ctx, network, address, d.ForConnection(network, address), direct)
}

// DialDirect makes a connection through no proxy, to addresses that also pass a check
// of the caller's.
func (d *Dialer) DialDirect(ctx context.Context, network, address string, also func(netip.AddrPort) error) (net.Conn, error) {
	return d.dial(ctx, network, address, Choice{Why: "requests without TLS stay on this machine"},
		func(ctx context.Context, network, address string) (net.Conn, error) {
			return d.direct(ctx, network, address, also)
		})
}

type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

func (d *Dialer) dial(ctx context.Context, network, address string, c Choice, direct dialFunc) (net.Conn, error) {
	return observed(ctx, network, address, c, func(ctx context.Context) (net.Conn, error) {
		if c.Proxy == nil {
			return direct(ctx, network, address)
		}
		return d.through(ctx, c.Proxy, address)
	})
}

// guarded connects unless the address is denied.
func (d *Dialer) guarded(ctx context.Context, network, address string) (net.Conn, error) {
	return d.direct(ctx, network, address, func(netip.AddrPort) error { return nil })
}

func (d *Dialer) direct(ctx context.Context, network, address string, also func(netip.AddrPort) error) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("connecting to %q: %w", clip(address), err)
	}
	if err := d.guard.checkLiteral(host); err != nil { // some systems replace an unspecified address with another one
		return nil, err
	}
	return d.connect(ctx, network, address, func(a netip.AddrPort) error {
		if err := also(a); err != nil {
			return err
		}
		return d.guard.checkDirect(host, a.Addr())
	})
}

// connect resolves and connects. The check sees each address after resolution, when
// it can no longer change.
func (d *Dialer) connect(ctx context.Context, network, address string, check func(netip.AddrPort) error) (net.Conn, error) {
	dialer := net.Dialer{
		Timeout: ConnectTimeout, Resolver: d.resolver,
		ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
			a, err := netip.ParseAddrPort(address)
			if err != nil {
				return fmt.Errorf("connecting to %q: %w", clip(address), err)
			}
			return check(a)
		},
	}
	return dialer.DialContext(ctx, network, address)
}

// through makes a connection through a proxy.
func (d *Dialer) through(ctx context.Context, p *Proxy, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("connecting to %q: %w", clip(address), err)
	}
	if err := d.guard.checkName(host); err != nil {
		return nil, err
	}
	switch p.scheme {
	case "socks5":
		return d.throughResolved(ctx, p, address)
	case "socks5h":
		return d.tunnel(ctx, p, func(conn net.Conn) (net.Conn, error) { return conn, socks(ctx, conn, p, address) })
	}
	return d.tunnel(ctx, p, func(conn net.Conn) (net.Conn, error) { return connectThrough(ctx, conn, p, address) })
}
