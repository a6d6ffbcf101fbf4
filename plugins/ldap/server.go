package main

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/doorward/doorward/sdk/contract"
)

// server is one server of the directory, with what is known of its health.
type server struct {
	network    string // tcp or unix
	address    string // host:port, or the path of a socket
	host       string // the certificate must be for it
	protection protection
	pool       *pool

	mu       sync.Mutex
	score    float64   // failures, halved with time
	scoredAt time.Time // when score was right
	openTill time.Time // the circuit is open: only asked when all others are, too
	inRow    int       // failures since the last success
	probing  bool
}

func (s *server) String() string { return s.address }

// Health: a failure counts as one, and as half of one each half-life later. The
// circuit opens at the first failure, because each failure may cost the end user a
// whole time limit.
const (
	healthHalfLife = 30 * time.Second
	firstOpen      = 2 * time.Second
	longestOpen    = time.Minute
)

func (s *server) failed(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.score = s.scoreAt(now) + 1
	s.scoredAt = now
	s.openTill = now.Add(min(longestOpen, firstOpen<<min(s.inRow, 10)))
	s.inRow++
}

// succeeded closes the circuit. The score stays for a while: a server that fails now
// and then comes after one that never does.
func (s *server) succeeded(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.inRow == 0 {
		return
	}
	s.score = s.scoreAt(now) / 2
	s.scoredAt = now
	s.inRow, s.openTill = 0, time.Time{}
}

func (s *server) scoreAt(now time.Time) float64 {
	if s.score == 0 {
		return 0
	}
	return s.score * math.Exp2(-now.Sub(s.scoredAt).Seconds()/healthHalfLife.Seconds())
}

// rank says where the server stands in the order: lower is better. Open circuits
// come last; small differences of score leave the operator's order alone.
func (s *server) rank(now time.Time) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	rank := int(math.Round(min(s.scoreAt(now), 100)))
	if s.inRow > 0 {
		rank += 1000
	}
	return rank
}

// startProbe reports whether it is time to see if the server is back, and claims the
// probe.
func (s *server) startProbe(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.inRow == 0 || s.probing || now.Before(s.openTill) {
		return false
	}
	s.probing = true
	return true
}

func (s *server) endProbe() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.probing = false
}

// location is one element of client_url.
type location struct {
	network, host, port string
	path                string // of a unix socket
	protection          protection
	srv                 bool // host is a domain whose servers the DNS knows
}

// Ports of RFC 4516 section 2, and of IANA for ldaps.
const (
	portLDAP  = "389"
	portLDAPS = "636"
)

// locate reads an element of client_url.
func locate(text string, plain plainRule) (location, error) {
	if rest, ok := strings.CutPrefix(text, "ldapi://"); ok {
		return locateSocket(rest)
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return location{}, fmt.Errorf("must be like ldaps://ldap.example.com, not %q", text)
	}
	l := location{network: "tcp", host: u.Hostname(), port: u.Port()}
	scheme, srv := strings.CutSuffix(u.Scheme, "+srv")
	l.srv = srv
	switch {
	case srv && l.port != "":
		return location{}, fmt.Errorf("has a port in %q, which the DNS tells for +srv", text)
	case scheme == "ldaps":
		l.port, l.protection = cmp.Or(l.port, portLDAPS), protectedByTLS
	case scheme == "ldap":
		l.port = cmp.Or(l.port, portLDAP)
		l.protection, err = plain.protectionOf(l)
	default:
		err = fmt.Errorf("must begin with ldaps://, ldap://, ldapi://, ldaps+srv:// or ldap+srv://, not %q", text)
	}
	return l, err
}

func locateSocket(rest string) (location, error) {
	host, _, _ := strings.Cut(rest, "/")
	path, err := url.PathUnescape(host)
	if err != nil || !strings.HasPrefix(path, "/") {
		return location{}, fmt.Errorf("must name the socket with its slashes as %%2F, like ldapi://%%2Frun%%2Fslapd%%2Fldapi")
	}
	return location{network: "unix", host: "localhost", path: path, protection: unprotected}, nil
}

// plainRule is what the options say about ldap://.
type plainRule struct {
	startTLS      bool // start_tls
	implicitTLS   bool // client__tls_options are given: as the seed, TLS from the first byte
	allowInsecure bool // allow_insecure_plaintext
}

// protectionOf makes sure that no password leaves the machine in plain text unless
// the operator has written so.
func (r plainRule) protectionOf(l location) (protection, error) {
	switch {
	case r.startTLS:
		return protectedByStartTLS, nil
	case r.implicitTLS:
		return protectedByTLS, nil
	case r.allowInsecure, contract.IsLoopback(l.host) && !l.srv:
		return unprotected, nil
	}
	return protectedByStartTLS, nil
}

func (l location) server() *server {
	if l.network == "unix" {
		return &server{network: "unix", address: l.path, host: l.host, protection: l.protection}
	}
	return &server{network: l.network, address: net.JoinHostPort(l.host, l.port), host: l.host, protection: l.protection}
}

// service is the name of RFC 2782 for the servers of a domain.
func (l location) service() string {
	if l.protection == protectedByTLS {
		return "ldaps"
	}
	return "ldap"
}

// resolver looks up SRV records through the host's dialer.
func resolver(dial func(ctx context.Context, network, address string) (net.Conn, error)) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: dial}
}
