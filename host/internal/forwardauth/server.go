package forwardauth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"time"

	hclog "github.com/hashicorp/go-hclog"

	"github.com/doorward/doorward/host/internal/sso"
)

// Config is the configuration of a Server.
type Config struct {
	PublicURL  string // where people sign in, without a slash at the end
	Issuer     string // of access tokens
	CookieName string // of the session cookie

	// TrustedProxies may send requests. Empty: nobody may.
	TrustedProxies []netip.Prefix

	// Secret, if it is set, must come with each request in X-Doorward-Proxy: for networks
	// in which an address proves nothing.
	Secret string

	User         UserHeader
	AssertionTTL time.Duration // zero: sso.AssertionTTL

	Logger hclog.Logger
}

// Ports are the dependencies of a Server.
type Ports struct {
	People People

	// Assert signs an assertion.
	Assert func(ctx context.Context, claims sso.Assertion) (string, error)

	Now func() time.Time
}

// Server answers proxies.
type Server struct {
	config     Config
	secret     [sha256.Size]byte
	ports      Ports
	rules      atomic.Pointer[Rules]
	identities identities
	quiet      *limitedLogger
	counts     counts
}

// New returns a Server without apps.
func New(config Config, ports Ports) *Server {
	if config.AssertionTTL == 0 {
		config.AssertionTTL = sso.AssertionTTL
	}
	s := &Server{config: config, ports: ports, secret: sha256.Sum256([]byte(config.Secret)), quiet: newLimitedLogger(config.Logger, ports.Now)}
	s.rules.Store(NewRules(nil))
	return s
}

// SetRules sets the rules for all later requests.
func (s *Server) SetRules(rules *Rules) {
	s.rules.Store(rules)
	s.identities.clear()
}

// Rules returns the current rules.
func (s *Server) Rules() *Rules { return s.rules.Load() }

// Timeouts of connections. Proxies keep connections open between requests: these are
// longer than those of any proxy, so that no proxy sends a request at the very moment
// when the server closes.
const (
	readHeaderTimeout = 5 * time.Second
	writeTimeout      = 10 * time.Second
	idleTimeout       = 5 * time.Minute
	maxHeader         = 48 << 10 // includes the client's headers
	shutdownTimeout   = 10 * time.Second
)

// Serve answers until listening is done. Requests in progress get their answers.
func (s *Server) Serve(listening context.Context, listener net.Listener) error {
	server := s.HTTPServer()
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serving forward-auth: %w", err)
	case <-listening.Done():
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(listening), shutdownTimeout)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		return server.Close()
	}
	return nil
}

// HTTPServer returns an http.Server that answers, with the limits of Serve.
func (s *Server) HTTPServer() *http.Server {
	return &http.Server{
		Handler: s, ReadHeaderTimeout: readHeaderTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		ErrorLog: s.config.Logger.StandardLogger(&hclog.StandardLoggerOptions{ForceLevel: hclog.Debug}),
	}
}

// ServeHTTP answers one request of a proxy. It always writes a status, and no identity
// leaves with one other than 200: it is set last.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h["Cache-Control"], h["Vary"] = noStore, varyBy
	defer s.recover(w)
	f := familyOf(r.RequestURI)
	if f == nil {
		refuse(w, http.StatusNotFound, "ROUTE_NOT_FOUND", "There is nothing here.", nil)
		return
	}
	if !s.mayAsk(r) {
		s.counts.count(nil, refusedPeer)
		refuse(w, http.StatusForbidden, "FORBIDDEN", "This client is not a trusted proxy.", nil)
		return
	}
	request, ok := f.read(r)
	if !ok {
		s.counts.count(nil, unread)
		s.quiet.debug("refused an unclear request: a value is missing, repeated or ambiguous", "family", f.name, "proxy", r.RemoteAddr)
		refuse(w, f.unread, "INVALID_PAYLOAD", "The proxy's description of the request is unclear.", nil)
		return
	}
	s.answer(w, r, f, &request)
}

// answer decides.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, f *family, request *Request) {
	d := s.rules.Load().withoutPerson(request)
	if d.App == nil {
		s.refusePlace(w, f, request, d)
		return
	}
	if d.Verdict == Preflight {
		s.counts.count(d.App, d.Verdict)
		s.pass(w, r, f, &nobody)
		return
	}
	p, err := s.person(r)
	switch {
	case errors.Is(err, errNobody) && d.Verdict == Public && !s.hasBearer(r):
		s.counts.count(d.App, d.Verdict)
		s.pass(w, r, f, &nobody)
	case errors.Is(err, errNobody):
		s.counts.count(d.App, SignIn)
		s.signIn(w, r, f, d.App, request)
	case err != nil:
		s.fail(w, r, err)
	default:
		s.answerPerson(w, r, f, request, d, &p)
	}
}

