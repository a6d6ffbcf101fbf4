package provider

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
)

// Providers are the configured providers and the plugins that serve them. It
// implements sso.Providers.
type Providers struct {
	config  Config
	runtime *runtimeDir
	life    context.Context
	end     context.CancelFunc

	now atomic.Pointer[snapshot]

	changing    chan struct{}          // admits one Reload at a time
	supervisors map[string]*supervisor // by plugin; guarded by changing
	draining    sync.WaitGroup         // supervisors that wait for their last calls
}

// snapshot is the configuration that is in force at one time. It never changes.
type snapshot struct {
	order       []Configured
	handles     map[string]*handle // by provider
	supervisors []*supervisor
}

// ErrNoneUsable: every provider is misconfigured, so that nobody could sign in.
var ErrNoneUsable = errors.New("providers are misconfigured")

// Start launches the plugins concurrently and opens the providers. A plugin that does
// not start and a provider that is misconfigured are unavailable; the others work. Start
// fails with ErrNoneUsable only when every provider is misconfigured.
func Start(ctx context.Context, config Config) (*Providers, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("starting the plugins: %w", err)
	}
	runtime, err := makeRuntimeDir()
	if err != nil {
		return nil, fmt.Errorf("making the folder for plugin sockets: %w", err)
	}
	p := newProviders(context.WithoutCancel(ctx), config, runtime)
	stop := context.AfterFunc(ctx, p.end)
	p.setUp(config.Providers)
	if !stop() {
		err = fmt.Errorf("starting the plugins: %w", ctx.Err())
	} else {
		err = p.noneUsable()
	}
	if err != nil {
		p.Stop()
		return nil, err
	}
	return p, nil
}

func newProviders(ctx context.Context, config Config, runtime *runtimeDir) *Providers {
	if config.limits == (limits{}) {
		config.limits = defaultLimits
	}
	if config.Metrics == nil {
		config.Metrics = noMetrics{}
	}
	p := &Providers{config: config, runtime: runtime, changing: make(chan struct{}, 1), supervisors: map[string]*supervisor{}}
	p.life, p.end = context.WithCancel(ctx)
	p.now.Store(&snapshot{})
	return p
}

// setUp starts the plugins when the host starts.
func (p *Providers) setUp(configured []Configured) {
	specs := p.specsOf(configured)
	p.changing <- struct{}{}
	var started []*supervisor
	for name, wanted := range byPlugin(specs) {
		started = append(started, p.supervise(name, wanted))
	}
	p.now.Store(p.snapshotOf(configured, specs))
	<-p.changing
	p.awaitFirst(started)
}

// awaitFirst gives the plugins some time to start, so that the first login finds them. A
// plugin that hangs at its start does not keep the others from serving.
func (p *Providers) awaitFirst(started []*supervisor) {
	timer := time.NewTimer(p.config.limits.first)
	defer timer.Stop()
	for _, s := range started {
		select {
		case <-s.tried:
		case <-timer.C:
			p.config.Logger.Warn("a plugin takes long to start; the host serves the others in the meantime", "plugin", s.name)
			return
		}
	}
}

// supervise starts a plugin, with the providers that it serves.
func (p *Providers) supervise(name string, specs map[string]*spec) *supervisor {
	s := p.newSupervisor(name, specs)
	p.supervisors[name] = s
	go s.run() // until its life ends
	return s
}

// newSupervisor returns a supervisor that does not run yet.
func (p *Providers) newSupervisor(name string, specs map[string]*spec) *supervisor {
	return newSupervisor(p.life, name, p.config, p.runtime.path, specs)
}

func (p *Providers) specsOf(configured []Configured) map[string]*spec {
	specs := map[string]*spec{}
	for _, c := range configured {
		specs[c.Name] = &spec{configured: c, request: openRequest(p.config.PublicURL, c)}
	}
	return specs
}

