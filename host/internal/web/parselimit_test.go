package web

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Large bodies take turns, and one whose client is slow does not keep the others waiting
// for long. Small ones never wait.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slots, begun := make(parseLimit, 1), time.Now()
		var group sync.WaitGroup
		large := func(lasts time.Duration) {
			group.Go(func() {
				err := slots.do(t.Context(), largeBody, func() error {
					time.Sleep(lasts)
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		for range 10 {
			large(10 * time.Millisecond)
		}
		synctest.Wait()
		if err := slots.do(t.Context(), largeBody-1, func() error { return errOverloaded }); !errors.Is(err, errOverloaded) || time.Since(begun) > 0 {
			t.Errorf("a small one, after %v: %v", time.Since(begun), err)
		}
		group.Wait()
		if took := time.Since(begun); took != 100*time.Millisecond {
			t.Errorf("ten parseLimit took %v", took)
		}

		large(time.Hour)
		synctest.Wait()
		begun = time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := slots.do(ctx, largeBody, func() error { return nil }); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("client that goes away while it waits: %v", err)
		}
		if err := slots.do(t.Context(), largeBody, func() error { return nil }); err != nil || time.Since(begun) != parseSlotTTL {
			t.Errorf("after a body that hangs: %v after %v", err, time.Since(begun))
		}
		group.Wait()
		if len(slots) != 0 {
			t.Errorf("%d slots are never released", len(slots))
		}
	})
}
