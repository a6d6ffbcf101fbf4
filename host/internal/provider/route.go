package provider

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/doorward/doorward/host/internal/provider/process"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/plugin"
)

// route is the way to one configured provider. It outlives the processes in which
// the provider is opened: a new process, or new options, replace what it leads to,
// and calls that are under way end where they began.
type route struct {
	name   string
	busy   seldom
	target atomic.Pointer[target]

	expiries atomic.Pointer[map[string]time.Time] // by what was looked at; nil: not known
}

// target is what a route leads to, and never changes: an open provider, or the
// reason why there is none.
type target struct {
	process  *process.Process
	provider *plugin.Provider // nil: not open
	calls    *calls

	err     error // why it is not open
	waiting bool  // it will be, in a moment: calls wait for that

	replaced chan struct{} // closed when the route leads somewhere else
}

func newRoute(name string) *route {
	r := &route{name: name}
	r.target.Store(awaited(notRunning(errNotStarted)))
	return r
}

func opened(p *process.Process, provider *plugin.Provider) *target {
	return &target{process: p, provider: provider, calls: newCalls(), replaced: make(chan struct{})}
}

// awaited is a target for a provider that will be open in a moment.
func awaited(err error) *target {
	return &target{calls: newCalls(), err: err, waiting: true, replaced: make(chan struct{})}
}

// unavailable is a target for a provider that cannot be used now.
func unavailable(err error) *target {
	return &target{calls: newCalls(), err: err, replaced: make(chan struct{})}
}

// lead makes the route lead to another target, and retires the old one, which is
// returned.
func (r *route) lead(to *target) *target {
	old := r.target.Swap(to)
	old.calls.retire()
	close(old.replaced)
	return old
}

// leadIf is lead, if the route still leads to that target.
func (r *route) leadIf(from, to *target) bool {
	if !r.target.CompareAndSwap(from, to) {
		return false
	}
	from.calls.retire()
	close(from.replaced)
	return true
}

var (
	errDown       = errors.New("plugin is not running")
	errNotStarted = errors.New("not started yet")
	errStopped    = errors.New("the host is stopping")
	errRemoved    = errors.New("the provider was removed from the configuration")
)

// notRunning is for a provider whose plugin does not run.
func notRunning(err error) error {
	return sdk.Unavailable("plugin_down", "%w: %w", errDown, err)
}

// notOpened makes one of two kinds of what Open returned: the options are
// wrong, or trying again may help.
func notOpened(err error) error {
	if errors.Is(err, sdk.ErrMisconfigured) || errors.Is(err, sdk.ErrUnavailable) {
		return err
	}
	return sdk.Unavailable("provider_not_opened", "opening the provider: %w", err)
}

// enter returns an open target with a call counted on it; the caller must leave
// it. It waits, until ctx is done and for at most the patience, for a provider
// that is about to be open.
func (r *route) enter(ctx context.Context, patience time.Duration) (*target, error) {
	var timeout <-chan time.Time
	for {
		t := r.target.Load()
		switch {
		case t.provider != nil && t.calls.enter():
			return t, nil
		case t.provider == nil && !t.waiting:
			return nil, t.err
		case timeout == nil:
			timer := time.NewTimer(patience)
			defer timer.Stop()
			timeout = timer.C
		}
		select {
		case <-t.replaced:
		case <-timeout:
			return nil, t.whyNot()
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting for the plugin: %w", errors.Join(t.whyNot(), ctx.Err()))
		}
	}
}

func (t *target) whyNot() error {
	if t.err == nil {
		return notRunning(errNotStarted)
	}
	return t.err
}

// available returns nil if the provider can be used, or will be in a moment.
func (r *route) available() error {
	if t := r.target.Load(); t.provider == nil && !t.waiting {
		return t.err
	}
	return nil
}
