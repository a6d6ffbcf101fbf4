package guessing

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Delay makes every refused name and password take the same time. A directory may hash
// the password, and write down the failure, only for an entry that exists; the
// difference would tell which names do. What wrong passwords took lately is the measure.
//
// Until there are some, nothing is refused sooner than what a bind of the service account
// lets expect: a fresh process would tell otherwise.
type Delay struct {
	mu     sync.Mutex
	took   []time.Duration // a ring
	next   int
	expect time.Duration
}

const (
	maxSamples  = 64
	minSamples  = 16
	maxDelay    = 2 * time.Second // a server that was stuck once is no measure
	minExpected = 100 * time.Millisecond
	// expectedBinds is how many binds of the service account a refused login may take: one
	// is its own, one that of the end user, with what a wrong password costs besides. The
	// rest is spare.
	expectedBinds = 4
)

// NewDelay has no measure yet.
func NewDelay() *Delay { return &Delay{} }

// Note remembers what a wrong password took.
func (d *Delay) Note(took time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.took) < maxSamples {
		d.took = append(d.took, took)
		return
	}
	d.took[d.next] = took
	d.next = (d.next + 1) % maxSamples
}

// Expect remembers the longest that a bind of the service account took, connecting
// included. Its password is hashed, too.
func (d *Delay) Expect(bind time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.expect = max(d.expect, expectedBinds*bind)
}

// target is what nine of ten wrong passwords took at most.
func (d *Delay) target() time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	var target time.Duration
	if len(d.took) > 0 {
		sorted := slices.Sorted(slices.Values(d.took))
		target = sorted[len(sorted)*9/10]
	}
	if len(d.took) < minSamples {
		target = max(target, d.expect, minExpected)
	}
	return min(maxDelay, target)
}

// Wait goes on until the target is reached, counted from the start of the login, for
// unknown names and wrong passwords alike.
//
// The timers of the runtime are late by up to a millisecond, counted from when they are
// set: with one alone, the end would still tell when the directory had answered.
func (d *Delay) Wait(ctx context.Context, start time.Time) {
	end := start.Add(d.target())
	if left := time.Until(end) - maxSleep; left > 0 {
		timer := time.NewTimer(left)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return
		}
	}
	if left := time.Until(end); left > 0 {
		sleepPrecisely(left)
	}
}

const maxSleep = 3 * time.Millisecond
