package token

import (
	"context"
	"sync"
	"time"
)

const (
	// unknownEvery bounds how often a key that we do not know makes us read the keys
	// anew, besides rereadAfter. Anybody can name one.
	unknownEvery = time.Second

	// unknownTimeout bounds how long those wait for that who come meanwhile.
	unknownTimeout = 2 * time.Second
)

// lookout looks for keys that another host has made since we read them. A key signs when
// all hosts have had time to read it (PublishedEarly), but for the first ones of a
// database, which several hosts may make as they start together.
type lookout struct {
	mu      sync.Mutex
	last    time.Time     // when the last look began
	looking chan struct{} // closed when the look under way is over; nil: none is
}

// verifyingKey returns the key of that ID, or nil.
func (t *Tokens) verifyingKey(ctx context.Context, id string) *key {
	if k := t.current(ctx).verifying(id); k != nil {
		return k
	}
	t.lookForNew(ctx)
	return t.ring.Load().verifying(id)
}

// lookForNew reads the keys anew unless that was done a moment ago, and waits if others
// are doing so.
func (t *Tokens) lookForNew(ctx context.Context) {
	looking, ours := t.lookout.begin(t.config.Now())
	switch {
	case looking == nil:
	case ours:
		defer t.lookout.end()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), unknownTimeout)
		defer cancel()
		_, _ = t.reread(ctx) // without the store, the keys that we know stay good
	default:
		select {
		case <-looking:
		case <-ctx.Done():
		}
	}
}

// begin returns the look that is under way, whether the caller must do it, and nil if
// it is too early for one.
func (l *lookout) begin(now time.Time) (looking <-chan struct{}, ours bool) {
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

func (l *lookout) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.looking)
	l.looking = nil
}
