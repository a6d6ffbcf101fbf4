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
	// RetryAfter is how long a failed load is not tried again: a provider that is
	// down is asked once in that time, not once a login.
	RetryAfter = 5 * time.Second

	// RenewEvery bounds how often [Document.Renew] loads. What makes a mechanism
	// ask for it, such as an unknown key, anybody can send.
	RenewEvery = 30 * time.Second
)

// Source says what a [Document] holds and how to get it. All fields are required.
type Source[T any] struct {
	// What it is, for errors and the log: "metadata of the provider".
	What string

	// Load gets it. It must end by itself, as requests of [HTTPOptions.Client] do,
	// and does not see that a caller went away, because others wait for it, too.
	// Its context ends when the document is closed, and has the values of a caller.
	Load func(ctx context.Context) (Loaded[T], error)

	Now    func() time.Time
	Logger *slog.Logger

	// NotInTime is the reason of the error for who has waited in vain.
	NotInTime sdk.Reason
}

// Loaded is a value and how long it is good.
type Loaded[T any] struct {
	Value T

	// Fresh is how long it is not loaded again.
	Fresh time.Duration

	// Keep is how long after its load it serves while loading fails.
	Keep time.Duration
}

// Forever is a Keep without end.
const Forever = time.Duration(math.MaxInt64)

// Document keeps a document of the provider. While loading fails, the last good
// value serves on for its time. Concurrent callers share one load; a load that
// panics is one that failed. Make one with [NewDocument].
type Document[T any] struct {
	source Source[T]

	life context.Context // of all loads, until Close
	end  context.CancelFunc
	done chan struct{} // of the goroutine of KeepFresh; nil if there is none

	mu        sync.Mutex
	last      Loaded[T]
	loadedAt  time.Time // zero until the first good load
	failure   error     // of the latest load
	failedAt  time.Time
	renewedAt time.Time
	loading   chan struct{} // closed when the load under way ends; nil if none is
}

// NewDocument makes a document that is loaded when it is first needed.
func NewDocument[T any](s Source[T]) *Document[T] {
	d := &Document[T]{source: s}
	d.life, d.end = context.WithCancel(context.Background())
	return d
}

// Close ends loads and the goroutine of [Document.KeepFresh], and waits for that.
func (d *Document[T]) Close() {
	d.end()
	if d.done != nil {
		<-d.done
	}
}

// Get returns a fresh value, or the last good one if no fresh one can be had. With
// [Document.KeepFresh] it waits only while there is no good one at all.
func (d *Document[T]) Get(ctx context.Context) (T, error) {
	d.mu.Lock()
	if d.outdated() {
		return d.join(ctx)
	}
	defer d.mu.Unlock()
	return d.current()
}

// Renew loads although the value is fresh, but not more often than [RenewEvery],
// and returns what there is then.
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
// for a check: nothing bounds how often.
func (d *Document[T]) Reload(ctx context.Context) error {
	d.mu.Lock()
	if _, err := d.join(ctx); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.failure
}

// LoadedAt is when the value was loaded, or the zero Time.
func (d *Document[T]) LoadedAt() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.loadedAt
}

// outdated tells whether to load. It is called with mu held, as all below.
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

// serves tells whether the last good value may be used.
func (d *Document[T]) serves(now time.Time) bool {
	return d.fresh(now) || !d.loadedAt.IsZero() && now.Sub(d.loadedAt) < d.last.Keep
}

func (d *Document[T]) current() (T, error) {
	if d.serves(d.source.Now()) {
		return d.last.Value, nil
	}
	var none T
	if d.failure == nil {
		return none, sdk.Unavailable(d.source.NotInTime, "%s was good for a moment only", d.source.What)
	}
	return none, d.failure
}

// join lets go of mu, so that no lock is held across the network. It runs a load,
// or waits for the one under way.
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

// run loads. Who waits is told whatever happens: a panic must not lock out
// everybody else, nor end the plugin if nobody called.
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

// lifeWith is the life of a document with the values of the caller whose load it is,
// who may want to know what connections it takes.
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
		d.source.Logger.Warn("a document cannot be loaded, the last good one serves on", "document", d.source.What, "error", err)
	case d.done != nil: // nobody may have asked, whom the error could reach
		d.source.Logger.Warn("a document cannot be loaded, and there is no good one", "document", d.source.What, "error", err)
	}
}
