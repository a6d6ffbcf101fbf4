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

// Config is what a Server needs to know.
type Config struct {
	PublicURL  string // where people sign in, without a slash at the end
	Issuer     string // of access tokens
	CookieName string // of the session cookie

	// TrustedProxies may ask. Empty: nobody may.
	TrustedProxies []netip.Prefix

	// Secret, unless it is empty, must come with each question in X-Doorward-Proxy: for
	// networks where an address proves nothing.
	Secret string

	User         UserHeader
	AssertionTTL time.Duration // zero: sso.AssertionTTL

	Logger hclog.Logger
}

// Ports is what a Server uses of the world.
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
	quiet      *quiet
	counts     counts
}

// New makes a Server that knows no app.
func New(config Config, ports Ports) *Server {
	if config.AssertionTTL == 0 {
		config.AssertionTTL = sso.AssertionTTL
	}
	s := &Server{config: config, ports: ports, secret: sha256.Sum256([]byte(config.Secret)), quiet: newQuiet(config.Logger, ports.Now)}
	s.rules.Store(NewRules(nil))
	return s
}

// SetRules puts rules in force, for every request that comes from now on.
func (s *Server) SetRules(rules *Rules) {
	s.rules.Store(rules)
	s.identities.clear()
}

// Rules are those in force.
func (s *Server) Rules() *Rules { return s.rules.Load() }

// The times of connections. Proxies keep them open between requests: for longer than any
// of them does, so that none asks at the very moment when we close.
const (
	readHeaderTimeout = 5 * time.Second
	writeTimeout      = 10 * time.Second
	idleTimeout       = 5 * time.Minute
	maxHeader         = 48 << 10 // the client's headers come along
	shutdownTimeout   = 10 * time.Second
)

// Serve answers until listening is done. Questions under way get their answers.
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

// HTTPServer is an http.Server that answers, with the limits of Serve.
func (s *Server) HTTPServer() *http.Server {
	return &http.Server{
		Handler: s, ReadHeaderTimeout: readHeaderTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		ErrorLog: s.config.Logger.StandardLogger(&hclog.StandardLoggerOptions{ForceLevel: hclog.Debug}),
	}
}

// ServeHTTP answers one question. The status is always written, and no identity leaves
// with one other than 200: it is set last.
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
		refuse(w, http.StatusForbidden, "FORBIDDEN", "You may not ask.", nil)
		return
	}
	request, ok := f.read(r)
	if !ok {
		s.counts.count(nil, unread)
		s.quiet.debug("request cannot be judged: a datum is missing, twice, or can be read in two ways", "family", f.name, "proxy", r.RemoteAddr)
		refuse(w, f.unread, "INVALID_PAYLOAD", "What the proxy says of the request is not clear.", nil)
		return
	}
	s.answer(w, r, f, &request)
}

// answer decides.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, f *family, request *Request) {
	d := s.rules.Load().place(request)
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

// hasBearer reports whether a request came with bearer tokens of ours, which are bad:
// whoever sends one wants to be somebody.
func (s *Server) hasBearer(r *http.Request) bool {
	return slices.ContainsFunc(r.Header["Authorization"], func(line string) bool { return s.bearer(line) != "" })
}

// answerPerson answers somebody who is signed in. To whom the app does not admit it is
// told nothing at a public path, either.
func (s *Server) answerPerson(w http.ResponseWriter, r *http.Request, f *family, request *Request, d Decision, p *Person) {
	judged := d.who(p)
	told, err := &nobody, error(nil)
	if judged.Verdict == Admitted {
		told, err = s.identify(r.Context(), d.App, p)
	}
	var unnamed noUserError
	switch {
	case errors.As(err, &unnamed):
		s.quiet.warn("unnamed "+p.ID, "somebody is denied who cannot be named to the application", "app", d.App.Name, "user", p.ID, "why", unnamed.Error())
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

// refusePlace answers for what is no app, or no clear path in one. It is never sent on:
// a login would not change it.
func (s *Server) refusePlace(w http.ResponseWriter, f *family, request *Request, d Decision) {
	s.counts.count(nil, d.Verdict)
	s.quiet.info(d.Verdict.String()+" "+request.Origin.String(), "refused", "origin", request.Origin.String(), "error", d.Err)
	if d.Verdict == Unknown {
		refuse(w, http.StatusForbidden, "FORBIDDEN", "There is no such application.", nil)
		return
	}
	refuse(w, f.unread, "INVALID_PAYLOAD", "The path can be read in more than one way.", nil)
}

// fail is for what is our fault.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		s.quiet.debug("the proxy went away", "error", err)
	} else {
		s.quiet.error("fail", "nobody can be let through", "error", err)
	}
	s.counts.count(nil, failed)
	refuse(w, http.StatusServiceUnavailable, "SERVICE_UNAVAILABLE", "Nobody can be let through at the moment.", nil)
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

// mayAsk reports whether a proxy of ours asks.
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
