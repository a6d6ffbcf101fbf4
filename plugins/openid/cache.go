package main

import (
	"context"
	"sync"
	"time"

	"github.com/doorward/doorward/sdk"
)

// Times of all caches.
const (
	// retryAfter is how long a failed load is not tried again: a provider that
	// is down is asked once in that time, not once per login.
	retryAfter = 5 * time.Second

	// renewEvery bounds how often an unknown key ID makes us load the keys
	// anew. Anybody can make up key IDs.
	renewEvery = 30 * time.Second
)

// cached keeps a document of the provider. It loads it when it is first needed
// and whenever it is no longer fresh. While loading fails, the last good value
// serves on for a bounded time. Concurrent callers share one load.
type cached[T any] struct {
	// load returns the value and how long it is fresh. It must end by itself:
	// it does not see that a caller went away, because others wait for it too.
	load func(ctx context.Context) (T, time.Duration, error)
	now  func() time.Time

	// keep is how long after its load a value may serve while loading fails.
	keep time.Duration

	// stale is told about a failed load that the last good value covers.
	stale func(err error)

	mu        sync.Mutex
	value     T
	loadedAt  time.Time // zero until the first good load
	freshTill time.Time
	failure   error // of the latest load
	failedAt  time.Time
	renewedAt time.Time
	loading   chan struct{} // closed when the load under way ends; nil if none is
}

// get returns a fresh value, or the last good one if no fresh one can be had.
func (c *cached[T]) get(ctx context.Context) (T, error) {
	c.mu.Lock()
	if c.outdated(c.now()) {
		return c.join(ctx)
	}
	defer c.mu.Unlock()
	return c.current()
}

// renew loads although the value is fresh, but not more often than renewEvery,
// and returns what there is then.
func (c *cached[T]) renew(ctx context.Context) (T, error) {
	c.mu.Lock()
	now := c.now()
	switch {
	case c.loading != nil:
		return c.join(ctx)
	case c.renewedAt.IsZero() || now.Sub(c.renewedAt) >= renewEvery:
		c.renewedAt = now
		return c.join(ctx)
	}
	defer c.mu.Unlock()
	return c.current()
}

// outdated tells whether to load. It is called with mu held.
func (c *cached[T]) outdated(now time.Time) bool {
	fresh := !c.loadedAt.IsZero() && now.Before(c.freshTill)
	failing := c.failure != nil && now.Sub(c.failedAt) < retryAfter
	return !fresh && !failing
}

// current is called with mu held.
func (c *cached[T]) current() (T, error) {
	now := c.now()
	if !c.loadedAt.IsZero() && (now.Before(c.freshTill) || now.Sub(c.loadedAt) < c.keep) {
		return c.value, nil
	}
	var none T
	return none, c.failure
}

// join is called with mu held and lets go of it, so that no lock is held across
// the network. It runs a load, or waits for the one under way.
func (c *cached[T]) join(ctx context.Context) (T, error) {
	loading := c.loading
	if loading == nil {
		loading = make(chan struct{})
		c.loading = loading
		c.mu.Unlock()
		c.run(ctx, loading)
	} else {
		c.mu.Unlock()
		select {
		case <-loading:
		case <-ctx.Done():
			var none T
			return none, sdk.Unavailable(reasonNotInTime, "waiting for the provider: %w", context.Cause(ctx))
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.current()
}

func (c *cached[T]) run(ctx context.Context, done chan struct{}) {
	var value T
	var fresh time.Duration
	err := sdk.Unavailable(reasonNotInTime, "loading did not come to an end")
	// Deferred, so that a panic while loading does not lock out everybody else.
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.settle(value, fresh, err)
		c.loading = nil
		close(done)
	}()
	value, fresh, err = c.load(context.WithoutCancel(ctx))
}

// settle is called with mu held.
func (c *cached[T]) settle(value T, fresh time.Duration, err error) {
	now := c.now()
	c.failure = err
	if err == nil {
		c.value, c.loadedAt, c.freshTill = value, now, now.Add(fresh)
		return
	}
	c.failedAt = now
	if !c.loadedAt.IsZero() && now.Sub(c.loadedAt) < c.keep {
		c.stale(err)
	}
}
