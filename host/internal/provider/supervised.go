package provider

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	hclog "github.com/hashicorp/go-hclog"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/options"
	"github.com/doorward/doorward/sdk/plugin"
)

const (
	openTimeout = 15 * time.Second

	// restartPause keeps a plugin that dies at once from being started for
	// every login that comes in.
	restartPause = time.Second
)

// supervised is a plugin that is started again when it has died.
type supervised struct {
	name, path, runtimeDir string
	providers              []plugin.OpenRequest
	logger                 hclog.Logger

	// starting admits one start at a time; who waits for it may give up.
	starting  chan struct{}
	nextStart time.Time // guarded by starting

	now atomic.Pointer[generation]
}

// generation is one start of the plugin: a process with its opened providers,
// or the reason why there is none. It never changes.
type generation struct {
	process *process
	opened  map[string]*plugin.Provider
	refused map[string]error // providers whose options the plugin refuses
	err     error
	stopped bool
}

func newSupervised(name, path, runtimeDir string, logger hclog.Logger) *supervised {
	s := &supervised{name: name, path: path, runtimeDir: runtimeDir, logger: logger, starting: make(chan struct{}, 1)}
	s.now.Store(&generation{err: errors.New("not started yet")})
	return s
}

// start launches the plugin and opens its providers, and logs one line of how
// that went. The caller must not hold s.starting.
func (s *supervised) start(ctx context.Context) {
	s.starting <- struct{}{}
	defer func() { <-s.starting }()
	s.startNow(ctx)
}

func (s *supervised) startNow(ctx context.Context) {
	begun := time.Now()
	s.nextStart = begun.Add(restartPause)
	process, err := launch(ctx, s.path, s.name, s.runtimeDir, s.logger)
	if err != nil {
		s.logger.Error("plugin does not run, its providers are unavailable", "plugin", s.name, "error", err)
		s.now.Store(&generation{err: err})
		return
	}
	g := &generation{process: process, opened: map[string]*plugin.Provider{}, refused: map[string]error{}}
	for _, req := range s.providers {
		openCtx, cancel := context.WithTimeout(ctx, openTimeout)
		opened, err := process.client.Open(openCtx, req)
		cancel()
		if err != nil {
			g.refused[req.Provider] = err
			continue
		}
		g.opened[req.Provider] = opened
	}
	s.now.Store(g)
	s.logger.Info("plugin runs", "plugin", s.name, "version", process.version, "file", s.path,
		"providers", len(g.opened), "ready_ms", time.Since(begun).Milliseconds())
}

func (s *supervised) stop() {
	s.starting <- struct{}{}
	defer func() { <-s.starting }()
	g := s.now.Swap(&generation{err: errors.New("stopped"), stopped: true})
	if g.process != nil {
		g.process.stop()
	}
}

func (s *supervised) available() error {
	g := s.now.Load()
	if g.err != nil {
		return unavailable(g.err)
	}
	return nil
}

func (s *supervised) version() string {
	if g := s.now.Load(); g.process != nil {
		return g.process.version
	}
	return ""
}

// mechanism returns an opened provider of a process that lives.
func (s *supervised) mechanism(ctx context.Context, provider string) (sdk.Mechanism, error) {
	g := s.now.Load()
	if !g.usable() {
		var err error
		if g, err = s.restart(ctx); err != nil {
			return nil, err
		}
	}
	if g.err != nil {
		return nil, unavailable(g.err)
	}
	if err, ok := g.refused[provider]; ok {
		return nil, err
	}
	return translated{g.opened[provider]}, nil
}

func (g *generation) usable() bool {
	return g.stopped || g.process != nil && g.process.alive()
}

// restart starts a plugin that has died, once for all who ask at the same time.
func (s *supervised) restart(ctx context.Context) (*generation, error) {
	select {
	case s.starting <- struct{}{}:
		defer func() { <-s.starting }()
	case <-ctx.Done():
		return nil, unavailable(ctx.Err())
	}
	if g := s.now.Load(); g.usable() || time.Now().Before(s.nextStart) {
		return g, nil
	}
	if g := s.now.Load(); g.process != nil {
		s.logger.Warn("plugin has died, starting it again", "plugin", s.name, "last_lines", g.process.log.tail())
		g.process.stop()
	}
	// The login that found it dead must not be able to break off the start.
	s.startNow(context.WithoutCancel(ctx))
	return s.now.Load(), nil
}

func unavailable(err error) error {
	return sdk.Unavailable("plugin_down", "plugin is not running: %w", err)
}

// refusals returns one error for all providers whose options are wrong.
func (p *Providers) refusals() error {
	var lines []string
	for _, name := range mechanismNames(p.plugins) {
		for provider, err := range p.plugins[name].now.Load().refused {
			lines = append(lines, p.explain(provider, err)...)
		}
	}
	if len(lines) == 0 {
		return nil
	}
	return fmt.Errorf("providers are misconfigured:\n  %s", strings.Join(lines, "\n  "))
}

// explain says in the operator's own words what is wrong with a provider.
func (p *Providers) explain(provider string, err error) []string {
	problems, ok := errors.AsType[options.Problems](err)
	if !ok {
		return []string{fmt.Sprintf("provider %q: %v", provider, err)}
	}
	var lines []string
	for _, problem := range problems {
		lines = append(lines, p.byName[provider].Spelling(problem.Option)+": "+problem.Text)
	}
	return lines
}

func openRequest(publicURL string, c Configured) plugin.OpenRequest {
	base := publicURL + "/auth/login/" + c.Name
	return plugin.OpenRequest{
		Provider: c.Name, Options: c.Options,
		CallbackURL: base + "/callback", MetadataURL: base + "/metadata", LogoutURL: base + "/logout",
	}
}

// translated turns errors of the wire into those of the domain.
type translated struct{ provider *plugin.Provider }

func (t translated) Begin(ctx context.Context, req sdk.BeginRequest) (sdk.Step, error) {
	step, err := t.provider.Begin(ctx, req)
	return step, translate(err)
}

func (t translated) Continue(ctx context.Context, req sdk.ContinueRequest) (sdk.Step, error) {
	step, err := t.provider.Continue(ctx, req)
	return step, translate(err)
}

func translate(err error) error {
	switch {
	case errors.Is(err, plugin.ErrTransport):
		return sdk.Unavailable("plugin_unreachable", "calling the plugin: %w", err)
	case errors.Is(err, plugin.ErrFault):
		return fmt.Errorf("%w: %w", sso.ErrPluginFault, err)
	default:
		return err
	}
}
