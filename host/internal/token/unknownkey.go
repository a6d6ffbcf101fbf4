package token

import (
	"context"
	"sync"
	"time"
)

const (
	// unknownEvery bounds how often an unknown key ID makes the host read the keys again,
	// in addition to rereadAfter. Anyone can send one.
	unknownEvery = time.Second

	// unknownTimeout bounds how long requests wait for such a read.
	unknownTimeout = 2 * time.Second
)

// unknownKeys looks for keys that another host has created since the last read. Normally a
// key signs only when all hosts have had time to read it (PublishedEarly), but the first
// keys of a database sign at once, and several hosts may create them as they start
// together.
type unknownKeys struct {
	mu      sync.Mutex
	last    time.Time     // start of the last read
	looking chan struct{} // closed when the current read has finished; nil: no read is running
}

// verifyingKey returns the key with that ID, or nil.
func (t *Tokens) verifyingKey(ctx context.Context, id string) *key {
	if k := t.current(ctx).verifying(id); k != nil {
		return k
	}
	t.rereadForUnknown(ctx)
	return t.ring.Load().verifying(id)
}

// rereadForUnknown reads the keys again unless that was done a moment ago, and waits if
// another request is reading them.
func (t *Tokens) rereadForUnknown(ctx context.Context) {
	looking, ours := t.unknown.begin(t.config.Now())
	switch {
	case looking == nil:
	case ours:
		defer t.unknown.end()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), unknownTimeout)
		defer cancel()
		_, _ = t.reread(ctx) // without the store, the keys in memory stay valid
	default:
		select {
		case <-looking:
		case <-ctx.Done():
		}
	}
}

// begin returns a channel for the current read, and whether the caller must do it. The
// channel is nil if it is too early for another read.
func (l *unknownKeys) begin(now time.Time) (looking <-chan struct{}, ours bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.looking != nil {
		return l.looking, false
	}
	if now.Sub(l.last).Abs() < unknownEvery { // also when the clock was set back
		return nil, false
	}
	l.last, l.looking = now, make(chan struct{})
	return l.looking, true
}

func (l *unknownKeys) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.looking)
	l.looking = nil
}
