package directory

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// pool holds connections of the service account to one server. Each runs one operation at a
// time, and only searches: a bind as a user would change the identity that searches, and
// abandon searches in progress (RFC 4511 section 4.2.1).
type pool struct {
	open  func(ctx context.Context) (*Connection, error)
	slots chan struct{} // one for each connection in use
	now   func() time.Time
	limit time.Duration // of one operation

	mu           sync.Mutex
	idle         []*Connection // most recently used last
	failed       chan struct{} // closed at the next failure of the server
	closed       bool
	reuseTimeout time.Duration // for the first answer on a pooled connection
}

// errFailedForOthers means that the server failed for another operation while this one waited
// for its turn.
var errFailedForOthers = fmt.Errorf("%w: it failed for other operations", errServer)

// MaxIdle is less than the time after which firewalls forget an idle connection.
const MaxIdle = 90 * time.Second

func newPool(size int, limit time.Duration, now func() time.Time, open func(ctx context.Context) (*Connection, error)) *pool {
	p := &pool{open: open, slots: make(chan struct{}, size), now: now, limit: limit, failed: make(chan struct{})}
	p.reuseTimeout = p.minReuseTimeout()
	return p
}

// minReuseTimeout is how long a pooled connection may take for its first answer before it is
// considered silently dropped by a firewall: short enough that a retry fits into the time
// limit.
func (p *pool) minReuseTimeout() time.Duration { return p.limit / 4 }

// do runs an operation on a connection. An operation that waits for its turn when the server
// fails for another one gets errFailedForOthers, and does not wait for another time limit.
func (p *pool) do(ctx context.Context, operation func(*Connection) error) error {
	failure := p.failure()
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-failure:
		return errFailedForOthers
	case <-ctx.Done():
		return fmt.Errorf("waiting for one of %d connections: %w", cap(p.slots), ctx.Err())
	}
	select {
	case <-failure: // the failure freed this turn
		return errFailedForOthers
	default:
	}
	err := p.doOnConnection(ctx, operation)
	if IsServerFailure(err) && !errors.Is(ctx.Err(), context.Canceled) {
		p.drain()
	}
	return err
}

// doOnConnection repeats the operation on a new connection if it fails on a pooled one that
// the server or a firewall had closed. Only searches and the bind of the service account run
// here; nothing else may be repeated.
func (p *pool) doOnConnection(ctx context.Context, operation func(*Connection) error) error {
	c := p.take()
	if c == nil {
		return p.doOnNewConnection(ctx, operation)
	}
	c.firstTimeout = p.reuseTimeoutWithin(ctx)
	err := p.run(c, operation)
	if ctx.Err() != nil || !errors.Is(err, errServer) && !errors.Is(err, errSilent) {
		return err
	}
	p.closeIdle() // they have probably been dropped, too
	began := time.Now()
	err = p.doOnNewConnection(ctx, operation)
	if err == nil {
		p.adjustReuseTimeout(time.Since(began))
	}
	return err
}

func (p *pool) doOnNewConnection(ctx context.Context, operation func(*Connection) error) error {
	c, err := p.open(ctx)
	if err != nil {
		return err
	}
	return p.run(c, operation)
}

// reuseTimeoutWithin leaves time for a retry before the context ends.
func (p *pool) reuseTimeoutWithin(ctx context.Context) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if deadline, ok := ctx.Deadline(); ok {
		return min(p.reuseTimeout, time.Until(deadline)/3)
	}
	return p.reuseTimeout
}

// adjustReuseTimeout takes the time of a retry into account. A server that is always slow
// must not get everything twice.
func (p *pool) adjustReuseTimeout(took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reuseTimeout = max(p.minReuseTimeout(), min(p.limit, 2*took))
}

func (p *pool) run(c *Connection, operation func(*Connection) error) error {
	kept := false
	defer func() {
		if !kept { // also after a panic
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

// take returns a pooled connection that is still usable, or nil.
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

// put returns a connection to the pool.
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

func (p *pool) closeIdle() {
	p.mu.Lock()
	idle := p.idle
	p.idle = nil
	p.mu.Unlock()
	for _, c := range idle {
		c.Close()
	}
}

// drain closes the idle connections and ends the waiting of other operations, because the
// server has failed.
func (p *pool) drain() {
	p.mu.Lock()
	close(p.failed)
	p.failed = make(chan struct{})
	p.mu.Unlock()
	p.closeIdle()
}

func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.drain()
}
