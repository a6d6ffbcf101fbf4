package oauth2test

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Endpoint names a URL of the server, for Hits and Alter.
type Endpoint string

// The endpoints.
const (
	Authorization Endpoint = "authorize"
	Token         Endpoint = "token"
	Profile       Endpoint = "profile"
	Emails        Endpoint = "emails"
	Orgs          Endpoint = "orgs"
	Teams         Endpoint = "teams"
	Revocation    Endpoint = "revoke"

	// Elsewhere is what was never to be asked: see [Server.Trap].
	Elsewhere Endpoint = "elsewhere"
)

// Server is a provider. It is safe for concurrent use.
type Server struct {
	config  Config
	flavour flavour
	web     *listener
	api     *listener // web, if the kind has its API there
	trap    *listener
	stop    sync.Once

	mu      sync.Mutex
	people  []Person
	grants  grants
	hits    map[Endpoint]int
	spent   map[string]int // token requests by code
	altered map[Endpoint][]Alteration
	leaks   []string
	last    TokenRequest
}

// Listen starts a server that serves until Close.
func Listen(config Config) (*Server, error) {
	config = config.withDefaults()
	if err := config.validate(); err != nil {
		return nil, fmt.Errorf("configuring the provider: %w", err)
	}
	s := &Server{
		config: config, flavour: flavours[config.Kind], people: slices.Clone(config.People),
		hits: map[Endpoint]int{}, spent: map[string]int{}, altered: map[Endpoint][]Alteration{},
	}
	s.grants.now = config.Now
	webMux, apiMux := http.NewServeMux(), http.NewServeMux()
	if !s.flavour.apart {
		apiMux = webMux
	}
	s.routes(webMux, apiMux)
	var err error
	if s.web, err = listen(config.Addr, s.watch(webMux)); err != nil {
		return nil, err
	}
	s.api = s.web
	if s.flavour.apart {
		if s.api, err = listen(config.APIAddr, s.watch(apiMux)); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	s.trap, err = listen("", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { s.count(Elsewhere) }))
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// TB is the part of testing.TB that Start needs. A program that only listens does
// not link package testing for it.
type TB interface {
	Helper()
	Fatalf(format string, args ...any)
	Cleanup(func())
}

// Start is Listen for tests: the server is closed when the test ends.
func Start(t TB, config Config) *Server {
	t.Helper()
	s, err := Listen(config)
	if err != nil {
		t.Fatalf("oauth2test: %v", err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// Close ends all answers under way and stops listening. It may be called twice.
func (s *Server) Close() error {
	var err error
	s.stop.Do(func() {
		for _, l := range []*listener{s.web, s.api, s.trap} {
			if l != nil {
				err = errors.Join(err, l.close())
			}
		}
	})
	return err
}

// Base is where people sign in: the base_url of a preset.
func (s *Server) Base() string { return s.web.url + s.flavour.base }

// API is where programs ask: the api_url of a preset.
func (s *Server) API() string { return s.api.url + s.flavour.api }

// Options are those with which the oauth2 plugin signs in here as that client.
func (s *Server) Options(client Client) map[string]any {
	options := map[string]any{"client_id": client.ID, "client_secret": client.Secret}
	if s.config.Kind == Generic {
		options["authorize_url"] = s.web.url + s.flavour.authorize
		options["access_url"] = s.web.url + s.flavour.token
		options["profile_url"] = s.web.url + "/profile"
		options["identifier_key"] = "id"
		options["email_verified_key"] = "email_verified"
		options["username_key"] = "username"
		return options
	}
	options["preset"], options["base_url"], options["api_url"] = string(s.config.Kind), s.Base(), s.API()
	return options
}

// Trap is a URL on another host. Requests to it are counted as Elsewhere.
func (s *Server) Trap() string { return s.trap.url }

// Hits counts the requests that an endpoint received, whatever the answer was.
func (s *Server) Hits(e Endpoint) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hits[e]
}

// Spent is the largest number of token requests with one and the same code.
func (s *Server) Spent() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	most := 0
	for _, n := range s.spent {
		most = max(most, n)
	}
	return most
}

// Leaks tells in which URLs a secret or a token stood.
func (s *Server) Leaks() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.leaks)
}

// SetPeople replaces the end users. Grants are by ID, so that who is renamed keeps
// theirs, and who is gone is 401.
func (s *Server) SetPeople(people ...Person) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.people = slices.Clone(people)
}

func (s *Server) count(e Endpoint) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hits[e]++
}

func (s *Server) byLogin(login string) (Person, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := slices.IndexFunc(s.people, func(p Person) bool { return p.Login == login })
	if at < 0 {
		return Person{}, false
	}
	return s.people[at], true
}

func (s *Server) byID(id string) (Person, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := slices.IndexFunc(s.people, func(p Person) bool { return p.ID == id })
	if at < 0 {
		return Person{}, false
	}
	return s.people[at], true
}

func (s *Server) everybody() []Person {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.people)
}

func (s *Server) client(id string) (Client, bool) {
	at := slices.IndexFunc(s.config.Clients, func(c Client) bool { return c.ID == id })
	if at < 0 {
		return Client{}, false
	}
	client := s.config.Clients[at]
	client.Auth = cmp.Or(client.Auth, s.flavour.auth, Basic)
	return client, true
}

// watch looks for secrets in URLs before anything else.
func (s *Server) watch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		target := r.URL.String()
		for _, client := range s.config.Clients {
			if client.Secret != "" && strings.Contains(target, client.Secret) {
				s.leak("the secret in " + r.URL.Path)
			}
		}
		if s.grants.tokenIn(target) {
			s.leak("a token in " + r.URL.Path)
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Server) leak(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leaks = append(s.leaks, text)
}

// listener is a server and where it listens.
type listener struct {
	url    string
	server *http.Server
	served chan struct{} // closed when its goroutine has ended
	once   sync.Once
}

func listen(addr string, handler http.Handler) (*listener, error) {
	at, err := net.Listen("tcp", cmp.Or(addr, "127.0.0.1:0"))
	if err != nil {
		return nil, fmt.Errorf("listening: %w", err)
	}
	l := &listener{
		url: "http://" + at.Addr().String(), served: make(chan struct{}),
		server: &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second},
	}
	go func() {
		defer close(l.served)
		_ = l.server.Serve(at) // always an error; after close it has nothing to tell
	}()
	return l, nil
}

func (l *listener) close() error {
	var err error
	l.once.Do(func() {
		err = l.server.Close()
		<-l.served
	})
	return err
}

func randomText() string { return rand.Text() }
