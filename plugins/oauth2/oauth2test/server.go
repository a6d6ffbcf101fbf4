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

// Endpoint is the name of an endpoint of the server, for Hits and Alter.
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

	// Elsewhere is the server that a client must not send requests to: see [Server.Trap].
	Elsewhere Endpoint = "elsewhere"
)

// Server is a provider. It is safe for concurrent use.
type Server struct {
	config  Config
	flavour flavour
	web     *listener
	api     *listener // the same as web unless the API is on another host
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

// TB is the part of testing.TB that Start needs, so that programs do not link package
// testing.
type TB interface {
	Helper()
	Fatalf(format string, args ...any)
	Cleanup(func())
}

// Start is Listen for tests: it closes the server at the end of the test.
func Start(t TB, config Config) *Server {
	t.Helper()
	s, err := Listen(config)
	if err != nil {
		t.Fatalf("oauth2test: %v", err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// Close ends all running requests and stops listening. It can be called more than once.
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

// Base is the URL of the sign-in page: the base_url of a preset.
func (s *Server) Base() string { return s.web.url + s.flavour.base }

// API is the URL of the API: the api_url of a preset.
func (s *Server) API() string { return s.api.url + s.flavour.api }

// Options returns the options with which the oauth2 plugin signs in as this client.
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

// Trap is the URL of another server. Requests to it are counted as Elsewhere.
func (s *Server) Trap() string { return s.trap.url }

// Hits returns the number of requests that an endpoint received, whatever its replies.
func (s *Server) Hits(e Endpoint) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hits[e]
}

// Spent returns the largest number of token requests with the same code.
func (s *Server) Spent() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	most := 0
	for _, n := range s.spent {
		most = max(most, n)
	}
	return most
}

// Leaks lists the URLs that contained a secret or a token.
func (s *Server) Leaks() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.leaks)
}

// SetPeople replaces the users. Grants refer to IDs: a renamed user keeps their grants, and
// requests of a removed user get status 401.
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

// watch detects secrets in URLs before a request is handled.
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

// listener is an HTTP server with its URL.
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
		_ = l.server.Serve(at) // always returns an error, which says nothing after close
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
