package sdk

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
)

// TLSSettings are the settings that an operator can give for connections that a mechanism
// secures itself. They take precedence over the host's settings for the provider and for
// all providers.
type TLSSettings struct {
	// CA holds PEM certificates to trust in place of the system's and of those in the
	// host's settings.
	CA []byte

	// Certificate and Key are the PEM of a client certificate.
	Certificate []byte
	Key         []byte

	// ServerName is the name that the server's certificate must have, if that is not the
	// dialled host.
	ServerName string

	// MinVersion is the lowest version, as in crypto/tls. Zero: the host's setting, or
	// TLS 1.2 if there is none. Lower versions than 1.2 are never used.
	MinVersion uint16

	// Names are the operator's names for these settings, for errors.
	Names TLSNames
}

// TLSNames are names of options, such as tls_ca.
type TLSNames struct{ CA, Certificate, Key, ServerName, MinVersion string }

// TLSClient secures connections to the servers of a provider. It is safe for concurrent
// use.
type TLSClient struct {
	// Config checks certificates. Its ServerName is empty unless the settings have
	// one. If you use Config without Handshake, set it to the host.
	Config *tls.Config

	// Explain adds to an error of a connection which setting to change, if it is an
	// error of trust.
	Explain func(error) error

	// Observe is called when a handshake begins on a connection. Call the returned
	// function when the handshake has ended, so that a check can show it. Handshake does
	// both; if you use Config without Handshake, you can do it yourself. Nil: handshakes
	// are not shown.
	Observe func(ctx context.Context, conn net.Conn) (ended func(tls.ConnectionState, error))
}

// Handshake secures a connection to a host. After an error, the caller must close the
// connection.
func (c *TLSClient) Handshake(ctx context.Context, conn net.Conn, host string) (*TLSConn, error) {
	config := c.Config.Clone()
	if config.ServerName == "" {
		config.ServerName = host
	}
	secured := tls.Client(conn, config)
	ended := func(tls.ConnectionState, error) {}
	if c.Observe != nil {
		ended = c.Observe(ctx, conn)
	}
	err := secured.HandshakeContext(ctx)
	ended(secured.ConnectionState(), err)
	if err != nil {
		return nil, c.Explain(err)
	}
	return &TLSConn{Conn: secured, explain: c.Explain}, nil
}

// ErrUnanswered is in the tree of the error when a connection ended after the
// handshake, before the server had sent anything.
var ErrUnanswered = errors.New("the server said nothing")

// TLSConn is a connection of a [TLSClient]. With TLS 1.3, a server refuses a client
// certificate only after the handshake (RFC 8446 section 4.4.2.4), so that the first
// Read or Write fails. Their errors therefore also say which setting to change.
type TLSConn struct {
	*tls.Conn
	explain func(error) error
	heard   atomic.Bool
}

// Read implements net.Conn.
func (c *TLSConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.heard.Store(true)
	}
	return n, c.explained(err)
}

// Write implements net.Conn.
func (c *TLSConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	return n, c.explained(err)
}

func (c *TLSConn) explained(err error) error {
	if err == nil {
		return nil
	}
	if explained := c.explain(err); c.heard.Load() || explained != err { //nolint:errorlint // the same, not of the same kind
		return explained
	}
	if first := fmt.Errorf("%w: %w", ErrUnanswered, err); c.explain(first) != first { //nolint:errorlint // as above
		return c.explain(first)
	}
	return err
}
