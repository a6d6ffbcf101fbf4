package provider

import "sync"

// calls counts the calls in flight on something that may be taken out of use, so
// that it is known when the last one has ended.
type calls struct {
	mu      sync.Mutex
	n       int
	retired bool
	empty   chan struct{} // closed when it is retired and no call is in flight
}

func newCalls() *calls { return &calls{empty: make(chan struct{})} }

// enter counts a call, unless no more are taken.
func (c *calls) enter() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.retired {
		return false
	}
	c.n++
	return true
}

func (c *calls) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n--
	c.closeIfDone()
}

// retire takes no more calls.
func (c *calls) retire() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.retired {
		c.retired = true
		c.closeIfDone()
	}
}

func (c *calls) closeIfDone() {
	if c.retired && c.n == 0 {
		close(c.empty)
	}
}
