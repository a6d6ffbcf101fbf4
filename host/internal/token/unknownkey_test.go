package token

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
)

// keysCounted counts how often the keys are read. Reads wait while gate is not nil.
type keysCounted struct {
	*keyStore
	reads atomic.Int32
	gate  chan struct{}
}

func (c *keysCounted) SigningKeys(ctx context.Context) ([]sso.SigningKey, error) {
	c.reads.Add(1)
	if c.gate != nil {
		<-c.gate
	}
	return c.keyStore.SigningKeys(ctx)
}

// counted is a node whose key reads are counted from now on.
func counted(t *testing.T) (*node, *keysCounted) {
	t.Helper()
	n := newNode(t)
	keys := &keysCounted{keyStore: n.store}
	n.config.Keys = keys
	return n, keys
}

// share gives a node the key of another one, as if both had started on one empty store at
// the same time.
func share(t *testing.T, from, to *node) {
	t.Helper()
	keys, err := from.store.SigningKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := to.store.AddSigningKey(t.Context(), keys[0], sso.Event{}); err != nil {
		t.Fatal(err)
	}
}

func TestHostsThatMakeTheirFirstKeysAtOnce(t *testing.T) {
	a, keys := counted(t)
	b := newNode(t)
	token := b.mustIssue(t)
	share(t, b, a)
	keys.gate = make(chan struct{})
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() { wantVerify(t, a, "a token by the key of the other host", token, nil) })
	}
	close(keys.gate)
	group.Wait()
	if n := keys.reads.Load(); n != 1 {
		t.Errorf("the keys were read %d times", n)
	}
	wantVerify(t, a, "a token of its own", a.mustIssue(t), nil)
}

func TestUnknownKeysAreBounded(t *testing.T) {
	n, keys := counted(t)
	garbage := func() {
		t.Helper()
		for range 100 {
			stranger := newNode(t)
			wantReason(t, n, "a key of a stranger", stranger.mustIssue(t), "not signed by a key of this host")
		}
	}
	garbage()
	n.clock.set(start.Add(unknownEvery - 1))
	garbage()
	if got := keys.reads.Load(); got != 1 {
		t.Errorf("the keys were read %d times within a second", got)
	}
	n.clock.set(start.Add(unknownEvery))
	garbage()
	n.clock.set(start)
	garbage()
	// Once at the start, and twice at each of the others: keys that are a second old are
	// read again for any request.
	if got := keys.reads.Load(); got != 5 {
		t.Errorf("the keys were read %d times in all", got)
	}
	n.store.away = true
	n.clock.set(start.Add(2 * unknownEvery))
	garbage()
	n.store.away = false
	wantVerify(t, n, "a token of its own", n.mustIssue(t), nil)
}

// A request that ends does not wait for the store any longer.
func TestWaitingForUnknownKeysEnds(t *testing.T) {
	n, keys := counted(t)
	keys.gate = make(chan struct{})
	token := newNode(t).mustIssue(t)
	var group sync.WaitGroup
	group.Go(func() { wantVerify(t, n, "while the store hangs", token, sso.ErrTokenInvalid) })
	for keys.reads.Load() == 0 {
		if t.Context().Err() != nil {
			return
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := n.Verify(ctx, token); err == nil {
		t.Error("no error")
	}
	close(keys.gate)
	group.Wait()
}