func byPlugin(specs map[string]*spec) map[string]map[string]*spec {
	plugins := map[string]map[string]*spec{}
	for name, s := range specs {
		plugin := s.configured.pluginName()
		if plugins[plugin] == nil {
			plugins[plugin] = map[string]*spec{}
		}
		plugins[plugin][name] = s
	}
	return plugins
}

// namesOf lists configured providers, for the operator.
func namesOf(configured []Configured) string {
	var names []string
	for _, c := range configured {
		names = append(names, c.Name)
	}
	return strings.Join(names, ", ")
}

// noneUsable returns an error if there are providers and all of them have wrong options.
// The error lists every mistake, in the order of the configuration. A driver without a
// plugin is not a mistake of this kind: the plugin can be added while the host runs, and
// until then the host serves users who are signed in.
func (p *Providers) noneUsable() error {
	var lines []string
	now := p.now.Load()
	for _, c := range now.order {
		err := p.Available(c.Name)
		if !errors.Is(err, sdk.ErrMisconfigured) {
			return nil
		}
		lines = append(lines, explain(c, err)...)
	}
	if len(lines) == 0 {
		return nil
	}
	return fmt.Errorf("%w:\n  %s", ErrNoneUsable, strings.Join(lines, "\n  "))
}

// snapshotOf makes the snapshot that logins see, with the providers in their order.
func (p *Providers) snapshotOf(configured []Configured, specs map[string]*spec) *snapshot {
	s := &snapshot{order: configured, handles: map[string]*handle{}}
	for _, c := range configured {
		s.handles[c.Name] = specs[c.Name].handle
		s.supervisors = append(s.supervisors, p.supervisors[c.pluginName()])
	}
	return s
}

// Stop ends all plugins, concurrently and within a bound. It may be called more than
// once.
func (p *Providers) Stop() {
	p.end()
	p.changing <- struct{}{}
	defer func() { <-p.changing }()
	var group sync.WaitGroup
	for _, s := range p.supervisors {
		group.Go(s.stop)
	}
	group.Wait()
	p.draining.Wait()
	if err := p.runtime.remove(); err != nil && !errors.Is(err, os.ErrClosed) {
		p.config.Logger.Warn("removing the folder of plugin sockets", "error", err)
	}
}

// List implements sso.Providers.
func (p *Providers) List() []sso.Provider {
	now := p.now.Load()
	list := make([]sso.Provider, 0, len(now.order))
	for _, c := range now.order {
		list = append(list, now.provider(c))
	}
	return list
}

// Provider implements sso.Providers.
func (p *Providers) Provider(name string) (sso.Provider, bool) {
	now := p.now.Load()
	for _, c := range now.order {
		if c.Name == name {
			return now.provider(c), true
		}
	}
	return sso.Provider{}, false
}

func (s *snapshot) provider(c Configured) sso.Provider {
	return c.provider(s.handles[c.Name].backend.described.Load())
}

// Plugins returns the status of all plugins, sorted by name.
func (p *Providers) Plugins() []Plugin {
	supervisors := map[*supervisor]bool{}
	now := p.now.Load()
	for _, s := range now.supervisors {
		supervisors[s] = true
	}
	var list []Plugin
	for s := range supervisors {
		list = append(list, s.status.withProviders())
	}
	slices.SortFunc(list, func(a, b Plugin) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// Available implements sso.Providers.
func (p *Providers) Available(name string) error {
	h, ok := p.now.Load().handles[name]
	if !ok {
		return sso.ErrUnknownProvider
	}
	return h.available()
}

// Mechanism implements sso.Providers. The mechanism stays valid while the provider is
// configured: each call finds the current process.
func (p *Providers) Mechanism(ctx context.Context, name string, line sso.Line) (m sdk.Mechanism, done func(), err error) {
	h, ok := p.now.Load().handles[name]
	if !ok {
		return nil, nil, sso.ErrUnknownProvider
	}
	return h.mechanism(ctx, line)
}
