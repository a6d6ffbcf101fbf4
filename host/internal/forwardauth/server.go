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
	PublicURL  string // of the host, without a slash at the end
	Issuer     string // of access tokens
	CookieName string // of the session cookie

	// TrustedProxies are the addresses that may send requests. If empty, all are refused.
	TrustedProxies []netip.Prefix

	// Secret, if not empty, must be in X-Doorward-Proxy of each request: for networks where
	// an address does not identify a proxy.
	Secret string

	User         UserHeader
	AssertionTTL time.Duration // zero: sso.AssertionTTL

	Logger hclog.Logger
}

// Ports contains the dependencies of a Server.
type Ports struct {
	People People

	// Assert signs an assertion.
	Assert func(ctx context.Context, claims sso.Assertion) (string, error)

	Now func() time.Time
}

// Server handles the requests of proxies.
type Server struct {
	config     Config
	secret     [sha256.Size]byte
	ports      Ports
	rules      atomic.Pointer[Rules]
	identities identities
	log        *throttledLog
	counts     counts
}

// New returns a Server without apps.
func New(config Config, ports Ports) *Server {
	if config.AssertionTTL == 0 {
		config.AssertionTTL = sso.AssertionTTL
	}
	s := &Server{config: config, ports: ports, secret: sha256.Sum256([]byte(config.Secret)), log: newThrottledLog(config.Logger, ports.Now)}
	s.rules.Store(NewRules(nil))
	return s
}

// SetRules sets the rules for all further requests.
func (s *Server) SetRules(rules *Rules) {
	s.rules.Store(rules)
	s.identities.clear()
}

// Rules returns the current rules.
func (s *Server) Rules() *Rules { return s.rules.Load() }

// Limits of connections. Proxies keep connections open between requests. The idle timeout is
// longer than that of any proxy, so that no proxy sends a request while the host closes.
const (
	readHeaderTimeout = 5 * time.Second
	writeTimeout      = 10 * time.Second
	idleTimeout       = 5 * time.Minute
	maxHeader         = 48 << 10 // includes the headers of the client
	shutdownTimeout   = 10 * time.Second
)

// Serve handles requests until listening is done, and then waits for running requests.
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

// HTTPServer returns an http.Server with the limits of Serve.
func (s *Server) HTTPServer() *http.Server {
	return &http.Server{
		Handler: s, ReadHeaderTimeout: readHeaderTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		ErrorLog: s.config.Logger.StandardLogger(&hclog.StandardLoggerOptions{ForceLevel: hclog.Debug}),
	}
}

// ServeHTTP handles one request of a proxy. It always writes a status. The identity is set
// last, so that only a response with status 200 contains it.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h["Cache-Control"], h["Vary"] = noStore, varyBy
	defer s.recover(w)
	f := familyOf(r.RequestURI)
	if f == nil {
		refuse(w, http.StatusNotFound, "ROUTE_NOT_FOUND", "There is no such endpoint.", nil)
		return
	}
	if !s.isTrustedProxy(r) {
		s.counts.count(nil, refusedPeer)
		refuse(w, http.StatusForbidden, "FORBIDDEN", "This proxy is not trusted.", nil)
		return
	}
	request, ok := f.read(r)
	if !ok {
		s.counts.count(nil, unread)
		s.log.debug("a value from the proxy is missing, duplicate or ambiguous", "family", f.name, "proxy", r.RemoteAddr)
		refuse(w, f.unread, "INVALID_PAYLOAD", "The proxy's description of the request is incomplete or ambiguous.", nil)
		return
	}
	s.checkRequest(w, r, f, &request)
}

// checkRequest decides about a request and writes the response.
func (s *Server) checkRequest(w http.ResponseWriter, r *http.Request, f *family, request *Request) {
	d := s.rules.Load().decideByPath(request)
	if d.App == nil {
		s.refuseRequest(w, f, request, d)
		return
	}
	if d.Verdict == Preflight {
		s.counts.count(d.App, d.Verdict)
		s.pass(w, r, f, &noIdentity)
		return
	}
	p, err := s.authenticate(r)
	switch {
	case errors.Is(err, errNotSignedIn) && d.Verdict == Public && !s.hasBearer(r):
		s.counts.count(d.App, d.Verdict)
		s.pass(w, r, f, &noIdentity)
	case errors.Is(err, errNotSignedIn):
		s.counts.count(d.App, SignIn)
		s.signIn(w, r, f, d.App, request)
	case err != nil:
		s.fail(w, r, err)
	default:
		s.checkPerson(w, r, f, request, d, &p)
	}
}

