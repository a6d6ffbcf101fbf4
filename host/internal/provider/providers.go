package provider

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	hclog "github.com/hashicorp/go-hclog"

	"github.com/doorward/doorward/host/internal/provider/process"
	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/plugin"
)

// Configured is a provider with the options that its mechanism reads.
type Configured struct {
	sso.Provider
	Options map[string]any

	// Isolated gives the provider a process of its own. Else all providers of a
	// mechanism share one.
	Isolated bool

	// RegistrationUnset: AllowPublicRegistration is what the plugin says.
	RegistrationUnset bool

	// Spelling tells how the operator writes an option of this provider, such
	// as AUTH_KEYCLOAK_CLIENT_ID.
	Spelling func(option string) string
}

// slotName is the name of the slot that the provider belongs to.
func (c Configured) slotName() string {
	if c.Isolated {
		return c.Driver + "/" + c.Name
	}
	return c.Driver
}

// sameOptions reports whether the mechanism could not tell the two apart.
func sameOptions(a, b Configured) bool {
	return a.slotName() == b.slotName() && reflect.DeepEqual(a.Options, b.Options)
}

func sameConfigured(a, b Configured) bool {
	return reflect.DeepEqual(a.Provider, b.Provider) && a.RegistrationUnset == b.RegistrationUnset && sameOptions(a, b)
}

// Config is what Start needs to know.
type Config struct {
	Binaries  Binaries
	PublicURL string // without a slash at the end
	Providers []Configured
	Logger    hclog.Logger
	Metrics   Metrics // nil: none
	Version   string  // of the host, which plugins are told

	limits limits // zero: the default
}

// Providers are the configured providers and the plugins that serve them. It
// implements sso.Providers.
type Providers struct {
	config  Config
	runtime *runtimeDir
	life    context.Context
	end     context.CancelFunc

	now atomic.Pointer[snapshot]

	changing chan struct{}    // admits one Reload at a time
	slots    map[string]*slot // guarded by changing
	leaving  sync.WaitGroup   // slots that let their last calls end
}

// snapshot is what is configured at a time. It never changes.
type snapshot struct {
	order  []Configured
	routes map[string]connected
}

// ErrNoneUsable: every provider was refused by its mechanism, so that nobody could
// sign in.
var ErrNoneUsable = errors.New("providers are misconfigured")

// Start launches the plugins side by side and opens the providers. What does not
// start, or is misconfigured, is unavailable, and the rest goes on. Only if every
// provider is misconfigured Start fails, with ErrNoneUsable.
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
		config.Metrics = notMeasured{}
	}
	p := &Providers{config: config, runtime: runtime, changing: make(chan struct{}, 1), slots: map[string]*slot{}}
	p.life, p.end = context.WithCancel(ctx)
	p.now.Store(&snapshot{})
	return p
}

// setUp starts everything for the first time.
func (p *Providers) setUp(configured []Configured) {
	members := p.membersOf(configured)
	p.changing <- struct{}{}
	var started []*slot
	for name, wanted := range bySlot(members) {
		p.slots[name] = p.startSlot(name, wanted)
		started = append(started, p.slots[name])
	}
	p.now.Store(p.snapshotOf(configured, members))
	<-p.changing
	p.awaitFirst(started)
}

// awaitFirst gives the plugins some time to come up, so that the first login finds
// them. One that hangs at its start does not keep the others from serving.
func (p *Providers) awaitFirst(started []*slot) {
	timer := time.NewTimer(p.config.limits.first)
	defer timer.Stop()
	for _, s := range started {
		select {
		case <-s.tried:
		case <-timer.C:
			p.config.Logger.Warn("a plugin takes long to start, the others serve meanwhile", "plugin", s.name)
			return
		}
	}
}

func (p *Providers) startSlot(name string, members map[string]*member) *slot {
	s := p.newSlot(name, members)
	s.show(nil)
	go s.run() // until its life ends
	return s
}

