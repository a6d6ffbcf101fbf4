package ldaptest

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"sync"
	"testing"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
)

// Config describes a directory.
type Config struct {
	Entries []Entry

	// LDAPS uses TLS from the first byte. Otherwise clients can use StartTLS.
	LDAPS bool

	// NoStartTLS refuses StartTLS.
	NoStartTLS bool

	// Injected sends a bind response in plain text directly after the answer to StartTLS, as
	// an attacker on the network can.
	Injected bool

	// CertificateFor is the only name in the certificate. The default is localhost and the
	// loopback addresses.
	CertificateFor string

	// CertificateLife is the validity period of the certificate. The default is 35 days.
	CertificateLife time.Duration

	// ClientCertificate requires a client certificate signed by the CA, see Directory.Client.
	ClientCertificate bool

	// OnlySearcher, if set, is the only DN that may search.
	OnlySearcher string

	// RangeLimit is how many values of an attribute are sent at once, as name;range=0-N
	// (MS-ADTS section 3.1.1.3.1.3.3). Zero means all.
	RangeLimit int

	// Unrecorded leaves Binds and Searches empty, for benchmarks of memory.
	Unrecorded bool

	// MinPassword is the minimum length of a new password.
	MinPassword int
}

// Counts holds how often each event happened.
type Counts struct{ Connections, Binds, Searches, StartTLS, Changes int }

// Directory is a running directory.
type Directory struct {
	config Config
	tls    *tls.Config
	ca     authority

	mu          sync.Mutex
	listener    net.Listener
	address     string
	conns       map[net.Conn]bool
	forgotten   map[net.Conn]bool
	entries     []Entry
	counts      Counts
	binds       []string // the DNs, in order
	searches    []Searched
	changers    []string
	misbehave   Misbehaviour
	connections sync.WaitGroup
}

// Searched is one search request.
type Searched struct {
	By     string // the DN that was bound; empty: anonymous
	Base   string
	Filter string
}

// Start runs a directory on a free port of loopback until the test ends.
func Start(t testing.TB, config Config) *Directory {
	t.Helper()
	d, err := Listen(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Stop)
	return d
}

// Listen runs a directory on a free port of loopback until Stop.
func Listen(config Config) (*Directory, error) {
	ca, err := newAuthority()
	if err != nil {
		return nil, fmt.Errorf("making certificates: %w", err)
	}
	d := &Directory{config: config, ca: ca, entries: append([]Entry(nil), config.Entries...), conns: map[net.Conn]bool{}}
	if d.tls, err = ca.serverConfig(config); err != nil {
		return nil, fmt.Errorf("making certificates: %w", err)
	}
	if err := d.listen("127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("starting a directory: %w", err)
	}
	return d, nil
}

func (d *Directory) listen(address string) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	d.mu.Lock()
	d.listener, d.address = l, l.Addr().String()
	d.mu.Unlock()
	d.connections.Go(func() { d.accept(l) })
	return nil
}

func (d *Directory) accept(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		d.mu.Lock()
		stopped := d.listener != l
		if !stopped {
			d.conns[conn] = true
			d.counts.Connections++
		}
		d.mu.Unlock()
		if stopped {
			_ = conn.Close()
			return
		}
		d.connections.Go(func() { d.serve(conn) })
	}
}

// URL returns the value for client_url.
func (d *Directory) URL() string {
	if d.config.LDAPS {
		return "ldaps://" + d.Address()
	}
	return "ldap://" + d.Address()
}

// Address returns host and port.
func (d *Directory) Address() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.address
}

// CA returns the PEM of the authority that signed the certificate.
func (d *Directory) CA() string { return d.ca.pem }

// Client returns the PEM of a client certificate and of its key.
func (d *Directory) Client() (certificate, key string) { return d.ca.client() }

// Stop closes the listener and all connections, and waits for them.
func (d *Directory) Stop() {
	d.mu.Lock()
	l := d.listener
	d.listener = nil
	d.mu.Unlock()
	if l != nil {
		_ = l.Close()
	}
	d.HangUp()
	d.connections.Wait()
}

