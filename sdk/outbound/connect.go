package outbound

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// Limits of a proxy's responses before the tunnel is open.
const (
	maxAnswer        = 16 << 10 // bytes, informational responses included
	maxInformational = 5        // RFC 9110 section 15.2
)

// connectThrough asks for a tunnel to host:port (RFC 9110 section 9.3.6). Reading from the
// returned connection first returns what the proxy passed on together with its response.
func connectThrough(ctx context.Context, conn net.Conn, p *Proxy, address string) (net.Conn, error) {
	request := "CONNECT " + address + " HTTP/1.1\r\nHost: " + address + "\r\n"
	if p.user != nil {
		request += "Proxy-Authorization: " + p.user.basic() + "\r\n"
	}
	if strings.ContainsAny(address, " \t\r\n") || strings.ContainsFunc(address, isControl) {
		return nil, fmt.Errorf("asking for %q: not an address", clip(address))
	}
	if _, err := io.WriteString(conn, request+"\r\n"); err != nil {
		return nil, err
	}
	limited := &io.LimitedReader{R: conn, N: maxAnswer}
	reader := bufio.NewReader(limited)
	status, err := readStatus(reader)
	switch {
	case err != nil && limited.N <= 0:
		return nil, p.misconfigured("answers with a header of more than %d bytes: is it a proxy?", maxAnswer)
	case err != nil:
		return nil, p.noAnswer(err)
	case status.code/100 != 2:
		return nil, p.refusal(status, address)
	}
	recordOf(ctx).note(func(c *Connection) { c.Answered = fmt.Sprintf("status %d", status.code) })
	early, err := reader.Peek(reader.Buffered())
	if err != nil || len(early) == 0 {
		return conn, err
	}
	return &earlyConn{Conn: conn, early: early}, nil
}

// status is the relevant part of a proxy's response.
type status struct {
	code    int
	schemes []string // of Proxy-Authenticate
}

// errNoHTTP: the first line is not that of HTTP/1.
var errNoHTTP = errors.New("no HTTP")

// readStatus reads up to the end of the header of the final response, and nothing more
// that is not buffered with it. It ignores what the header says about a body (RFC 9110
// section 9.3.6) and malformed header fields; net/http would refuse both.
func readStatus(r *bufio.Reader) (status, error) {
	for range maxInformational + 1 {
		if err := expectHTTP(r); err != nil {
			return status{}, err
		}
		s, err := readHeader(r)
		if err != nil || s.code/100 != 1 || s.code == http.StatusSwitchingProtocols {
			return s, err
		}
	}
	return status{}, fmt.Errorf("more than %d informational answers", maxInformational)
}

// statusLine is RFC 9112 section 4; the reason may be left out with its space.
var statusLine = regexp.MustCompile(`^HTTP/1\.[0-9] ([1-9][0-9]{2})(?: |$)`)

func readHeader(r *bufio.Reader) (status, error) {
	line, err := readLine(r)
	if err != nil {
		return status{}, err
	}
	match := statusLine.FindStringSubmatch(line)
	if match == nil {
		return status{}, errors.New("its first line has no status") // the line is not quoted: it may repeat the request, cut so that a password is not recognized
	}
	var s status
	if s.code, err = strconv.Atoi(match[1]); err != nil {
		return status{}, err
	}
	for {
		if line, err = readLine(r); err != nil || line == "" {
			return s, err
		}
		if name, value, _ := strings.Cut(line, ":"); strings.EqualFold(name, "Proxy-Authenticate") {
			s.schemes = append(s.schemes, schemesIn(value)...)
		}
	}
}

func readLine(r *bufio.Reader) (string, error) {
	line, err := r.ReadString('\n')
	return strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r"), err
}