// newSlot makes a slot that does not run yet.
func (p *Providers) newSlot(name string, members map[string]*member) *slot {
	mechanism, _, _ := strings.Cut(name, "/")
	s := newSlot(p.life, &slot{
		name: name, mechanism: mechanism, limits: p.config.limits, logger: p.config.Logger, metrics: p.config.Metrics,
		binary: func() (*process.Binary, error) { return p.config.Binaries.Open(mechanism) },
		launch: process.Launch{RuntimeDir: p.runtime.path, Limits: p.config.limits.process, Version: p.config.Version},
		queue:  newQueue(p.config.limits.shared),
	})
	s.members = members
	return s
}

func (p *Providers) membersOf(configured []Configured) map[string]*member {
	members := map[string]*member{}
	for _, c := range configured {
		members[c.Name] = &member{
			configured: c, request: openRequest(p.config.PublicURL, c),
			route: newRoute(c.Name),
		}
	}
	return members
}

func bySlot(members map[string]*member) map[string]map[string]*member {
	slots := map[string]map[string]*member{}
	for name, m := range members {
		slot := m.configured.slotName()
		if slots[slot] == nil {
			slots[slot] = map[string]*member{}
		}
		slots[slot][name] = m
	}
	return slots
}

func openRequest(publicURL string, c Configured) plugin.OpenRequest {
	urls := sso.URLsOf(publicURL, c.Name)
	return plugin.OpenRequest{
		Provider: c.Name, Options: c.Options,
		CallbackURL: urls.Callback, MetadataURL: urls.Metadata, LogoutURL: urls.Logout,
	}
}

// namesOf lists configured providers, for the operator.
func namesOf(configured []Configured) string {
	var names []string
	for _, c := range configured {
		names = append(names, c.Name)
	}
	return strings.Join(names, ", ")
}

// snapshotOf makes what logins see of the configured providers, in their order.
func (p *Providers) snapshotOf(configured []Configured, members map[string]*member) *snapshot {
	s := &snapshot{order: configured, routes: map[string]connected{}}
	for _, c := range configured {
		s.routes[c.Name] = connected{route: members[c.Name].route, slot: p.slots[c.slotName()]}
	}
	return s
}

// Stop ends all plugins, side by side and within a bound. It may be called more
// than once.
func (p *Providers) Stop() {
	p.end()
	p.changing <- struct{}{}
	defer func() { <-p.changing }()
	var group sync.WaitGroup
	for _, s := range p.slots {
		group.Go(s.stop)
	}
	group.Wait()
	p.leaving.Wait()
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
	return c.provider(s.routes[c.Name].slot.described.Load())
}

// provider is the provider as the domain sees it, with what its plugin decides. Of a
// plugin that was never up nobody knows how large a request its providers send;
// their responses must not be refused for their size then, which sounds final, but
// because it is down.
func (c Configured) provider(described *plugin.Description) sso.Provider {
	if described == nil {
		described = &plugin.Description{MaxInbound: sdk.MaxInbound}
	}
	if c.RegistrationUnset {
		c.AllowPublicRegistration = described.RegistersByDefault
	}
	if c.Spelling != nil {
		c.Spelled = sso.Spelled{
			AllowPublicRegistration: c.Spelling("allow_public_registration"), RequireVerifiedEmail: c.Spelling("require_verified_email"),
		}
	}
	c.MaxInbound, c.StateParameters = described.MaxInbound, described.StateParameters
	return c.Provider
}

// Available implements sso.Providers.
func (p *Providers) Available(name string) error {
	c, ok := p.now.Load().routes[name]
	if !ok {
		return sso.ErrUnknownProvider
	}
	return c.route.available()
}

// Mechanism implements sso.Providers. What it returns stays good while the
// provider is configured: each call finds the process of the moment.
func (p *Providers) Mechanism(ctx context.Context, name string, line sso.Line) (m sdk.Mechanism, done func(), err error) {
	c, ok := p.now.Load().routes[name]
	if !ok {
		return nil, nil, sso.ErrUnknownProvider
	}
	if err := c.route.available(); err != nil {
		return nil, nil, err // nothing to wait for
	}
	done, err = c.turn(ctx, line)
	if err != nil {
		return nil, nil, err
	}
	t, err := c.route.enter(ctx, patience)
	if err != nil {
		done()
		return nil, nil, err
	}
	t.calls.leave()
	return c, done, nil
}
