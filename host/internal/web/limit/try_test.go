package limit

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
)

// atOnce makes that many try at once; each is judged a second later.
func atOnce(t *testing.T, l *Limiter, n int, who func(i int) Who, judge func(*Try)) (judged int, mostAtOnce int32, refused, busy int) {
	t.Helper()
	var group sync.WaitGroup
	var mu sync.Mutex
	var under, most atomic.Int32
	for i := range n {
		group.Go(func() {
			try, err := l.Try(t.Context(), who(i))
			if err == nil {
				now := under.Add(1)
				for old := most.Load(); now > old && !most.CompareAndSwap(old, now); old = most.Load() {
				}
				<-time.After(time.Second)
				under.Add(-1)
				judge(try)
			}
			mu.Lock()
			defer mu.Unlock()
			switch _, exceeded := errors.AsType[*Exceeded](err); {
			case err == nil:
				judged++
			case exceeded:
				refused++
			case errors.Is(err, sso.ErrBusy):
				busy++
			}
		})
	}
	group.Wait()
	return judged, most.Load(), refused, busy
}

func TestManyAtOnce(t *testing.T) {
	for name, tc := range map[string]struct {
		n               int
		who             func(i int) Who
		judge           func(*Try)
		judged, refused int
		most            int32
	}{
		"wrong passwords of one name": {500, always(from("192.0.2.1", "alice")), (*Try).Failed, 10, 490, 10},
		"right ones of one name":      {40, always(from("192.0.2.1", "alice")), (*Try).Succeeded, 40, 0, 10},
		"right ones of an office":     {500, func(i int) Who { return from("192.0.2.1", fmt.Sprint("user", i)) }, (*Try).Succeeded, 500, 0, 100},
		"nobody judges":               {300, func(i int) Who { return from("192.0.2.1", fmt.Sprint("user", i)) }, (*Try).Unjudged, 300, 0, 100},
		"wrong ones of many names":    {2000, func(i int) Who { return from("192.0.2.1", fmt.Sprint("user", i)) }, (*Try).Failed, 100, 1900, 100},
		"wrong ones from everywhere":  {2000, func(i int) Who { return from(fmt.Sprintf("10.0.%d.1", i%250), "alice") }, (*Try).Failed, 50, 1950, 50},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, err := New(testConfig, time.Now)
				if err != nil {
					t.Fatal(err)
				}
				judged, most, refused, busy := atOnce(t, l, tc.n, tc.who, tc.judge)
				if judged != tc.judged || refused != tc.refused || most > tc.most || busy > 0 {
					t.Errorf("%d judged, at most %d at once, %d refused, %d busy; want %d, %d, %d, 0", judged, most, refused, busy, tc.judged, tc.most, tc.refused)
				}
				if len(l.pending) > 0 || l.waiting != 0 {
					t.Errorf("%d pending and %d who wait are left", len(l.pending), l.waiting)
				}
			})
		})
	}
}

// A directory that hangs keeps those who wait for five seconds, and none of them counts.
func TestWaitingEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, err := New(testConfig, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		alice := from("192.0.2.1", "alice")
		var hang []*Try
		for range 10 {
			try, err := l.Try(t.Context(), alice)
			if err != nil {
				t.Fatal(err)
			}
			hang = append(hang, try)
		}
		begun := time.Now()
		if _, err := l.Try(t.Context(), alice); !errors.Is(err, sso.ErrBusy) || time.Since(begun) != maxWait {
			t.Errorf("after %v: %v", time.Since(begun), err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begun = time.Now()
		if _, err := l.Try(ctx, alice); !errors.Is(err, sso.ErrBusy) || time.Since(begun) != time.Second {
			t.Errorf("who goes away, after %v: %v", time.Since(begun), err)
		}
		l.waiting = maxWaiting
		begun = time.Now()
		if _, err := l.Try(t.Context(), alice); !errors.Is(err, sso.ErrBusy) || time.Since(begun) != 0 {
			t.Errorf("when too many wait, after %v: %v", time.Since(begun), err)
		}
		l.waiting = 0
		for _, try := range hang {
			try.Unjudged()
		}
		if err := l.Look(alice); err != nil || len(l.pending) > 0 {
			t.Errorf("%v, %d pending are left", err, len(l.pending))
		}
	})
}
