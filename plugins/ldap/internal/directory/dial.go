package directory

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/outbound"
)

// A Protection is how passwords are protected in transit.
type Protection int

// The protections.
const (
	ProtectedByTLS      Protection = iota // ldaps: TLS from the first byte
	ProtectedByStartTLS                   // RFC 4511 section 4.14
	Unprotected                           // loopback, a unix socket, or because the operator allows it
)

// dialer makes connections to servers.
type dialer struct {
	dial    func(ctx context.Context, network, address string) (net.Conn, error)
	tls     *sdk.TLSClient // without ServerName: the host
	connect time.Duration
	operate time.Duration
}

// open connects to a server within d.connect, including the TLS handshake.
func (d *dialer) open(ctx context.Context, s *Server) (*Connection, error) {
	ctx, cancel := context.WithTimeout(ctx, d.connect)
	defer cancel()
	conn, err := d.dial(ctx, s.network, s.Address)
	if err != nil {
		return nil, d.failure(ctx, s, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	secured, err := d.protect(ctx, conn, s)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		_ = conn.Close()
		return nil, d.failure(ctx, s, err)
	}
	var state *tls.ConnectionState
	if t, ok := secured.(*sdk.TLSConn); ok {
		cs := t.ConnectionState()
		state = &cs
	}
	return newConnection(NewEnvelopeConn(secured, d.operate), state, d.operate), nil
}

// failure adds the server to the error, and distinguishes why it failed.
func (d *dialer) failure(ctx context.Context, s *Server, err error) error {
	if ctxErr := ctx.Err(); errors.Is(ctxErr, context.Canceled) {
		return fmt.Errorf("connecting to %s: %w", s, ctxErr)
	}
	if proxy, ok := errors.AsType[*outbound.ProxyError](err); ok {
		return fmt.Errorf("connecting to %s: %w", s, proxyServerError{proxy})
	}
	return fmt.Errorf("connecting to %s: %w: %w", s, errServer, err)
}

func (d *dialer) protect(ctx context.Context, conn net.Conn, s *Server) (net.Conn, error) {
	if s.protection == Unprotected {
		return conn, nil
	}
	if s.protection == ProtectedByStartTLS {
		if err := d.startTLS(ctx, conn); err != nil {
			return nil, fmt.Errorf("StartTLS: %w", err)
		}
	}
	secured, err := d.tls.Handshake(ctx, conn, s.host)
	if err != nil {
		return nil, fmt.Errorf("TLS handshake: %w", adviseTLS(err))
	}
	return secured, nil
}

const startTLSRequestName = "1.3.6.1.4.1.1466.20037"

// startTLS requests TLS and reads exactly one message. It does not read another byte in plain
// text: bytes that an attacker puts after the answer reach the TLS handshake and break it,
// instead of the next request.
func (d *dialer) startTLS(ctx context.Context, conn net.Conn) error {
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return err
		}
	}
	if _, err := conn.Write(startTLSRequest()); err != nil {
		return err
	}
	if err := readStartTLSResponse(conn); err != nil {
		return err
	}
	return conn.SetDeadline(time.Time{})
}

const startTLSMessageID = 1

func startTLSRequest() []byte {
	message := ber.NewSequence("LDAPMessage")
	message.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, startTLSMessageID, "messageID"))
	request := ber.Encode(ber.ClassApplication, ber.TypeConstructed, ldap.ApplicationExtendedRequest, nil, "ExtendedRequest")
	request.AppendChild(ber.NewString(ber.ClassContext, ber.TypePrimitive, 0, startTLSRequestName, "requestName"))
	message.AppendChild(request)
	return message.Bytes()
}

// oneByte prevents bufio.Reader from reading ahead.
type oneByte struct{ io.Reader }

func (r oneByte) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	return r.Reader.Read(p[:1])
}

func readStartTLSResponse(conn net.Conn) error {
	// 16 bytes is the minimum of bufio; oneByte makes it read a single byte at a time.
	reader := bufio.NewReaderSize(oneByte{conn}, 16)
	header, length, err := readHeader(reader)
	if err != nil {
		return err
	}
	if length > maxSmall {
		return fmt.Errorf("%w: %d bytes in the answer to StartTLS", errEnvelope, length)
	}
	message := append(header, make([]byte, length)...)
	if _, err := io.ReadFull(reader, message[len(header):]); err != nil {
		return err
	}
	if err := checkEnvelope(message[len(header):]); err != nil {
		return err
	}
	packet, err := ber.DecodePacketErr(message)
	if err != nil {
		return fmt.Errorf("%w: %w", errEnvelope, err)
	}
	if id, ok := packet.Children[0].Value.(int64); !ok || id != startTLSMessageID {
		return fmt.Errorf("%w: the answer to StartTLS belongs to another request", errEnvelope)
	}
	if len(packet.Children) < 2 || packet.Children[1].Tag != ldap.ApplicationExtendedResponse {
		return fmt.Errorf("%w: no answer to StartTLS", errEnvelope)
	}
	if err := ldap.GetLDAPError(packet); err != nil {
		result, _ := errors.AsType[*ldap.Error](err)
		return fmt.Errorf("refused by the server (result code %d); Doorward does not continue without it", result.ResultCode)
	}
	return nil
}
