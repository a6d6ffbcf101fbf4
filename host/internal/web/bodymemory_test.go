package web

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

const mib = 1 << 20

func (b *bodyMemory) tryTake(t *testing.T, client string, size int64) func() {
	t.Helper()
	release, err := b.take(t.Context(), client, size)
	if err != nil {
		t.Fatalf("%s, %d bytes: %v", client, size, err)
	}
	return release
}

// The room is shared: one client does not take all of it, large bodies leave half of it to
// others, and small bodies are not counted.
func TestRoomForBodies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBodyMemory(8 * mib)
		refused := func(client string, size int64) {
			t.Helper()
			if _, err := b.take(t.Context(), client, size); !errors.Is(err, errOverloaded) {
				t.Errorf("%s, %d bytes: %v, want errOverloaded", client, size, err)
			}
		}
		a1, a2 := b.tryTake(t, "a", mib), b.tryTake(t, "a", mib)
		refused("a", mib)
		b1, b2 := b.tryTake(t, "b", mib), b.tryTake(t, "b", mib)
		refused("c", mib) // half is for what is smaller
		c1 := b.tryTake(t, "c", 30<<10)
		d1 := b.tryTake(t, "a", 16<<10)
		for _, release := range []func(){a1, a2, b1, b2, c1, d1} {
			release()
		}
		if b.held != 0 || len(b.byClient) != 0 || len(b.waiting) != 0 {
			t.Errorf("in the end %d bytes of %v are held, %d wait", b.held, b.byClient, len(b.waiting))
		}
	})
}

func TestBodiesWaitTheirTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBodyMemory(8 * mib)
		var group sync.WaitGroup
		begun := time.Now()
		for i := range 40 {
			group.Go(func() {
				release := b.tryTake(t, fmt.Sprint("client ", i%2), mib)
				time.Sleep(100 * time.Millisecond)
				release()
			})
		}
		group.Wait()
		if took := time.Since(begun); took != time.Second { // four at once
			t.Errorf("it took %v", took)
		}
	})
}

func TestWaitingForRoomEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBodyMemory(8 * mib)
		b.tryTake(t, "a", mib)
		b.tryTake(t, "a", mib)
		begun := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := b.take(ctx, "a", mib); !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) != time.Second {
			t.Errorf("after %v: %v", time.Since(begun), err)
		}
		for range maxBodyWaiters {
			go func() { _, _ = b.take(t.Context(), "a", mib) }()
		}
		synctest.Wait()
		begun = time.Now()
		if _, err := b.take(t.Context(), "a", mib); !errors.Is(err, errOverloaded) || time.Since(begun) > 0 {
			t.Errorf("with many that wait, after %v: %v", time.Since(begun), err)
		}
	})
}
