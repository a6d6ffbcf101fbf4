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
// All in it but the calls never changes: its handle gets another one.
//
// An endpoint whose process has ended is neither open nor given up. Calls wait for
// the next one, which the supervisor provides when it handles the crash.
type endpoint struct {
	process  *process.Process // nil: in none
	provider *plugin.Provider // nil: not open
	calls    *calls

	err  error // why it is not open
	soon bool  // it will be, in a moment: calls wait for that

	replaced chan struct{} // closed when the handle has another endpoint
}

func openedIn(p *process.Process, provider *plugin.Provider) *endpoint {
	return &endpoint{process: p, provider: provider, calls: newCalls(), replaced: make(chan struct{})}
}

// awaited is for a provider that will be open in a moment; p may be nil.
func awaited(p *process.Process, err error) *endpoint {
	return &endpoint{process: p, calls: newCalls(), err: err, soon: true, replaced: make(chan struct{})}
}

// unavailable is for a provider that cannot be used now; p may be nil.
func unavailable(p *process.Process, err error) *endpoint {
	return &endpoint{process: p, calls: newCalls(), err: err, replaced: make(chan struct{})}
}

// crashed reports whether the process has ended.
func (e *endpoint) crashed() bool { return e.process != nil && !e.process.Alive() }

// open reports whether the provider can be called.
func (e *endpoint) open() bool { return e.provider != nil && !e.crashed() }

// pending reports whether another endpoint is to come in a moment.
func (e *endpoint) pending() bool { return e.soon || e.crashed() }

// reason is why it is not open.
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

// drain takes no more calls, and tells whoever waits that another endpoint is there.
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

// noticed is how long the end of a process may take to be seen.
const noticed = 50 * time.Millisecond

// awaitEnd lets a call that ended with its process see that when it is made again:
// the connection may end a moment before the process.
func (e *endpoint) awaitEnd(ctx context.Context) {
	timer := time.NewTimer(noticed)
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
	errDied       = errors.New("it has died, and is started again in a moment")
	errStopped    = errors.New("the host is stopping")
	errRemoved    = errors.New("the provider was removed from the configuration")
)

// notRunning is for a provider whose plugin does not run.
func notRunning(err error) error {
	return sdk.Unavailable("plugin_down", "%w: %w", errDown, err)
}

// calls counts the calls in flight on something that may be taken out of use, so
// that it is known when the last one has ended.
type calls struct {
	mu       sync.Mutex
	n        int
	draining bool
	drained  chan struct{} // closed when it is draining and no call is in flight
}

func newCalls() *calls { return &calls{drained: make(chan struct{})} }

// acquire counts a call, unless no more are taken.
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

// drain takes no more calls.
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