// expectHTTP looks at the first bytes, to distinguish a server of another kind from one
// that closes the connection.
func expectHTTP(r *bufio.Reader) error {
	const begin = "HTTP/1."
	for n := 1; n <= len(begin); n++ {
		first, err := r.Peek(n)
		if len(first) == n && string(first) != begin[:n] {
			more, _ := r.Peek(r.Buffered())
			return fmt.Errorf("%w: %s", errNoHTTP, kindOf(more))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// kindOf guesses the protocol of a server from its first bytes.
func kindOf(first []byte) string {
	switch {
	case first[0] == 0x15 || first[0] == 0x16: // records of TLS, RFC 8446 section 5.1
		return "it speaks TLS, write https:// in place of http://"
	case first[0] == 0x05, len(first) > 1 && first[0] == 0x00 && first[1]>>2 == 0x5a>>2: // answers of SOCKS 5 and SOCKS 4
		return "it speaks SOCKS, write socks5h:// in place of http://"
	case len(first) > 3 && first[0] == 0x00 && first[3] == 0x04: // SETTINGS, RFC 9113 section 3.4
		return "it speaks HTTP/2 only: configure it to accept HTTP/1.1"
	}
	return "is it a proxy for HTTP?"
}

func (p *Proxy) noAnswer(err error) error {
	if netErr, ok := errors.AsType[net.Error](err); ok && netErr.Timeout() {
		return err
	}
	switch {
	case errors.Is(err, errNoHTTP):
		return p.misconfigured("does not answer in HTTP: %s", strings.TrimPrefix(err.Error(), errNoHTTP.Error()+": "))
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return p.fails("closed the connection without an answer", nil).ofTarget()
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return err
	}
	return p.fails("sends an answer that is not HTTP", errors.New(clip(err.Error())))
}

// quotedString is RFC 9110 section 5.6.4.
var quotedString = regexp.MustCompile(`"(?:\\.|[^"\\])*"`)

// schemesIn returns the schemes of the challenges in a field (RFC 9110 section 11.6.1): the
// words at its beginning and after its commas that are not parameters.
func schemesIn(field string) []string {
	const most = 8
	var list []string
	for part := range strings.SplitSeq(quotedString.ReplaceAllString(field, ""), ",") {
		scheme, rest, _ := strings.Cut(strings.TrimSpace(part), " ")
		if scheme != "" && !strings.Contains(scheme, "=") && !strings.HasPrefix(rest, "=") && len(list) < most {
			list = append(list, clip(scheme[:min(len(scheme), 32)]))
		}
	}
	return list
}

// refusal says what a proxy refused, and what to change.
func (p *Proxy) refusal(s status, address string) error {
	switch target := clip(address); {
	case s.code == http.StatusProxyAuthRequired, s.code == http.StatusUnauthorized: // Tinyproxy sends 401 for a wrong password
		return p.unauthorized(s)
	case s.code == http.StatusForbidden:
		return p.misconfigured("does not allow connections to %s (status 403): allow them there, or name another proxy", target).ofTarget()
	case s.code == http.StatusMethodNotAllowed, s.code == http.StatusNotImplemented:
		return p.misconfigured("does not support CONNECT (status %d): is it a proxy, and not a web server?", s.code)
	case s.code == http.StatusBadGateway, s.code == http.StatusInternalServerError: // Squid sends 500 for an unknown name, Tinyproxy for any failure
		return p.fails(fmt.Sprintf("cannot connect to %s (status %d): the provider is down, or the proxy does not find it", target, s.code), nil).ofTarget()
	case s.code == http.StatusServiceUnavailable:
		return p.fails(fmt.Sprintf("has no connection to %s now (status 503): the provider is down or unknown to it, or the proxy is overloaded", target), nil).ofTarget()
	case s.code == http.StatusGatewayTimeout:
		return p.fails(fmt.Sprintf("had no answer from %s in time (status 504)", target), nil).ofTarget()
	case s.code/100 == 3:
		return p.misconfigured("answers with a redirect (status %d), perhaps to a sign-in page: configure it to admit this host", s.code)
	default:
		return p.fails(fmt.Sprintf("refuses to connect to %s (status %d)", target, s.code), nil).ofTarget()
	}
}

func (p *Proxy) unauthorized(s status) error {
	basic := len(s.schemes) == 0
	for _, scheme := range s.schemes {
		basic = basic || strings.EqualFold(scheme, "basic")
	}
	switch {
	case !basic:
		return p.misconfigured("takes %s only (status %d), but Doorward sends user and password by Basic: configure it to accept that, or to admit this host", strings.Join(s.schemes, ", "), s.code)
	case p.user == nil:
		return p.misconfigured("asks for a user and a password (status %d): write %s://user:password@%s in %s", s.code, p.scheme, p.Address(), p.setting)
	}
	return p.misconfigured("does not accept the user and the password (status %d): correct them in %s", s.code, p.setting)
}

// earlyConn is a connection from which some bytes have been read already.
type earlyConn struct {
	net.Conn
	early []byte
}

func (c *earlyConn) Read(p []byte) (int, error) {
	if len(c.early) == 0 {
		return c.Conn.Read(p)
	}
	n := copy(p, c.early)
	c.early = c.early[n:]
	return n, nil
}
