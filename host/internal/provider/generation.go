package provider

import (
	"context"
	"errors"
	"fmt"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/plugin"
)

// generation is one start of the plugin: a process with its opened providers,
// or the reason why there is none. It never changes.
type generation struct {
	process *process
	opened  map[string]*plugin.Provider
	failed  map[string]error // providers that could not be opened
	err     error
	stopped bool
}

var (
	errNotStarted = errors.New("not started yet")
	errStopped    = errors.New("the host is stopping")
	errDied       = errors.New("it has died, and is started again in a moment")
)

func (g *generation) alive() bool { return g.process != nil && g.process.alive() }

// settled reports whether another start or opening would change nothing.
func (g *generation) settled(provider string) bool {
	if g.stopped {
		return true
	}
	err := g.failed[provider]
	return g.alive() && (err == nil || errors.Is(err, sdk.ErrMisconfigured))
}

// available says why the provider cannot be used. It takes a process that has
// died for available, because the next login starts it again.
func (g *generation) available(provider string) error {
	if g.err != nil {
		return notRunning(g.err)
	}
	return g.failed[provider]
}

func (g *generation) mechanism(provider string, suspect func(*process)) (sdk.Mechanism, error) {
	if err := g.available(provider); err != nil {
		return nil, err
	}
	if !g.alive() {
		return nil, notRunning(errDied)
	}
	return translated{provider: g.opened[provider], timedOut: func() { suspect(g.process) }}, nil
}

func notRunning(err error) error {
	return sdk.Unavailable("plugin_down", "plugin is not running: %w", err)
}

// notOpened makes one of two kinds of what Open returned: the options are
// wrong, or trying again may help.
func notOpened(err error) error {
	if errors.Is(err, sdk.ErrMisconfigured) || errors.Is(err, sdk.ErrUnavailable) {
		return err
	}
	return sdk.Unavailable("provider_not_opened", "opening the provider: %w", err)
}

// translated turns errors of the wire into those of the domain.
type translated struct {
	provider *plugin.Provider
	timedOut func() // called when the plugin let the deadline of a call pass
}

func (t translated) Begin(ctx context.Context, req sdk.BeginRequest) (sdk.Step, error) {
	step, err := t.provider.Begin(ctx, req)
	return step, t.translate(err)
}

func (t translated) Continue(ctx context.Context, req sdk.ContinueRequest) (sdk.Step, error) {
	step, err := t.provider.Continue(ctx, req)
	return step, t.translate(err)
}

func (t translated) translate(err error) error {
	if errors.Is(err, plugin.ErrTransport) && errors.Is(err, context.DeadlineExceeded) {
		t.timedOut()
	}
	switch {
	case errors.Is(err, plugin.ErrTransport):
		return sdk.Unavailable("plugin_unreachable", "calling the plugin: %w", err)
	case errors.Is(err, plugin.ErrFault):
		return fmt.Errorf("%w: %w", sso.ErrPluginFault, err)
	default:
		return err
	}
}
