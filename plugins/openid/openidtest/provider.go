package openidtest

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Provider is an OpenID provider. It is an http.Handler for all URLs below its
// issuer, and safe for concurrent use.
type Provider struct {
	config Config
	issuer string
	base   string // path of the issuer without a trailing slash
	mux    *http.ServeMux

	server *http.Server  // nil if made by New
	served chan struct{} // closed when the server's goroutine has ended
	done   chan struct{} // closed by Close: ends the answers that hang
	stop   sync.Once

	behaviours map[Misbehaviour]behaviour // never changes

	keys   keyRing
	grants grantStore

	mu          sync.Mutex
	clients     map[string]Client
	previous    map[string]parameters // the latest authorization request of each client
	misbehaving []Misbehaviour
	pushed      map[string]pushedRequest
	changed     map[string]map[string]any // claims of people, by subject
	used        map[string]bool           // IDs that must be used once
	nonces      [2]string                 // for DPoP, the latest first

	alterResponse ResponseAlter
	hits          map[Endpoint]int
	lastToken     TokenRequest
}

// New makes a provider that does not listen. The caller must serve it at config.Issuer.
func New(config Config) (*Provider, error) {
	config = config.withDefaults()
	if err := config.validate(); err != nil {
		return nil, fmt.Errorf("configuring OpenID provider: %w", err)
	}
	issuer, err := url.Parse(config.Issuer)
	if err != nil {
		return nil, fmt.Errorf("configuring OpenID provider: %w", err)
	}
	p := &Provider{
		config:     config,
		issuer:     config.Issuer,
		base:       strings.TrimSuffix(issuer.Path, "/"),
		done:       make(chan struct{}),
		behaviours: catalogue(),
		clients:    map[string]Client{},
		previous:   map[string]parameters{},
		hits:       map[Endpoint]int{},
		pushed:     map[string]pushedRequest{},
		changed:    map[string]map[string]any{},
		used:       map[string]bool{},
	}
	p.RotateNonce()
	if err := p.keys.rotate(); err != nil {
		return nil, fmt.Errorf("making keys: %w", err)
	}
	for _, client := range config.Clients {
		if err := p.AddClient(client); err != nil {
			return nil, err
		}
	}
	p.mux = p.routes()
	return p, nil
}

// Listen starts a provider that serves until Close.
func Listen(config Config) (*Provider, error) {
	listener, err := net.Listen("tcp", cmp.Or(config.Addr, "127.0.0.1:0"))
	if err != nil {
		return nil, fmt.Errorf("listening: %w", err)
	}
	if config.Issuer == "" {
		config.Issuer = "http://" + listener.Addr().String() + config.IssuerPath
	}
	p, err := New(config)
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	p.server = &http.Server{Handler: p, ReadHeaderTimeout: 10 * time.Second}
	p.served = make(chan struct{})
	go func() {
		defer close(p.served)
		// Serve always returns an error; after Close it is meaningless.
		_ = p.server.Serve(listener)
	}()
	return p, nil
}

// TB is the part of testing.TB that Start needs, so that a program that only calls
// Listen does not link package testing.
type TB interface {
	Helper()
	Fatalf(format string, args ...any)
	Cleanup(func())
}

// Start is Listen for tests: the provider is closed when the test ends.
func Start(t TB, config Config) *Provider {
	t.Helper()
	p, err := Listen(config)
	if err != nil {
		t.Fatalf("openidtest: %v", err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

// Close ends all answers under way and stops listening. It may be called twice.
func (p *Provider) Close() error {
	var err error
	p.stop.Do(func() {
		close(p.done)
		if p.server != nil {
			err = p.server.Close()
			<-p.served
		}
	})
	return err
}

// Issuer is the issuer identifier, byte for byte as in ID tokens.
func (p *Provider) Issuer() string { return p.issuer }

// AddClient registers a client, or replaces the one with the same ID.
func (p *Provider) AddClient(client Client) error {
	client = client.withDefaults()
	if err := client.validate(); err != nil {
		return fmt.Errorf("registering client: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clients[client.ID] = client
	return nil
}

// RotateKeys makes new keys and signs with them from now on. The previous keys stay
// published (OpenID Connect Core section 10.1.1); older ones are withdrawn, so two calls
// withdraw all earlier keys.
func (p *Provider) RotateKeys() error {
	if err := p.keys.rotate(); err != nil {
		return fmt.Errorf("rotating keys: %w", err)
	}
	return nil
}

// Now returns the time by the clock of the Config.
func (p *Provider) Now() time.Time { return p.config.Now() }

func (p *Provider) client(id string) (Client, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	client, ok := p.clients[id]
	return client, ok
}

func (p *Provider) person(subject string) (Person, bool) {
	for _, person := range p.config.People {
		if person.Subject == subject {
			return person, true
		}
	}
	return Person{}, false
}

// url is the absolute URL of one of the provider's paths.
func (p *Provider) url(path string) string {
	return strings.TrimSuffix(p.issuer, "/") + path
}
