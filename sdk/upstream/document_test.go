package upstream_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/plugintest"
	"github.com/doorward/doorward/sdk/upstream"
)

const reasonNotInTime sdk.Reason = "document_not_in_time"

// loads is a document whose loads the test controls.
type loads struct {
	*upstream.Document[int]
	clock *plugintest.Clock
	log   plugintest.Log
	count int
	value any           // of the context of the latest load
	began chan struct{} // if set: told when a load begins
	end   chan struct{} // if set: a load waits for it

	mu  sync.Mutex
	err error
}

func newLoads(t *testing.T) *loads {
	l := &loads{clock: plugintest.NewClock()}
	l.Document = upstream.NewDocument(upstream.Source[int]{
		What: "the number", Load: l.load, Now: l.clock.Now, NotInTime: reasonNotInTime,
		Logger: slog.New(slog.NewTextHandler(&l.log, nil)),
	})
	t.Cleanup(l.Close)
	return l
}

func (l *loads) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = err
}

func (l *loads) load(ctx context.Context) (upstream.Loaded[int], error) {
	l.count++
	l.value = ctx.Value(callerKey{})
	if l.began != nil {
		l.began <- struct{}{}
		<-l.end
	}
	if err := ctx.Err(); err != nil {
		return upstream.Loaded[int]{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return upstream.Loaded[int]{Value: l.count, Fresh: time.Minute, Keep: time.Hour}, l.err
}

func (l *loads) want(t *testing.T, value int) {
	t.Helper()
	if got, err := l.Get(t.Context()); err != nil || got != value {
		t.Errorf("got %d, %v; want %d", got, err, value)
	}
}

func TestCachedIsFreshForItsTime(t *testing.T) {
	l := newLoads(t)
	l.want(t, 1)
	l.clock.Advance(time.Minute - time.Nanosecond)
	l.want(t, 1)
	l.clock.Advance(time.Nanosecond)
	l.want(t, 2)
}

func TestCachedRetriesAfterAWhile(t *testing.T) {
	l := newLoads(t)
	l.fail(errors.New("down"))
	for range 3 {
		if _, err := l.Get(t.Context()); !errors.Is(err, l.err) {
			t.Errorf("error %v", err)
		}
	}
	if l.count != 1 {
		t.Errorf("%d loads", l.count)
	}
	l.clock.Advance(upstream.RetryAfter)
	l.fail(nil)
	l.want(t, 2)
}

func TestCachedKeepsTheLastGoodValue(t *testing.T) {
	l := newLoads(t)
	l.want(t, 1)
	l.fail(errors.New("down"))
	l.clock.Advance(time.Hour - time.Nanosecond)
	l.want(t, 1)
	if told := strings.Count(l.log.String(), "the last valid one is still used"); told != 1 {
		t.Errorf("told %d times: %s", told, l.log.String())
	}
	l.clock.Advance(time.Nanosecond)
	if _, err := l.Get(t.Context()); !errors.Is(err, l.err) {
		t.Errorf("error %v", err)
	}
}

func TestCachedRenewsRarely(t *testing.T) {
	l := newLoads(t)
	l.want(t, 1)
	for _, want := range []int{2, 2, 2} {
		if got, err := l.Renew(t.Context()); err != nil || got != want {
			t.Errorf("got %d, %v; want %d", got, err, want)
		}
	}
	l.clock.Advance(upstream.RenewEvery)
	if got, err := l.Renew(t.Context()); err != nil || got != 3 {
		t.Errorf("got %d, %v", got, err)
	}
}

func TestCachedSharesOneLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLoads(t)
		l.began, l.end = make(chan struct{}), make(chan struct{})
		go l.want(t, 1)
		<-l.began
		for range 20 {
			go l.want(t, 1)
			go func() {
				if got, err := l.Renew(t.Context()); err != nil || got != 1 {
					t.Errorf("renewed to %d, %v", got, err)
				}
			}()
		}
		synctest.Wait()
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := l.Get(gone); sdk.ReasonOf(err) != reasonNotInTime || !errors.Is(err, context.Canceled) {
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
	l := newLoads(t)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if got, err := l.Get(gone); err != nil || got != 1 {
		t.Errorf("got %d, %v: others may wait for the same load", got, err)
	}
}

// TestCachedSurvivesAPanic: a panic is one failed load, logged with its stack, and the next load
// can succeed.
func TestCachedSurvivesAPanic(t *testing.T) {
	l := newLoads(t)
	good := upstream.SourceOf(l.Document).Load
	upstream.SourceOf(l.Document).Load = func(context.Context) (upstream.Loaded[int], error) { panic("bad document") }
	if _, err := l.Get(t.Context()); err == nil || sdk.ReasonOf(err) != "" {
		t.Errorf("the panic is swallowed: %v", err)
	}
	if said := l.log.String(); !strings.Contains(said, "bad document") || !strings.Contains(said, "document_test.go") {
		t.Errorf("the panic is not in the log: %s", said)
	}
	upstream.SourceOf(l.Document).Load = good
	l.clock.Advance(upstream.RetryAfter)
	l.want(t, 1)
}

// TestCachedSurvivesAPanicOfNobody: with KeepFresh there is no call to catch it.
func TestCachedSurvivesAPanicOfNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLoads(t)
		upstream.SourceOf(l.Document).Now = time.Now
		good := upstream.SourceOf(l.Document).Load
		upstream.SourceOf(l.Document).Load = func(ctx context.Context) (upstream.Loaded[int], error) {
			if l.count == 0 {
				l.count++
				panic("bad document")
			}
			return good(ctx)
		}
		l.KeepFresh()
		synctest.Wait()
		time.Sleep(upstream.FirstWait)
		synctest.Wait()
		l.want(t, 2)
		l.Close()
	})
}

