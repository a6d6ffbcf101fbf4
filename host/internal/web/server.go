package web

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"sync/atomic"
	"time"

	hclog "github.com/hashicorp/go-hclog"
	"github.com/labstack/echo/v4"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/web/limit"
	"github.com/doorward/doorward/host/internal/web/tally"
)

// Config configures a Server.
type Config struct {
	PublicURL *url.URL

	// AllowedPublicURLs are further URLs under which browsers reach this host. No two URLs
	// have the same host and port.
	AllowedPublicURLs []*url.URL

	SessionCookie Cookie
	RefreshCookie Cookie

	// CORS is what pages of other origins are allowed to do.
	CORS CORS

	// TrustedProxies are believed when they say in X-Forwarded-For who the client is.
	TrustedProxies []netip.Prefix

	// MaxBodies bounds the bytes of large request bodies held at the same time; 0 is a
	// default of 16 MiB. Each body takes several times its size in memory.
	MaxBodies int64

	// Limits are the limits on sign-ins that fail or are never completed; nil: there are
	// none.
	Limits *limit.Limiter

	// Tally counts sign-ins and refusals; nil: they are not counted.
	Tally *tally.Tally

	Logger hclog.Logger
}

// Ports are the services that a Server calls.
type Ports struct {
	Logins *sso.Service

	// Apps are the applications behind proxies; nil: there are none.
	Apps Apps

	// Keys returns the public keys of access tokens as a JWK set.
	Keys func(ctx context.Context) []byte

	// Storage returns nil while the store works.
	Storage func(ctx context.Context) error
}

// Server answers HTTP requests.
type Server struct {
	config       Config
	ports        Ports
	logger       hclog.Logger
	sampled      *sampler // for lines that anyone can cause
	urls         publicURLs
	cors         corsRules
	issuer       []byte // the metadata of RFC 8414
	attemptNames nameRotation
	bodyMemory   *bodyMemory
	parsing      parseLimit
	loops        loopGuard
	profiles     *profileLimit
	storage      *storeHealth
	notReady     atomic.Bool
	lateRequests time.Duration // lateRequestWait; tests have slow clients
	echo         *echo.Echo
}

// Limits of the HTTP server. Echo sets none, and without them a client that sends nothing
// holds its connection indefinitely (L01).
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 15 * time.Second
	writeTimeout      = 80 * time.Second // longer than both calls of a login to a slow provider, with the wait for each
	idleTimeout       = 60 * time.Second
	maxHeader         = 32 << 10 // several attempt cookies
	shutdownTimeout   = 10 * time.Second
)

// New makes a Server.
func New(config Config, ports Ports) (*Server, error) {
	if ports.Apps == nil {
		ports.Apps = noApps{}
	}
	urls, err := newPublicURLs(config, ports.Apps.Places)
	if err != nil {
		return nil, err
	}
	issuer, err := issuerMetadataOf(config.PublicURL)
	if err != nil {
		return nil, err
	}
	s := &Server{
		issuer: issuer, config: config, cors: newCORSRules(config.CORS), ports: ports, logger: config.Logger, sampled: newSampler(config.Logger), urls: urls,
		loops: loopGuard{now: time.Now}, bodyMemory: newBodyMemory(config.MaxBodies), parsing: newParseLimit(), lateRequests: lateRequestWait,
	}
	s.profiles = newProfileLimit(time.Now)
	s.storage = &storeHealth{storage: ports.Storage, sampled: s.sampled}
	for _, p := range ports.Logins.Providers() {
		if _, err := urls.main.redirects.rules(p); err != nil {
			return nil, err
		}
	}
	s.echo = s.routes()
	return s, nil
}

// ServeHTTP makes the handlers available to tests and other servers.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.notReady.Load() {
		w.Header().Set("Connection", "close")
	}
	s.echo.ServeHTTP(w, r)
}

// NotReady makes /server/health answer 503 from now on, so that load balancers send no more
// requests. Requests are answered as before, but each answer closes its connection: a proxy
// could otherwise reuse an open connection just as the server closes it, and most proxies
// do not repeat a POST that was lost this way.
func (s *Server) NotReady() { s.notReady.Store(true) }

// Serve answers requests until listening is done. Then it accepts no more connections, and
// lets requests under way finish until underWay is done, but no longer than
// shutdownTimeout.
func (s *Server) Serve(listening, underWay context.Context, listener net.Listener) error {
	idle := &idleConns{conns: map[net.Conn]http.ConnState{}}
	server := &http.Server{
		Handler:           s,
		ConnState:         idle.watch,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          log.New(serverLog{s.sampled}, "", 0),
	}
	server.RegisterOnShutdown(idle.closeNew)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serving HTTP: %w", err)
	case <-listening.Done():
	}
	s.NotReady()
	_ = listener.Close()
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("serving HTTP: %w", err)
	}
	idle.wait(underWay, s.lateRequests)
	return shutDown(underWay, server)
}

func shutDown(underWay context.Context, server *http.Server) error {
	ctx, cancel := context.WithTimeout(underWay, shutdownTimeout)
	defer cancel()
	if err := server.Shutdown(ctx); ctx.Err() != nil {
		return server.Close()
	} else if err != nil {
		return fmt.Errorf("stopping the HTTP server: %w", err)
	}
	return nil
}
