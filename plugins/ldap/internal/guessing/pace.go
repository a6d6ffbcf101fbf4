package guessing

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Pace makes every refused name and password take the same time. A directory may hash
// the password, and write down the failure, only for an entry that exists; the
// difference would tell which names do. What wrong passwords took lately is the measure.
//
// Until there are some, nothing is refused sooner than what a bind of the service account
// lets expect: a fresh process would tell otherwise.
type Pace struct {
	mu     sync.Mutex
	took   []time.Duration // a ring
	next   int
	expect time.Duration
}

const (
	paceSamples   = 64
	enoughSamples = 16
	longestPace   = 2 * time.Second // a server that was stuck once is no measure
	leastExpected = 100 * time.Millisecond
	// bindsExpected is how many binds of the service account a refused login may take: one
	// is its own, one that of the end user, with what a wrong password costs besides. The
	// rest is spare.
	bindsExpected = 4
)

// NewPace has no measure yet.
func NewPace() *Pace { return &Pace{} }

// Note remembers what a wrong password took.
func (p *Pace) Note(took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.took) < paceSamples {
		p.took = append(p.took, took)
		return
	}
	p.took[p.next] = took
	p.next = (p.next + 1) % paceSamples
}

// Expect remembers the longest that a bind of the service account took, connecting
// included. Its password is hashed, too.
func (p *Pace) Expect(bind time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.expect = max(p.expect, bindsExpected*bind)
}

// target is what nine of ten wrong passwords took at most.
func (p *Pace) target() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	var target time.Duration
	if len(p.took) > 0 {
		sorted := slices.Sorted(slices.Values(p.took))
		target = sorted[len(sorted)*9/10]
	}
	if len(p.took) < enoughSamples {
		target = max(target, p.expect, leastExpected)
	}
	return min(longestPace, target)
}

// Wait goes on until the target is reached, counted from the start of the login, for
// unknown names and wrong passwords alike.
//
// The timers of the runtime are late by up to a millisecond, counted from when they are
// set: with one alone, the end would still tell when the directory had answered.
func (p *Pace) Wait(ctx context.Context, start time.Time) {
	end := start.Add(p.target())
	if left := time.Until(end) - longestNap; left > 0 {
		timer := time.NewTimer(left)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return
		}
	}
	if left := time.Until(end); left > 0 {
		nap(left)
	}
}

const longestNap = 3 * time.Millisecond