// hasBearer reports whether a request has one of the host's bearer tokens, which is
// invalid: a client that sends one wants to be authenticated.
func (s *Server) hasBearer(r *http.Request) bool {
	return slices.ContainsFunc(r.Header["Authorization"], func(line string) bool { return s.bearer(line) != "" })
}

// answerPerson answers for a signed-in user. An app that does not admit the user learns
// nothing about them at a public path, either.
func (s *Server) answerPerson(w http.ResponseWriter, r *http.Request, f *family, request *Request, d Decision, p *Person) {
	judged := d.forPerson(p)
	told, err := &nobody, error(nil)
	if judged.Verdict == Admitted {
		told, err = s.identify(r.Context(), d.App, p)
	}
	var unnamed noUserError
	switch {
	case errors.As(err, &unnamed):
		s.quiet.warn("unnamed "+p.ID, "denied a user who cannot be named to the application", "app", d.App.Name, "user", p.ID, "why", unnamed.Error())
		judged.Verdict, told = Denied, &nobody
	case err != nil:
		s.fail(w, r, err)
		return
	}
	switch {
	case d.Verdict == Public:
		s.counts.count(d.App, Public)
		s.pass(w, r, f, told)
	case judged.Verdict == Admitted:
		s.counts.count(d.App, Admitted)
		s.pass(w, r, f, told)
	default:
		s.counts.count(d.App, Denied)
		s.quiet.info("denied "+p.ID+" "+d.App.Name, "denied", "app", d.App.Name, "user", p.ID, "provider", p.Provider,
			"missing", judged.Missing, "role", p.Role, "groups", p.Groups.List())
		s.deny(w, r, f, d.App, request)
	}
}

// refusePlace answers if there is no app, or the path is ambiguous. It never redirects:
// signing in would not change it.
func (s *Server) refusePlace(w http.ResponseWriter, f *family, request *Request, d Decision) {
	s.counts.count(nil, d.Verdict)
	s.quiet.info(d.Verdict.String()+" "+request.Origin.String(), "refused", "origin", request.Origin.String(), "error", d.Err)
	if d.Verdict == Unknown {
		refuse(w, http.StatusForbidden, "FORBIDDEN", "There is no such application.", nil)
		return
	}
	refuse(w, f.unread, "INVALID_PAYLOAD", "The path can be read in more than one way.", nil)
}

// fail answers if the host itself has a problem.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		s.quiet.debug("the proxy went away", "error", err)
	} else {
		s.quiet.error("fail", "requests cannot be checked", "error", err)
	}
	s.counts.count(nil, failed)
	refuse(w, http.StatusServiceUnavailable, "SERVICE_UNAVAILABLE", "Requests cannot be checked at the moment.", nil)
}

func (s *Server) recover(w http.ResponseWriter) {
	if what := recover(); what != nil {
		h := w.Header()
		for _, name := range identityHeaders {
			delete(h, name)
		}
		s.counts.count(nil, failed)
		s.quiet.error("panic", "panic", "type", fmt.Sprintf("%T", what), "stack", string(debug.Stack()))
		refuse(w, http.StatusInternalServerError, "INTERNAL_SERVER_ERROR", "Something went wrong here.", nil)
	}
}

// mayAsk reports whether the request comes from a trusted proxy.
func (s *Server) mayAsk(r *http.Request) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !s.trusts(peer.Addr().Unmap().WithZone("")) {
		s.quiet.warn("peer "+peer.Addr().String(), "refused an address that is not in FORWARD_AUTH_TRUST_PROXY", "address", r.RemoteAddr)
		return false
	}
	if s.config.Secret == "" {
		return true
	}
	said := sha256.Sum256([]byte(once(r, "X-Doorward-Proxy")))
	if subtle.ConstantTimeCompare(said[:], s.secret[:]) != 1 {
		s.quiet.warn("secret "+peer.Addr().String(), "refused a proxy without FORWARD_AUTH_SECRET in X-Doorward-Proxy", "address", r.RemoteAddr)
		return false
	}
	return true
}

func (s *Server) trusts(peer netip.Addr) bool {
	for _, prefix := range s.config.TrustedProxies {
		if prefix.Contains(peer) {
			return true
		}
	}
	return false
}
