package outbound

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
)

// The constants of RFC 1928 and RFC 1929. golang.org/x/net/proxy is not used: its errors
// are only texts, which do not distinguish a refusal from a proxy that is down, so that an
// error could not say what to change.
const (
	socksVersion = 5

	methodNone     = 0x00
	methodPassword = 0x02
	methodRefused  = 0xff

	commandConnect = 1

	addressIPv4 = 1
	addressName = 3
	addressIPv6 = 4

	passwordVersion = 1
)

// socks asks for a tunnel to host:port. It does not read beyond the response.
func socks(ctx context.Context, conn io.ReadWriter, p *Proxy, address string) error {
	request, err := socksRequest(address)
	if err != nil {
		return err
	}
	if err := p.greet(conn); err != nil {
		return err
	}
	if _, err := conn.Write(request); err != nil {
		return err
	}
	if err := p.readReply(conn, address); err != nil {
		return err
	}
	recordOf(ctx).note(func(c *Connection) { c.Answered = "succeeded" })
	return nil
}

// greet negotiates the authentication method, and signs in (RFC 1928 section 3).
func (p *Proxy) greet(conn io.ReadWriter) error {
	methods := []byte{methodNone}
	if p.user != nil {
		methods = append(methods, methodPassword)
	}
	if _, err := conn.Write(append([]byte{socksVersion, byte(len(methods))}, methods...)); err != nil {
		return err
	}
	var chosen [2]byte
	if err := p.read(conn, chosen[:]); err != nil {
		return err
	}
	switch {
	case chosen[0] != socksVersion:
		return p.noSOCKS(chosen[0])
	case chosen[1] == methodNone:
		return nil
	case chosen[1] == methodPassword && p.user != nil:
		return p.signIn(conn)
	case chosen[1] == methodRefused && p.user == nil:
		return p.misconfigured("asks for a user and a password, or does not admit this host: write %s://user:password@%s in %s", p.scheme, p.Address(), p.setting)
	case chosen[1] == methodRefused:
		return p.misconfigured("accepts neither user and password nor a connection without them: configure it to admit this host")
	}
	return p.misconfigured("chooses an authentication method (%d) that was not offered", chosen[1])
}

// signIn sends user and password (RFC 1929 section 2).
func (p *Proxy) signIn(conn io.ReadWriter) error {
	request := append([]byte{passwordVersion, byte(len(p.user.name))}, p.user.name...)
	request = append(append(request, byte(len(p.user.password))), p.user.password...)
	if _, err := conn.Write(request); err != nil {
		return err
	}
	var answer [2]byte
	if err := p.read(conn, answer[:]); err != nil {
		return err
	}
	if answer[1] != 0 {
		return p.misconfigured("does not accept the user and the password: correct them in %s", p.setting)
	}
	return nil
}

// socksRequest makes the request for a tunnel (RFC 1928 section 4).
func socksRequest(address string) ([]byte, error) {
	host, portText, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("asking for %q: %w", clip(address), err)
	}
	request := []byte{socksVersion, commandConnect, 0}
	literal, err := netip.ParseAddr(host)
	switch literal = literal.Unmap().WithZone(""); {
	case err == nil && literal.Is4():
		request = append(append(request, addressIPv4), literal.AsSlice()...)
	case err == nil:
		request = append(append(request, addressIPv6), literal.AsSlice()...)
	case host == "" || len(host) > 255:
		return nil, fmt.Errorf("asking for a name of %d bytes: SOCKS can send 1 to 255", len(host))
	default:
		request = append(append(request, addressName, byte(len(host))), host...)
	}
	port := portNumber(portText)
	return append(request, byte(port>>8), byte(port&0xff)), nil
}

func portNumber(text string) uint16 {
	number, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return 0
	}
	return uint16(number)
}

// readReply reads the reply (RFC 1928 section 6). The proxy's bound address is not used,
// and is read only to find its end.
func (p *Proxy) readReply(conn io.Reader, address string) error {
	read := func(to []byte) error {
		err := p.read(conn, to)
		if e, ok := errors.AsType[*ProxyError](err); ok {
			return e.ofTarget()
		}
		return err
	}
	var head [4]byte
	if err := read(head[:]); err != nil {
		return err
	}
	if head[0] != socksVersion {
		return p.noSOCKS(head[0])
	}
	if head[1] != 0 {
		return p.socksRefusal(head[1], address)
	}
	var length [1]byte
	switch head[3] {
	case addressIPv4:
		length[0] = 4
	case addressIPv6:
		length[0] = 16
	case addressName:
		if err := read(length[:]); err != nil {
			return err
		}
	default:
		return p.fails("answers with an address of an unknown type", nil)
	}
	return read(make([]byte, int(length[0])+2))
}

// socksRefusal says what a proxy refused.
func (p *Proxy) socksRefusal(code byte, address string) error {
	target := clip(address)
	another := func(text string) error {
		e := p.fails(text, nil).ofTarget()
		e.another = true
		return e
	}
	switch code {
	case 1:
		return another("failed to connect to " + target)
	case 2:
		return p.misconfigured("does not allow connections to %s: allow them there, or name another proxy", target).ofTarget()
	case 3, 4:
		return another("has no route to " + target)
	case 5:
		return another("was refused by " + target)
	case 6:
		return another("had no answer from " + target + " in time")
	case 7:
		return p.misconfigured("does not support CONNECT")
	case 8:
		return another("cannot connect to an address like " + target)
	}
	return p.fails(fmt.Sprintf("refuses to connect to %s (code %d)", target, code), nil).ofTarget()
}

func (p *Proxy) noSOCKS(first byte) error {
	switch first {
	case 'H':
		return p.misconfigured("does not answer in SOCKS 5: it speaks HTTP, write http:// in place of %s://", p.scheme)
	case 0:
		return p.misconfigured("does not answer in SOCKS 5: it speaks SOCKS 4, which sends neither names of IPv6 hosts nor passwords")
	}
	return p.misconfigured("does not answer in SOCKS 5: is it a SOCKS proxy?")
}

func (p *Proxy) read(from io.Reader, to []byte) error {
	_, err := io.ReadFull(from, to)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return p.fails("closed the connection without an answer", nil)
	}
	return err
}