// HangUp closes all connections, as a restart or a firewall does.
func (d *Directory) HangUp() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for conn := range d.conns {
		_ = conn.Close()
	}
}

// Forget stops answering on the open connections, as behind a firewall that has dropped them
// silently. New connections are served.
func (d *Directory) Forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.forgotten = maps.Clone(d.conns)
}

func (d *Directory) hasForgotten(conn net.Conn) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.forgotten[conn]
}

// Restart listens again at the previous address.
func (d *Directory) Restart(t testing.TB) {
	t.Helper()
	if err := d.listen(d.Address()); err != nil {
		t.Fatalf("restarting a directory: %v", err)
	}
}

// Misbehave makes the directory misbehave from now on; nil ends it.
func (d *Directory) Misbehave(m Misbehaviour) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.misbehave = m
}

// Change changes the entries.
func (d *Directory) Change(change func(entries []Entry) []Entry) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.entries = change(append([]Entry(nil), d.entries...))
}

// Counts returns what happened so far.
func (d *Directory) Counts() Counts {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.counts
}

// Open returns the number of open connections.
func (d *Directory) Open() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.conns)
}

// Binds lists the DNs of all binds, in order.
func (d *Directory) Binds() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string(nil), d.binds...)
}

// Searches lists all searches, in order.
func (d *Directory) Searches() []Searched {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]Searched(nil), d.searches...)
}

// Changers lists the bound DNs of all password change requests, in order.
func (d *Directory) Changers() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string(nil), d.changers...)
}

func (s *session) noteChanger() {
	s.d.mu.Lock()
	defer s.d.mu.Unlock()
	s.d.changers = append(s.d.changers, s.bound)
}

// session is one connection.
type session struct {
	d      *Directory
	conn   net.Conn
	reader *bufio.Reader
	tls    bool
	bound  string
}

func (d *Directory) serve(conn net.Conn) {
	defer func() {
		_ = conn.Close()
		d.mu.Lock()
		delete(d.conns, conn)
		d.mu.Unlock()
	}()
	s := &session{d: d, conn: conn, tls: d.config.LDAPS}
	if s.misbehaves(Request{Operation: Connect}) {
		return
	}
	if s.tls {
		s.conn = tls.Server(conn, d.tls)
	}
	s.reader = bufio.NewReader(s.conn)
	for {
		packet, err := ber.ReadPacket(s.reader)
		if err != nil {
			return
		}
		if d.hasForgotten(conn) {
			_, _ = io.Copy(io.Discard, conn)
			return
		}
		if s.answer(packet) != nil {
			return
		}
	}
}

var errBye = errors.New("the connection ends")

func (s *session) answer(packet *ber.Packet) error {
	if len(packet.Children) < 2 {
		return errBye
	}
	id, ok := packet.Children[0].Value.(int64)
	if !ok {
		return errBye
	}
	op := packet.Children[1]
	switch op.Tag {
	case ldap.ApplicationBindRequest:
		return s.bind(id, op)
	case ldap.ApplicationSearchRequest:
		return s.search(id, op, packet)
	case ldap.ApplicationModifyRequest:
		return s.modify(id, op)
	case ldap.ApplicationExtendedRequest:
		return s.extended(id, op)
	case ldap.ApplicationAbandonRequest:
		return nil
	}
	return errBye
}

func (s *session) send(data []byte) error {
	_, err := s.conn.Write(data)
	return err
}

func (s *session) finish(id int64, op Operation, a Answer) error {
	return s.send(Result(id, op, a))
}

// misbehaves runs the current misbehaviour, and reports whether the connection ends.
func (s *session) misbehaves(req Request) bool {
	s.d.mu.Lock()
	m := s.d.misbehave
	s.d.mu.Unlock()
	if m == nil {
		return false
	}
	req.session = s
	return m(req)
}
