package outbound

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"slices"
	"time"

	"github.com/doorward/doorward/sdk/tlsoptions"
)

// SystemAuthorities stands for the authorities that the operating system trusts.
const SystemAuthorities = "the system's"

// observe records a handshake: with the proxy while a connection is being made, otherwise
// with the target.
func (t *trust) observe(ctx context.Context, conn net.Conn) (ended func(tls.ConnectionState, error)) {
	trace := TraceOf(ctx)
	if trace == nil {
		return func(tls.ConnectionState, error) {}
	}
	r, at := recordOf(ctx), func(c *Connection) **Handshake { return &c.ProxyTLS }
	if r == nil {
		r, at = trace.recordFor(conn), func(c *Connection) **Handshake { return &c.TLS }
	}
	began := time.Now()
	r.note(func(c *Connection) { *at(c) = &Handshake{Began: began} })
	return func(state tls.ConnectionState, err error) {
		h := &Handshake{Began: began, Took: took(began), Err: t.explain(err)}
		if err == nil {
			h.State, h.Authority = &state, t.authorityOf(state)
		}
		r.note(func(c *Connection) { *at(c) = h })
	}
}

// authorityOf returns the source of the authority that issued the server's certificate.
func (t *trust) authorityOf(state tls.ConnectionState) string {
	if len(state.VerifiedChains) == 0 {
		return ""
	}
	if t.ca != "" {
		return t.names.CA
	}
	chain := state.VerifiedChains[0]
	root := chain[len(chain)-1]
	extra, _, _ := tlsoptions.Certificates(t.extra) // certificates that cannot be read are not trusted either
	if slices.ContainsFunc(extra, func(c *x509.Certificate) bool { return bytes.Equal(c.Raw, root.Raw) }) {
		return t.extraName
	}
	return SystemAuthorities
}
