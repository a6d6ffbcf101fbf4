package provider

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	hclog "github.com/hashicorp/go-hclog"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/plugin"
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

	limits limits           // zero: the default
	clock  func() time.Time // nil: the real one
}

// Providers are the configured providers and the plugins that serve them. It
// implements sso.Providers.
type Providers struct {
	config     Config
	byName     map[string]Configured
	plugins    map[string]*supervised // by mechanism
	runtimeDir string
	end        context.CancelFunc // ends the life of all plugins
}

// Start launches the plugins side by side and opens the providers. The error,
// if any, names every provider whose options were refused, by the names that
// the operator wrote.
func Start(ctx context.Context, config Config) (*Providers, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("starting the plugins: %w", err)
	}
	dir, err := makeRuntimeDir()
	if err != nil {
		return nil, fmt.Errorf("making the folder for plugin sockets: %w", err)
	}
	p := newProviders(context.WithoutCancel(ctx), config, dir)
	defer context.AfterFunc(ctx, p.end)()
	if err := p.startAll(ctx); err != nil {
		p.Stop()
		return nil, err
	}
	return p, nil
}

// maxRuntimeDir leaves room for a folder and a socket in it: the path of a unix
// socket is limited to 103 bytes where it is shortest.
const maxRuntimeDir = 103 - len("/4294967295/plugin4294967295")

// makeRuntimeDir makes a folder that nobody else may enter, for the sockets.
func makeRuntimeDir() (string, error) {
	dir, err := os.MkdirTemp("", "doorward-")
	if err != nil || len(dir) <= maxRuntimeDir {
		return dir, err
	}
	return "", errors.Join(fmt.Errorf("its path %s is too long for sockets: set TMPDIR to a shorter one", dir), os.Remove(dir))
}

func newProviders(ctx context.Context, config Config, dir string) *Providers {
	if config.limits == (limits{}) {
		config.limits = defaultLimits
	}
	if config.clock == nil {
		config.clock = time.Now
	}
	life, end := context.WithCancel(ctx)
	p := &Providers{config: config, byName: map[string]Configured{}, plugins: map[string]*supervised{}, runtimeDir: dir, end: end}
	for _, c := range config.Providers {
		p.byName[c.Name] = c
		s, ok := p.plugins[c.Driver]
		if !ok {
			s = newSupervised(life, launcher{
				path: binaryPath(config.PluginDir, c.Driver), mechanism: c.Driver,
				runtimeDir: dir, logger: config.Logger, limits: config.limits,
			}, config.clock)
			p.plugins[c.Driver] = s
		}
		s.providers = append(s.providers, openRequest(config.PublicURL, c))
	}
	return p
}

func openRequest(publicURL string, c Configured) plugin.OpenRequest {
	base := publicURL + "/auth/login/" + c.Name
	return plugin.OpenRequest{
		Provider: c.Name, Options: c.Options,
		CallbackURL: base + "/callback", MetadataURL: base + "/metadata", LogoutURL: base + "/logout",
	}
}

func (p *Providers) startAll(ctx context.Context) error {
	var group sync.WaitGroup
	for _, s := range p.plugins {
		group.Go(s.start)
	}
	group.Wait()
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("starting the plugins: %w", err)
	}
	return p.refusals()
}

// Stop ends all plugins, side by side and within a bound. It may be called more
// than once.
func (p *Providers) Stop() {
	p.end()
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
	return p.plugins[c.Driver].available(name)
}

// Mechanism implements sso.Providers.
func (p *Providers) Mechanism(ctx context.Context, name string) (sdk.Mechanism, error) {
	c, ok := p.byName[name]
	if !ok {
		return nil, sso.ErrUnknownProvider
	}
	return p.plugins[c.Driver].opened(ctx, name)
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
		list = append(list, Status{Provider: c.Name, Plugin: s.path, Version: s.version(), Err: p.Available(c.Name)})
	}
	return list
}
