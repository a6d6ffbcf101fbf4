package provider

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	hclog "github.com/hashicorp/go-hclog"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk/plugin"
)

// handle is how logins reach one configured provider. It outlives the processes in
// which the provider is open: a new process or new options replace its endpoint, and a
// call in flight ends where it began. No lock is held during a call.
type handle struct {
	name    string // of the provider
	backend *backend
	current atomic.Pointer[endpoint]

	refusals logThrottle
	expiries atomic.Pointer[map[string]time.Time] // by subject; nil: not known
}

func newHandle(name string, b *backend) *handle {
	h := &handle{name: name, backend: b}
	h.current.Store(pendingEndpoint(nil, notRunning(errNotStarted)))
	return h
}

// replace gives the handle another endpoint. It drains the old one and returns it.
func (h *handle) replace(with *endpoint) *endpoint {
	old := h.current.Swap(with)
	old.drain()
	return old
}

// replaceIf is replace, if the handle still has that endpoint.
func (h *handle) replaceIf(old, with *endpoint) bool {
	if !h.current.CompareAndSwap(old, with) {
		return false
	}
	old.drain()
	return true
}

// available returns nil if the provider can be used now or in a moment.
func (h *handle) available() error {
	if e := h.current.Load(); !e.open() && !e.pending() {
		return e.err
	}
	return nil
}

// patience bounds how long a call waits for a plugin that is starting.
const patience = sso.Patience

// acquire returns an open endpoint with a call counted on it, which the caller must
// release. It waits for a provider that is about to be open, until ctx is done and for
// at most patience.
func (h *handle) acquire(ctx context.Context) (*endpoint, error) {
	var timeout <-chan time.Time
	for {
		e := h.current.Load()
		switch {
		case e.open():
			if e.calls.acquire() {
				return e, nil
			}
		case !e.pending():
			return nil, e.err
		}
		if timeout == nil {
			timer := time.NewTimer(patience)
			defer timer.Stop()
			timeout = timer.C
		}
		select {
		case <-e.replaced:
		case <-timeout:
			return nil, e.reason()
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting for the plugin: %w", errors.Join(e.reason(), ctx.Err()))
		}
	}
}

// backend is what all calls to one plugin share, whatever process and provider they
// are for. It is safe for concurrent use.
type backend struct {
	name    string // of the mechanism, and of the provider if that is isolated
	limits  limits
	logger  hclog.Logger
	metrics Metrics
	queue   *queue
	prober  *prober

	described atomic.Pointer[plugin.Description] // the latest, also while the plugin is down; nil: none yet
}

// newBackend makes the backend of a plugin that is needed until life ends.
func newBackend(life context.Context, name string, config Config) *backend {
	return &backend{
		name: name, limits: config.limits, logger: config.Logger, metrics: config.Metrics,
		queue:  newQueue(config.limits.shared),
		prober: &prober{life: life, plugin: name, limits: config.limits, logger: config.Logger},
	}
}
