package outbound

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"time"
)

// tunnel connects to a proxy and asks it for a tunnel, within the limits and ctx.
func (d *Dialer) tunnel(ctx context.Context, p *Proxy, ask func(net.Conn) (net.Conn, error)) (net.Conn, error) {
	conn, err := d.connect(ctx, "tcp", p.Address(), func(a netip.AddrPort) error { return d.guard.checkProxy(p.host, a.Addr()) })
	if err != nil {
		return nil, p.unreachable(err)
	}
	if p.scheme == "https" {
		if conn, err = d.secure(ctx, conn, p); err != nil {
			return nil, err
		}
	}
	limit := time.Now().Add(TunnelTimeout)
	if deadline, ok := ctx.Deadline(); ok && deadline.Before(limit) {
		limit = deadline
	}
	_ = conn.SetDeadline(limit)
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	tunnelled, err := ask(conn)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err == nil {
		err = conn.SetDeadline(time.Time{})
	}
	if err != nil {
		_ = conn.Close()
		return nil, p.failure(ctx, err)
	}
	return tunnelled, nil
}

// secure makes the TLS connection to an https proxy.
func (d *Dialer) secure(ctx context.Context, conn net.Conn, p *Proxy) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, ConnectTimeout)
	defer cancel()
	secured, err := d.proxyTLS.Handshake(ctx, conn, p.host)
	if err != nil {
		_ = conn.Close()
		if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
			return nil, p.misconfigured("does not speak TLS: write http:// in place of https://")
		}
		if errors.Is(err, context.DeadlineExceeded) {
			return nil, p.fails("accepted the connection and did not answer in TLS in time: if it speaks plain HTTP, write http:// in place of https://", err)
		}
		return nil, p.fails("cannot be reached by TLS", err)
	}
	return secured, nil
}

// failure makes the error of a proxy when asking it failed.
func (p *Proxy) failure(ctx context.Context, err error) error {
	if e, ok := errors.AsType[*ProxyError](err); ok {
		return e
	}
	switch ctxErr := ctx.Err(); {
	case errors.Is(ctxErr, context.Canceled):
		return p.fails("did not answer before the request was cancelled", ctxErr)
	case ctxErr != nil:
		return p.fails("accepted the connection and did not answer in time", ctxErr).ofTarget()
	case errors.Is(err, os.ErrDeadlineExceeded):
		return p.fails(fmt.Sprintf("accepted the connection and did not answer within %v", TunnelTimeout), err).ofTarget()
	}
	return p.fails("broke the connection", err).ofTarget()
}

// maxAddresses bounds how many addresses of a target are tried through a proxy.
const maxAddresses = 4

// throughResolved resolves the target here, where its addresses can be checked, and
// asks the proxy for each in turn.
func (d *Dialer) throughResolved(ctx context.Context, p *Proxy, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("connecting to %q: %w", clip(address), err)
	}
	found, err := d.lookUp(ctx, host)
	if err != nil {
		return nil, fmt.Errorf("%w; socks5h:// in %s has the proxy resolve names", err, p.setting)
	}
	var failures []error
	for _, a := range found[:min(len(found), maxAddresses)] {
		if err := d.guard.checkDirect(host, a); err != nil {
			failures = append(failures, err)
			continue
		}
		conn, err := d.tunnel(ctx, p, func(conn net.Conn) (net.Conn, error) {
			return conn, socks(ctx, conn, p, netip.AddrPortFrom(a, portNumber(port)).String())
		})
		if err == nil {
			return conn, nil
		}
		failures = append(failures, err)
		if e, ok := errors.AsType[*ProxyError](err); !ok || !e.another {
			break
		}
	}
	return nil, errors.Join(failures...)
}

func (d *Dialer) lookUp(ctx context.Context, host string) ([]netip.Addr, error) {
	if literal, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{literal}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, ConnectTimeout)
	defer cancel()
	resolver := d.resolver
	if resolver == nil {
		resolver = net.DefaultResolver
	}
	found, err := resolver.LookupNetIP(ctx, "ip", host)
	for i := range found {
		found[i] = found[i].Unmap()
	}
	return slices.Compact(found), err
}
