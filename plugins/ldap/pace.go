package main

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// pace makes an unknown name take as long as a wrong password. A directory may hash
// the password, and write down the failure, only for an entry that exists; the
// difference would tell which names do. What wrong passwords took lately is the measure.
type pace struct {
	mu   sync.Mutex
	took []time.Duration // a ring
	next int
}

const (
	paceSamples = 64
	longestPace = 2 * time.Second // a server that was stuck once is no measure
)

func newPace() *pace { return &pace{} }

// note remembers what a wrong password took.
func (p *pace) note(took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.took) < paceSamples {
		p.took = append(p.took, took)
		return
	}
	p.took[p.next] = took
	p.next = (p.next + 1) % paceSamples
}

// sample is the time of one wrong password of late, picked by chance, so that not only
// the middle but the spread is the same.
func (p *pace) sample() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.took) == 0 {
		return 0
	}
	return min(longestPace, p.took[rand.IntN(len(p.took))])
}

// wait goes on until as much time is over as a wrong password would have taken.
func (p *pace) wait(ctx context.Context, since time.Duration) {
	left := p.sample() - since
	if left <= 0 {
		return
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
