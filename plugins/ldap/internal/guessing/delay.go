package guessing

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Delay makes all refused names and passwords take the same time. A directory may hash the
// password and record the failure only for an entry that exists; the difference in time would
// reveal which names exist. The measure is how long recent wrong passwords took.
//
// Until there are enough samples, nothing is refused sooner than a bind of the service
// account suggests. Otherwise a new process would reveal the names.
type Delay struct {
	mu     sync.Mutex
	took   []time.Duration // a ring buffer
	next   int
	expect time.Duration
}

const (
	maxSamples  = 64
	minSamples  = 16
	maxDelay    = 2 * time.Second // a server that hung once must not set the delay
	minExpected = 100 * time.Millisecond
	// expectedBinds is how many binds of the service account a refused login may take: one
	// for its own bind, one for the bind of the user including the extra cost of a wrong
	// password, and two to spare.
	expectedBinds = 4
)

// NewDelay returns a Delay without samples.
func NewDelay() *Delay { return &Delay{} }

// Note records how long a wrong password took.
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

// Expect records the longest time that a bind of the service account took, including the
// connection. Its password is hashed, too.
func (d *Delay) Expect(bind time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.expect = max(d.expect, expectedBinds*bind)
}

// target is the time within which nine of ten wrong passwords were answered.
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

// Wait waits until the target time after the start of the login, both for unknown names and
// for wrong passwords.
//
// The timers of the runtime are late by up to a millisecond, counted from when they are set:
// a timer alone would still reveal when the directory answered.
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