// hasBearer reports whether a request has a bearer token of Doorward. A request with an
// invalid one is refused even at a public path, because the client wants to be signed in.
func (s *Server) hasBearer(r *http.Request) bool {
	return slices.ContainsFunc(r.Header["Authorization"], func(line string) bool { return s.bearer(line) != "" })
}

// checkPerson writes the response for a signed-in user. If the app does not admit the user, a
// response for a public path has no identity.
func (s *Server) checkPerson(w http.ResponseWriter, r *http.Request, f *family, request *Request, d Decision, p *Person) {
	judged := d.decideFor(p)
	id, err := &noIdentity, error(nil)
	if judged.Verdict == Admitted {
		id, err = s.identify(r.Context(), d.App, p)
	}
	var unnamed noUserError
	switch {
	case errors.As(err, &unnamed):
		s.log.warn("unnamed "+p.ID, "denied a user without a value for Remote-User", "app", d.App.Name, "user", p.ID, "why", unnamed.Error())
		judged.Verdict, id = Denied, &noIdentity
	case err != nil:
		s.fail(w, r, err)
		return
	}
	switch {
	case d.Verdict == Public:
		s.counts.count(d.App, Public)
		s.pass(w, r, f, id)
	case judged.Verdict == Admitted:
		s.counts.count(d.App, Admitted)
		s.pass(w, r, f, id)
	default:
		s.counts.count(d.App, Denied)
		s.log.info("denied "+p.ID+" "+d.App.Name, "denied", "app", d.App.Name, "user", p.ID, "provider", p.Provider,
			"missing", judged.Missing, "role", p.Role, "groups", p.Groups.List())
		s.deny(w, r, f, d.App, request)
	}
}

// refuseRequest refuses a request without an app or with an ambiguous path. It does not
// redirect, because a login would not change the result.
func (s *Server) refuseRequest(w http.ResponseWriter, f *family, request *Request, d Decision) {
	s.counts.count(nil, d.Verdict)
	s.log.info(d.Verdict.String()+" "+request.Origin.String(), "refused", "origin", request.Origin.String(), "error", d.Err)
	if d.Verdict == Unknown {
		refuse(w, http.StatusForbidden, "FORBIDDEN", "There is no such application.", nil)
		return
	}
	refuse(w, f.unread, "INVALID_PAYLOAD", "The path is ambiguous.", nil)
}

// fail is for errors of the host.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		s.log.debug("the proxy closed the connection", "error", err)
	} else {
		s.log.error("fail", "cannot check access", "error", err)
	}
	s.counts.count(nil, failed)
	refuse(w, http.StatusServiceUnavailable, "SERVICE_UNAVAILABLE", "Access cannot be checked at the moment. Try again later.", nil)
}

func (s *Server) recover(w http.ResponseWriter) {
	if what := recover(); what != nil {
		h := w.Header()
		for _, name := range identityHeaders {
			delete(h, name)
		}
		s.counts.count(nil, failed)
		s.log.error("panic", "panic", "type", fmt.Sprintf("%T", what), "stack", string(debug.Stack()))
		refuse(w, http.StatusInternalServerError, "INTERNAL_SERVER_ERROR", "An internal error occurred.", nil)
	}
}

// isTrustedProxy reports whether a request is from a trusted proxy.
func (s *Server) isTrustedProxy(r *http.Request) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !s.trusts(peer.Addr().Unmap().WithZone("")) {
		s.log.warn("peer "+peer.Addr().String(), "refused an address that is not in FORWARD_AUTH_TRUST_PROXY", "address", r.RemoteAddr)
		return false
	}
	if s.config.Secret == "" {
		return true
	}
	said := sha256.Sum256([]byte(once(r, "X-Doorward-Proxy")))
	if subtle.ConstantTimeCompare(said[:], s.secret[:]) != 1 {
		s.log.warn("secret "+peer.Addr().String(), "refused a proxy without FORWARD_AUTH_SECRET in X-Doorward-Proxy", "address", r.RemoteAddr)
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
