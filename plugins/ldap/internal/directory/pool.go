package directory

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// pool holds connections of the service account to one server. Each serves one
// operation at a time, and only searches: a bind of an end user on it would change
// who searches, and abandon the searches in flight (RFC 4511 section 4.2.1).
type pool struct {
	open  func(ctx context.Context) (*Connection, error)
	slots chan struct{} // one for each connection in use
	now   func() time.Time

	mu     sync.Mutex
	idle   []*Connection // the latest used one last
	failed chan struct{} // closed by the next failure of the server
	closed bool
}

// errMeanwhile: the server failed for others while an operation waited for its turn.
var errMeanwhile = fmt.Errorf("%w: it failed for others", errServer)

// MaxIdle is less than what firewalls forget a silent connection after.
const MaxIdle = 90 * time.Second

func newPool(size int, now func() time.Time, open func(ctx context.Context) (*Connection, error)) *pool {
	return &pool{open: open, slots: make(chan struct{}, size), now: now, failed: make(chan struct{})}
}

// do runs an operation on a connection. Who waits for a turn when the server fails
// for others gets errMeanwhile, and need not find out for another time limit.
func (p *pool) do(ctx context.Context, operation func(*Connection) error) error {
	failure := p.failure()
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-failure:
		return errMeanwhile
	case <-ctx.Done():
		return fmt.Errorf("waiting for one of %d connections: %w", cap(p.slots), ctx.Err())
	}
	select {
	case <-failure: // a turn came free by it
		return errMeanwhile
	default:
	}
	err := p.doNow(ctx, operation)
	if IsServerFailure(err) && !errors.Is(ctx.Err(), context.Canceled) {
		p.drain()
	}
	return err
}

// doNow repeats the operation on a new connection if it fails on a pooled one that the
// server had closed meanwhile.
func (p *pool) doNow(ctx context.Context, operation func(*Connection) error) error {
	if c := p.take(); c != nil {
		err := p.run(c, operation)
		if !errors.Is(err, errServer) || ctx.Err() != nil {
			return err
		}
	}
	c, err := p.open(ctx)
	if err != nil {
		return err
	}
	return p.run(c, operation)
}

func (p *pool) run(c *Connection, operation func(*Connection) error) error {
	kept := false
	defer func() {
		if !kept { // a panic, too
			c.Close()
		}
	}()
	err := operation(c)
	if !c.broken() && !IsServerFailure(err) {
		kept = true
		p.put(c)
	}
	return err
}

// take returns a pooled connection that is still good, or nil.
func (p *pool) take() *Connection {
	for {
		c := p.latest()
		if c == nil || !c.broken() && p.now().Sub(c.used) < MaxIdle {
			return c
		}
		c.Close()
	}
}

func (p *pool) latest() *Connection {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) == 0 {
		return nil
	}
	c := p.idle[len(p.idle)-1]
	p.idle = p.idle[:len(p.idle)-1]
	return c
}

// put gives a connection to whoever comes next.
func (p *pool) put(c *Connection) {
	if !p.keep(c) {
		c.Close()
	}
}

func (p *pool) keep(c *Connection) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.idle) >= cap(p.slots) {
		return false
	}
	c.used = p.now()
	p.idle = append(p.idle, c)
	return true
}

func (p *pool) failure() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failed
}

// drain closes the idle connections, and sends away who waits for one: the server
// has failed.
func (p *pool) drain() {
	p.mu.Lock()
	idle := p.idle
	p.idle = nil
	close(p.failed)
	p.failed = make(chan struct{})
	p.mu.Unlock()
	for _, c := range idle {
		c.Close()
	}
}

func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.drain()
}
