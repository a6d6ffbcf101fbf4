package sso

import (
	"sync"
	"time"
)

const (
	// keepExpired is how long what has expired is kept. A clock that is wrong by
	// less removes nothing that is still good.
	keepExpired = 24 * time.Hour

	// settleFor is how long the clock must have gone evenly, since the start and
	// since it was set by more than keepExpired, before anything is removed by it.
	settleFor = time.Hour

	// setIs is the difference from which on a clock was set, and did not only run
	// a little fast.
	setIs = time.Second
)

// Clock is the clock of the machine, with how far it may be believed.
//
// A clock can be wrong for a moment: before the network has told the time, when
// somebody sets it, in a virtual machine that slept. Who is refused because of
// that comes in again when it is right; what was removed because of it would stay
// away. So a clock that was just set decides nothing that cannot be undone.
//
// Its methods may be called concurrently.
type Clock struct {
	look func() (now time.Time, running time.Duration)

	mu      sync.Mutex
	seen    time.Time     // what the clock showed at running 0, by the last look
	settled time.Time     // the same, when it began to go evenly
	since   time.Duration // when that was
	setAt   time.Duration // when it was found to be set; negative: never
}

// NewClock makes a clock of what look returns: what the clock shows, and how long
// it has been running, which nobody can set.
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
		return now, now.Sub(start) // by the monotonic clock
	})
}

// Now returns what the clock shows.
func (c *Clock) Now() time.Time {
	now, _ := c.observe()
	return now
}

// SetWithin reports whether the clock was found to be set, forward or back, less
// than d ago.
func (c *Clock) SetWithin(d time.Duration) bool {
	_, running := c.observe()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.setAt >= 0 && running-c.setAt < d
}

// RemoveBefore returns the moment before which something must have expired to be
// removed for good; zero if nothing may be removed now.
func (c *Clock) RemoveBefore() time.Time {
	now, running := c.observe()
	c.mu.Lock()
	defer c.mu.Unlock()
	if running-c.since < settleFor {
		return time.Time{}
	}
	return now.Add(-keepExpired)
}

// observe looks at the clock, and remembers if it was set.
func (c *Clock) observe() (now time.Time, running time.Duration) {
	now, running = c.look()
	zero := now.Add(-running).Round(0) // without the monotonic clock, which does not show it
	c.mu.Lock()
	defer c.mu.Unlock()
	if zero.Sub(c.seen).Abs() >= setIs {
		c.seen, c.setAt = zero, running
	}
	// Many small steps in one direction are a large one.
	if zero.Sub(c.settled).Abs() >= keepExpired {
		c.settled, c.since = zero, running
	}
	return now, running
}
