package directory

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/doorward/doorward/sdk/contract"
)

// Server is one server of the directory, with its health.
type Server struct {
	network    string // tcp or unix
	Address    string // host:port, or the path of a socket
	host       string // the name in the certificate
	protection Protection
	pool       *pool

	mu          sync.Mutex
	score       float64   // failures, halved with time
	scoredAt    time.Time // when score was computed
	openUntil   time.Time // while the circuit is open: the server is tried after all others
	consecutive int       // failures since the last success
	failures    int       // all failures that were counted
	probing     bool
}

func (s *Server) String() string { return s.Address }

// Health: a failure counts as one, and its weight halves with each half-life. The circuit
// opens at the first failure, because each further one can cost a user a whole time limit.
const (
	healthHalfLife = 30 * time.Second
	firstOpen      = 2 * time.Second
	longestOpen    = time.Minute
)

// failed counts a failure. Operations that were already in progress at the previous failure
// see the same failure again and do not count: count is failureCount from when the operation
// began.
func (s *Server) failed(now time.Time, count int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if count != s.failures {
		return
	}
	s.failures++
	s.score = s.scoreAt(now) + 1
	s.scoredAt = now
	s.openUntil = now.Add(min(longestOpen, firstOpen<<min(s.consecutive, 10)))
	s.consecutive++
}

func (s *Server) failureCount() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failures
}

func failureCounts(servers []*Server) map[*Server]int {
	counts := map[*Server]int{}
	for _, s := range servers {
		counts[s] = s.failureCount()
	}
	return counts
}

// succeeded closes the circuit. The score decays only gradually: a server that fails now and
// then ranks behind one that never does.
func (s *Server) succeeded(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.consecutive == 0 {
		return
	}
	s.score = s.scoreAt(now) / 2
	s.scoredAt = now
	s.consecutive, s.openUntil = 0, time.Time{}
}

func (s *Server) scoreAt(now time.Time) float64 {
	if s.score == 0 {
		return 0
	}
	return s.score * math.Exp2(-now.Sub(s.scoredAt).Seconds()/healthHalfLife.Seconds())
}

// rank is the position of the server in the order: lower is better. Open circuits come last;
// small differences in score do not change the order of the operator.
func (s *Server) rank(now time.Time) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	rank := int(math.Round(min(s.scoreAt(now), 100)))
	if s.consecutive > 0 {
		rank += 1000
	}
	return rank
}

// startProbe reports whether it is time to check the server again, and claims the probe.
func (s *Server) startProbe(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.consecutive == 0 || s.probing || now.Before(s.openUntil) {
		return false
	}
	s.probing = true
	return true
}

func (s *Server) endProbe() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.probing = false
}

// location is one element of client_url.
type location struct {
	network, host, port string
	path                string // of a unix socket
	Protection          Protection
	srv                 bool // host is a domain whose servers the DNS lists
}

// The ports of RFC 4516 section 2, and of IANA for ldaps.
const (
	portLDAP  = "389"
	portLDAPS = "636"
)

// Locate reads an element of client_url.
func Locate(text string, plain PlainRule) (location, error) {
	if rest, ok := strings.CutPrefix(text, "ldapi://"); ok {
		return locateSocket(rest)
	}
	if strings.Contains(text, "@") { // a password may stand before it
		return location{}, errors.New("must have no user and no password; write them as bind_dn and bind_password")
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return location{}, fmt.Errorf("must be a URL such as ldaps://ldap.example.com, not %q", text)
	}
	l := location{network: "tcp", host: u.Hostname(), port: u.Port()}
	scheme, srv := strings.CutSuffix(u.Scheme, "+srv")
	l.srv = srv
	switch {
	case srv && l.port != "":
		return location{}, fmt.Errorf("must not have a port in %q: with +srv, the DNS provides it", text)
	case scheme == "ldaps":
		l.port, l.Protection = cmp.Or(l.port, portLDAPS), ProtectedByTLS
	case scheme == "ldap":
		l.port = cmp.Or(l.port, portLDAP)
		l.Protection, err = plain.protectionOf(l)
	default:
		err = fmt.Errorf("must begin with ldaps://, ldap://, ldapi://, ldaps+srv:// or ldap+srv://, not %q", text)
	}
	return l, err
}

func locateSocket(rest string) (location, error) {
	host, _, _ := strings.Cut(rest, "/")
	path, err := url.PathUnescape(host)
	if err != nil || !strings.HasPrefix(path, "/") {
		return location{}, fmt.Errorf("must contain the path of the socket with its slashes as %%2F, such as ldapi://%%2Frun%%2Fslapd%%2Fldapi")
	}
	return location{network: "unix", host: "localhost", path: path, Protection: Unprotected}, nil
}

// PlainRule holds the options that apply to ldap://.
type PlainRule struct {
	StartTLS      bool // start_tls
	ImplicitTLS   bool // client__tls_options are given: TLS from the first byte, as in Directus
	AllowInsecure bool // allow_insecure_plaintext
}

// protectionOf ensures that no password leaves the machine in plain text unless the operator
// allows it.
func (r PlainRule) protectionOf(l location) (Protection, error) {
	switch {
	case r.StartTLS:
		return ProtectedByStartTLS, nil
	case r.ImplicitTLS:
		return ProtectedByTLS, nil
	case r.AllowInsecure, contract.IsLoopback(l.host) && !l.srv:
		return Unprotected, nil
	}
	return ProtectedByStartTLS, nil
}

func (l location) server() *Server {
	if l.network == "unix" {
		return &Server{network: "unix", Address: l.path, host: l.host, protection: l.Protection}
	}
	return &Server{network: l.network, Address: net.JoinHostPort(l.host, l.port), host: l.host, protection: l.Protection}
}

// service is the service name of RFC 2782 for the servers of a domain.
func (l location) service() string {
	if l.Protection == ProtectedByTLS {
		return "ldaps"
	}
	return "ldap"
}

// srvName is the full name of the SRV lookup.
func (l location) srvName() string { return "_" + l.service() + "._tcp." + l.host }

// resolver looks up SRV records through the dialer of the host.
func resolver(dial func(ctx context.Context, network, address string) (net.Conn, error)) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: dial}
}
