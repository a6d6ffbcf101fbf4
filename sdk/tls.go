package sdk

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
)

// TLSSettings are what an operator may set for connections that a mechanism secures
// by itself. What is set here comes before what the host was told for the provider,
// or for all.
type TLSSettings struct {
	// CA holds PEM certificates to trust in place of the system's, and of those that
	// the host was told.
	CA []byte

	// Certificate and Key are the PEM of a client certificate.
	Certificate []byte
	Key         []byte

	// ServerName is what the server's certificate must be for, if that is not the host
	// that is dialled.
	ServerName string

	// MinVersion is the lowest version, as of crypto/tls. Zero: what the host was told,
	// else TLS 1.2; nothing lower is spoken.
	MinVersion uint16

	// Names are what the operator calls these settings, for errors.
	Names TLSNames
}

// TLSNames are names of options, such as tls_ca.
type TLSNames struct{ CA, Certificate, Key, ServerName, MinVersion string }

// TLSClient secures connections to the servers of a provider. It may be used by many
// at once.
type TLSClient struct {
	// Config checks certificates. Its ServerName is empty unless the settings have
	// one: whoever uses it by itself must put in the host.
	Config *tls.Config

	// Explain adds to an error of a connection which setting to change, if it is one
	// of trust.
	Explain func(error) error

	// Observe is told of a handshake that begins on a connection, and returns what is
	// told how it ended, for a check that shows the way to a server. Handshake does so;
	// whoever uses Config by itself may. Nil: nobody wants to know.
	Observe func(ctx context.Context, conn net.Conn) (ended func(tls.ConnectionState, error))
}

// Handshake secures a connection to a host. It is the caller's to close the
// connection after an error.
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

// ErrUnanswered is in the tree of the error of a connection that ended before the
// server had said a word after the handshake.
var ErrUnanswered = errors.New("the server said nothing")

// TLSConn is a connection of a [TLSClient]. With TLS 1.3 a server refuses a client
// certificate after the handshake only (RFC 8446 section 4.4.2.4), so that the first
// reading or writing fails of it: their errors say which setting to change, too.
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
	return n, c.told(err)
}

// Write implements net.Conn.
func (c *TLSConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	return n, c.told(err)
}

func (c *TLSConn) told(err error) error {
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
