package sso

import (
	"sync"
	"time"
)

const (
	// keepExpired is how long expired data is kept. A clock that is wrong by less removes
	// nothing that is still valid.
	keepExpired = 24 * time.Hour

	// settleFor is how long the clock must have run evenly, since the start and since it
	// was set by more than keepExpired, before anything is removed based on it.
	settleFor = time.Hour

	// setIs is the smallest change that counts as setting the clock, rather than running
	// a little fast.
	setIs = time.Second
)

// Clock is the clock of the machine, with a judgement of how reliable it is.
//
// A clock can be wrong for a moment: before it is synchronized over the network, when
// somebody sets it, in a virtual machine that was suspended. Users that are refused
// because of that can come back when it is right; data removed because of it would be
// lost. So nothing irreversible is done while the clock may be wrong.
//
// Its methods may be called concurrently.
type Clock struct {
	look func() (now time.Time, running time.Duration)

	mu      sync.Mutex
	seen    time.Time     // the clock at running 0, according to the last reading
	settled time.Time     // the same, when it began to run evenly
	since   time.Duration // time of that reading
	setAt   time.Duration // when the last change of the clock was noticed; negative: never
}

// NewClock returns a clock that reads look: the time of the clock, and how long it has
// been running, which nobody can set.
func NewClock(look func() (now time.Time, running time.Duration)) *Clock {
	c := &Clock{look: look, setAt: -1}
	now, running := look()
	c.seen, c.since = now.Add(-running).Round(0), running
	c.settled = c.seen
	return c
}

// SystemClock is the clock of this machine.
func SystemClock() *Clock {
	start := time.Now()
	return NewClock(func() (time.Time, time.Duration) {
		now := time.Now()
		return now, now.Sub(start) // uses the monotonic clock
	})
}

// Now returns the time of the clock.
func (c *Clock) Now() time.Time {
	now, _ := c.observe()
	return now
}

// SetWithin reports whether the clock was found to have been set, forward or back, less
// than d ago.
func (c *Clock) SetWithin(d time.Duration) bool {
	_, running := c.observe()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.setAt >= 0 && running-c.setAt < d
}

// RemoveBefore returns the time before which data must have expired to be removed for
// good; zero if nothing may be removed now.
func (c *Clock) RemoveBefore() time.Time {
	now, running := c.observe()
	c.mu.Lock()
	defer c.mu.Unlock()
	if running-c.since < settleFor {
		return time.Time{}
	}
	return now.Add(-keepExpired)
}

// observe reads the clock, and records if it was set.
func (c *Clock) observe() (now time.Time, running time.Duration) {
	now, running = c.look()
	zero := now.Add(-running).Round(0) // without the monotonic reading, which does not change when the clock is set
	c.mu.Lock()
	defer c.mu.Unlock()
	if zero.Sub(c.seen).Abs() >= setIs {
		c.seen, c.setAt = zero, running
	}
	// Many small steps in one direction add up to a large one.
	if zero.Sub(c.settled).Abs() >= keepExpired {
		c.settled, c.since = zero, running
	}
	return now, running
}
