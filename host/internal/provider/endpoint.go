package provider

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/doorward/doorward/host/internal/provider/process"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/plugin"
)

// endpoint is a provider as it is open in one process, or the reason why it is not.
// Only its calls change; for anything else its handle gets another endpoint.
//
// An endpoint whose process has ended is neither open nor unavailable. Calls wait for
// the next endpoint, which the supervisor provides when it handles the crash.
type endpoint struct {
	process  *process.Process // nil: there is no process
	provider *plugin.Provider // nil: not open
	calls    *calls

	err  error // why it is not open
	soon bool  // it will be open in a moment, and calls wait for that

	replaced chan struct{} // closed when the handle has another endpoint
}

func openEndpoint(p *process.Process, provider *plugin.Provider) *endpoint {
	return &endpoint{process: p, provider: provider, calls: newCalls(), replaced: make(chan struct{})}
}

// pendingEndpoint is for a provider that will be open in a moment; p may be nil.
func pendingEndpoint(p *process.Process, err error) *endpoint {
	return &endpoint{process: p, calls: newCalls(), err: err, soon: true, replaced: make(chan struct{})}
}

// unavailableEndpoint is for a provider that cannot be used now; p may be nil.
func unavailableEndpoint(p *process.Process, err error) *endpoint {
	return &endpoint{process: p, calls: newCalls(), err: err, replaced: make(chan struct{})}
}

// crashed reports whether the process has ended.
func (e *endpoint) crashed() bool { return e.process != nil && !e.process.Alive() }

// open reports whether the provider can be called.
func (e *endpoint) open() bool { return e.provider != nil && !e.crashed() }

// pending reports whether another endpoint is to come in a moment.
func (e *endpoint) pending() bool { return e.soon || e.crashed() }

// reason returns why it is not open.
func (e *endpoint) reason() error {
	switch {
	case e.crashed():
		return notRunning(errDied)
	case e.err == nil:
		return notRunning(errNotStarted)
	default:
		return e.err
	}
}

// drain accepts no more calls, and wakes those that wait for another endpoint.
func (e *endpoint) drain() {
	e.calls.drain()
	close(e.replaced)
}

// isReplaced reports whether the handle has another endpoint.
func (e *endpoint) isReplaced() bool {
	select {
	case <-e.replaced:
		return true
	default:
		return false
	}
}

// exitSeenWithin bounds how long it takes to notice the end of a process.
const exitSeenWithin = 50 * time.Millisecond

// awaitEnd waits for the end of a process whose connection ended, because the
// connection may end a moment before the process. A call that is repeated then finds
// the next endpoint.
func (e *endpoint) awaitEnd(ctx context.Context) {
	timer := time.NewTimer(exitSeenWithin)
	defer timer.Stop()
	select {
	case <-e.process.Done():
	case <-e.replaced:
	case <-timer.C:
	case <-ctx.Done():
	}
}

var (
	errDown       = errors.New("plugin is not running")
	errNotStarted = errors.New("not started yet")
	errDied       = errors.New("it has died and will be restarted in a moment")
	errStopped    = errors.New("the host is stopping")
	errRemoved    = errors.New("the provider was removed from the configuration")
)

// notRunning is for a provider whose plugin does not run.
func notRunning(err error) error {
	return sdk.Unavailable("plugin_down", "%w: %w", errDown, err)
}

// calls counts the calls in flight on an endpoint, so that drained can be closed when
// the last one has ended.
type calls struct {
	mu       sync.Mutex
	n        int
	draining bool
	drained  chan struct{} // closed when it is draining and no call is in flight
}

func newCalls() *calls { return &calls{drained: make(chan struct{})} }

// acquire counts a call, unless it is draining.
func (c *calls) acquire() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.draining {
		return false
	}
	c.n++
	return true
}

func (c *calls) release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n--
	c.closeIfDrained()
}

// drain accepts no more calls.
func (c *calls) drain() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.draining {
		c.draining = true
		c.closeIfDrained()
	}
}

func (c *calls) closeIfDrained() {
	if c.draining && c.n == 0 {
		close(c.drained)
	}
}