// TestKeepFresh: loads happen on time, without a call; a provider that is down is asked less and
// less often, and no call waits for it.
func TestKeepFresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLoads(t)
		upstream.SourceOf(l.Document).Now = time.Now
		l.KeepFresh()
		synctest.Wait()
		l.want(t, 1)
		time.Sleep(time.Minute)
		synctest.Wait()
		l.want(t, 2)
		l.fail(errors.New("down"))
		for _, want := range []int{3, 4, 4, 5} { // after 60 s, 20 s more, and 40 s more
			time.Sleep(map[int]time.Duration{3: time.Minute, 4: 20 * time.Second, 5: 20 * time.Second}[want])
			synctest.Wait()
			if l.count != want {
				t.Errorf("%d loads, want %d", l.count, want)
			}
			l.want(t, 2)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if _, err := l.Get(t.Context()); !errors.Is(err, l.err) {
			t.Errorf("error %v", err)
		}
		l.Close()
		before := l.count
		time.Sleep(time.Hour)
		if l.count != before {
			t.Error("it goes on after its end")
		}
	})
}

type callerKey struct{}

// TestLoadsHaveTheValuesOfACaller: a load has the values of the caller's context, which can trace
// the connections, but does not end with it.
func TestLoadsHaveTheValuesOfACaller(t *testing.T) {
	l := newLoads(t)
	ctx, cancel := context.WithCancel(context.WithValue(t.Context(), callerKey{}, "traced"))
	cancel()
	if err := l.Reload(ctx); err != nil || l.value != "traced" {
		t.Errorf("%v, value %v", err, l.value)
	}
}

// TestReload: it returns the result that a check needs, and keeps the last good value.
func TestReload(t *testing.T) {
	l := newLoads(t)
	if err := l.Reload(t.Context()); err != nil || !l.LoadedAt().Equal(l.clock.Now()) {
		t.Errorf("%v, loaded at %v", err, l.LoadedAt())
	}
	l.fail(errors.New("down"))
	if err := l.Reload(t.Context()); !errors.Is(err, l.err) {
		t.Errorf("error %v", err)
	}
	l.want(t, 1)
}
