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
type Pace struct {
	mu   sync.Mutex
	took []time.Duration // a ring
	next int
}

const (
	paceSamples = 64
	longestPace = 2 * time.Second // a server that was stuck once is no measure
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

// target is what nine of ten wrong passwords took at most.
func (p *Pace) target() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.took) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(p.took))
	return min(longestPace, sorted[len(sorted)*9/10])
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
