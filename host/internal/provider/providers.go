package provider

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"

	hclog "github.com/hashicorp/go-hclog"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
)

// Configured is a provider with the options that its mechanism reads.
type Configured struct {
	sso.Provider
	Options map[string]any

	// Spelling tells how the operator writes an option of this provider, such
	// as AUTH_KEYCLOAK_CLIENT_ID.
	Spelling func(option string) string
}

// Config is what Start needs to know.
type Config struct {
	PluginDir string
	PublicURL string // without a slash at the end
	Providers []Configured
	Logger    hclog.Logger
}

// Providers are the configured providers and the plugins that serve them. It
// implements sso.Providers.
type Providers struct {
	config     Config
	byName     map[string]Configured
	plugins    map[string]*supervised // by mechanism
	runtimeDir string
}

// Start launches the plugins side by side and opens the providers. The error,
// if any, names every provider whose options were refused, by the names that
// the operator wrote.
func Start(ctx context.Context, config Config) (*Providers, error) {
	// Sockets lie in a folder of our own that nobody else may enter. Its path
	// must be short: a unix socket's is limited to 108 bytes.
	dir, err := os.MkdirTemp("", "doorward-")
	if err != nil {
		return nil, fmt.Errorf("making the folder for plugin sockets: %w", err)
	}
	p := &Providers{config: config, byName: map[string]Configured{}, plugins: map[string]*supervised{}, runtimeDir: dir}
	for _, c := range config.Providers {
		p.byName[c.Name] = c
		s, ok := p.plugins[c.Driver]
		if !ok {
			s = newSupervised(c.Driver, binaryPath(config.PluginDir, c.Driver), dir, config.Logger)
			p.plugins[c.Driver] = s
		}
		s.providers = append(s.providers, openRequest(config.PublicURL, c))
	}
	if err := p.startAll(ctx); err != nil {
		p.Stop()
		return nil, err
	}
	return p, nil
}

func (p *Providers) startAll(ctx context.Context) error {
	var group sync.WaitGroup
	for _, s := range p.plugins {
		group.Go(func() { s.start(ctx) })
	}
	group.Wait()
	return p.refusals()
}

// Stop ends all plugins, side by side and within a bound.
func (p *Providers) Stop() {
	var group sync.WaitGroup
	for _, s := range p.plugins {
		group.Go(s.stop)
	}
	group.Wait()
	if err := os.RemoveAll(p.runtimeDir); err != nil {
		p.config.Logger.Warn("removing the folder of plugin sockets", "error", err)
	}
}

// List implements sso.Providers.
func (p *Providers) List() []sso.Provider {
	list := make([]sso.Provider, 0, len(p.config.Providers))
	for _, c := range p.config.Providers {
		list = append(list, c.Provider)
	}
	return list
}

// Provider implements sso.Providers.
func (p *Providers) Provider(name string) (sso.Provider, bool) {
	c, ok := p.byName[name]
	return c.Provider, ok
}

// Available implements sso.Providers.
func (p *Providers) Available(name string) error {
	c, ok := p.byName[name]
	if !ok {
		return sso.ErrUnknownProvider
	}
	return p.plugins[c.Driver].available()
}

// Mechanism implements sso.Providers.
func (p *Providers) Mechanism(ctx context.Context, name string) (sdk.Mechanism, error) {
	c, ok := p.byName[name]
	if !ok {
		return nil, sso.ErrUnknownProvider
	}
	return p.plugins[c.Driver].mechanism(ctx, name)
}

// Status is the state of one provider, for the operator.
type Status struct {
	Provider string
	Plugin   string // path of the binary
	Version  string // empty if the plugin does not run
	Err      error  // why it cannot be used; nil if it can
}

// Status returns the state of all providers in the order of the configuration.
func (p *Providers) Status() []Status {
	var list []Status
	for _, c := range p.config.Providers {
		s := p.plugins[c.Driver]
		list = append(list, Status{Provider: c.Name, Plugin: s.path, Version: s.version(), Err: s.available()})
	}
	return list
}

func mechanismNames(plugins map[string]*supervised) []string {
	var names []string
	for name := range plugins {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
