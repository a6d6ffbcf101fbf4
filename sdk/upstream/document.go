package upstream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"runtime/debug"
	"sync"
	"time"

	"github.com/doorward/doorward/sdk"
)

// Times of all documents.
const (
	// RetryAfter is how long a failed load is not retried: a provider that is down is
	// asked once in that time, not at every login.
	RetryAfter = 5 * time.Second

	// RenewEvery bounds how often [Document.Renew] loads, because anybody can trigger
	// it, for example with an unknown key.
	RenewEvery = 30 * time.Second
)

// Source says what a [Document] contains and how to get it. All fields are required.
type Source[T any] struct {
	// What names the document, for errors and the log: "metadata of the provider".
	What string

	// Load gets the document. It must end by itself, as requests of
	// [HTTPOptions.Client] do. It does not end when a caller goes away, because others
	// wait for it, too. Its context ends when the document is closed, and has the
	// values of a caller.
	Load func(ctx context.Context) (Loaded[T], error)

	Now    func() time.Time
	Logger *slog.Logger

	// NotInTime is the reason of the error when a caller's wait was too long.
	NotInTime sdk.Reason
}

// Loaded is a value and how long it is valid.
type Loaded[T any] struct {
	Value T

	// Fresh is how long the value is not loaded again.
	Fresh time.Duration

	// Keep is how long after its load the value is used while loading fails.
	Keep time.Duration
}

// Forever is a Keep without end.
const Forever = time.Duration(math.MaxInt64)

// Document keeps a document of the provider. While loading fails, it serves the last
// valid value for as long as its Keep. Concurrent callers share one load. A load that
// panics counts as failed. Make one with [NewDocument].
type Document[T any] struct {
	source Source[T]

	life context.Context // for all loads, until Close
	end  context.CancelFunc
	done chan struct{} // of the goroutine of KeepFresh; nil if there is none

	mu        sync.Mutex
	last      Loaded[T]
	loadedAt  time.Time // zero until the first successful load
	failure   error     // of the latest load
	failedAt  time.Time
	renewedAt time.Time
	loading   chan struct{} // closed when the load under way ends; nil if there is none
}

// NewDocument makes a document that is loaded when it is first needed.
func NewDocument[T any](s Source[T]) *Document[T] {
	d := &Document[T]{source: s}
	d.life, d.end = context.WithCancel(context.Background())
	return d
}

// Close ends loads and the goroutine of [Document.KeepFresh], and waits for the goroutine.
func (d *Document[T]) Close() {
	d.end()
	if d.done != nil {
		<-d.done
	}
}

// Get returns a fresh value, or the last valid one if loading fails. With
// [Document.KeepFresh] it waits only while there is no valid value at all.
func (d *Document[T]) Get(ctx context.Context) (T, error) {
	d.mu.Lock()
	if d.outdated() {
		return d.join(ctx)
	}
	defer d.mu.Unlock()
	return d.current()
}

// Renew loads even if the value is fresh, but not more often than [RenewEvery], and
// then returns the current value.
func (d *Document[T]) Renew(ctx context.Context) (T, error) {
	d.mu.Lock()
	now := d.source.Now()
	switch {
	case d.loading != nil:
		return d.join(ctx)
	case d.renewedAt.IsZero() || now.Sub(d.renewedAt) >= RenewEvery:
		d.renewedAt = now
		return d.join(ctx)
	}
	defer d.mu.Unlock()
	return d.current()
}

// Reload loads now, or waits for the load under way, and returns its error. It is
// for checks: nothing limits how often it loads.
func (d *Document[T]) Reload(ctx context.Context) error {
	d.mu.Lock()
	if _, err := d.join(ctx); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.failure
}

// LoadedAt returns when the value was loaded, or the zero Time.
func (d *Document[T]) LoadedAt() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.loadedAt
}

// outdated reports whether to load. It is called with mu held, like all methods below.
func (d *Document[T]) outdated() bool {
	now := d.source.Now()
	if d.done != nil && d.serves(now) {
		return false
	}
	failing := d.failure != nil && now.Sub(d.failedAt) < RetryAfter
	return !d.fresh(now) && !failing
}

func (d *Document[T]) fresh(now time.Time) bool {
	return !d.loadedAt.IsZero() && now.Sub(d.loadedAt) < d.last.Fresh
}

// serves reports whether the last valid value may be used.
func (d *Document[T]) serves(now time.Time) bool {
	return d.fresh(now) || !d.loadedAt.IsZero() && now.Sub(d.loadedAt) < d.last.Keep
}

func (d *Document[T]) current() (T, error) {
	if d.serves(d.source.Now()) {
		return d.last.Value, nil
	}
	var none T
	if d.failure == nil {
		return none, sdk.Unavailable(d.source.NotInTime, "%s expired at once", d.source.What)
	}
	return none, d.failure
}

// join unlocks mu, so that no lock is held across the network. It runs a load, or waits
// for the load under way.
func (d *Document[T]) join(ctx context.Context) (T, error) {
	loading := d.loading
	if loading == nil {
		loading = make(chan struct{})
		d.loading = loading
		d.mu.Unlock()
		d.run(ctx, loading)
	} else {
		d.mu.Unlock()
		select {
		case <-loading:
		case <-ctx.Done():
			var none T
			return none, sdk.Unavailable(d.source.NotInTime, "waiting for %s: %w", d.source.What, context.Cause(ctx))
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.current()
}

// run loads. It notifies waiting callers whatever happens: a panic must not block
// everybody else, nor end the plugin if no call waits.
func (d *Document[T]) run(ctx context.Context, done chan struct{}) {
	var loaded Loaded[T]
	err := errors.New("loading did not come to an end")
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("loading %s panicked, see the plugin's log", d.source.What)
			d.source.Logger.Error("panic", "loading", d.source.What, "what", Quoted(fmt.Sprint(fault)), "stack", string(debug.Stack()))
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		d.settle(loaded, err)
		d.loading = nil
		close(done)
	}()
	loaded, err = d.source.Load(lifeWith{d.life, ctx})
}

// lifeWith is the context of a document with the values of the caller that started the
// load, which may trace the connections.
type lifeWith struct {
	context.Context
	caller context.Context
}

func (c lifeWith) Value(key any) any { return c.caller.Value(key) }

func (d *Document[T]) settle(loaded Loaded[T], err error) {
	now := d.source.Now()
	d.failure = err
	if err == nil {
		d.last, d.loadedAt = loaded, now
		return
	}
	d.failedAt = now
	switch {
	case d.life.Err() != nil: // closed
	case d.serves(now):
		d.source.Logger.Warn("a document cannot be loaded, the last valid one is still used", "document", d.source.What, "error", err)
	case d.done != nil: // there may be no caller that gets the error
		d.source.Logger.Warn("a document cannot be loaded, and there is no valid one", "document", d.source.What, "error", err)
	}
}
