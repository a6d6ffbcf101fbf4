package main

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/doorward/doorward/sdk"
)

// loads is a cached whose loads the test steers.
type loads struct {
	cached[int]
	clock *clock
	count int
	err   error
	began chan struct{} // if set: told when a load begins
	end   chan struct{} // if set: a load waits for it
}

func newLoads() *loads {
	l := &loads{clock: newClock()}
	l.cached.now, l.keep, l.stale = l.clock.Now, time.Hour, func(error) {}
	l.load = func(ctx context.Context) (int, time.Duration, error) {
		l.count++
		if l.began != nil {
			l.began <- struct{}{}
			<-l.end
		}
		if err := ctx.Err(); err != nil {
			return 0, 0, err
		}
		return l.count, time.Minute, l.err
	}
	return l
}

func (l *loads) want(t *testing.T, value int) {
	t.Helper()
	if got, err := l.get(t.Context()); err != nil || got != value {
		t.Errorf("got %d, %v; want %d", got, err, value)
	}
}

func TestCachedIsFreshForItsTime(t *testing.T) {
	l := newLoads()
	l.want(t, 1)
	l.clock.advance(time.Minute - time.Nanosecond)
	l.want(t, 1)
	l.clock.advance(time.Nanosecond)
	l.want(t, 2)
}

func TestCachedRetriesAfterAWhile(t *testing.T) {
	l := newLoads()
	l.err = errors.New("down")
	for range 3 {
		if _, err := l.get(t.Context()); !errors.Is(err, l.err) {
			t.Errorf("error %v", err)
		}
	}
	if l.count != 1 {
		t.Errorf("%d loads", l.count)
	}
	l.clock.advance(retryAfter)
	l.err = nil
	l.want(t, 2)
}

func TestCachedKeepsTheLastGoodValue(t *testing.T) {
	l := newLoads()
	l.want(t, 1)
	l.err = errors.New("down")
	told := 0
	l.stale = func(error) { told++ }
	l.clock.advance(time.Hour - time.Nanosecond)
	l.want(t, 1)
	if told != 1 {
		t.Errorf("told %d times", told)
	}
	l.clock.advance(time.Nanosecond)
	if _, err := l.get(t.Context()); !errors.Is(err, l.err) {
		t.Errorf("error %v", err)
	}
}

func TestCachedRenewsRarely(t *testing.T) {
	l := newLoads()
	l.want(t, 1)
	for _, want := range []int{2, 2, 2} {
		if got, err := l.renew(t.Context()); err != nil || got != want {
			t.Errorf("got %d, %v; want %d", got, err, want)
		}
	}
	l.clock.advance(renewEvery)
	if got, err := l.renew(t.Context()); err != nil || got != 3 {
		t.Errorf("got %d, %v", got, err)
	}
}

func TestCachedSharesOneLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLoads()
		l.began, l.end = make(chan struct{}), make(chan struct{})
		go l.want(t, 1)
		<-l.began
		for range 20 {
			go l.want(t, 1)
			go func() {
				if got, err := l.renew(t.Context()); err != nil || got != 1 {
					t.Errorf("renewed to %d, %v", got, err)
				}
			}()
		}
		synctest.Wait()
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := l.get(gone); sdk.ReasonOf(err) != reasonNotInTime || !errors.Is(err, context.Canceled) {
			t.Errorf("a caller that went away: %v", err)
		}
		close(l.end)
		synctest.Wait()
		if l.count != 1 {
			t.Errorf("%d loads", l.count)
		}
	})
}

func TestCachedOutlivesItsCaller(t *testing.T) {
	l := newLoads()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if got, err := l.get(gone); err != nil || got != 1 {
		t.Errorf("got %d, %v: others may wait for the same load", got, err)
	}
}

func TestCachedSurvivesAPanic(t *testing.T) {
	l := newLoads()
	good := l.load
	l.load = func(context.Context) (int, time.Duration, error) { panic("bad document") }
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic is swallowed")
			}
		}()
		_, _ = l.get(t.Context())
	}()
	l.load = good
	l.clock.advance(retryAfter)
	l.want(t, 1)
}
