package provider

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"
)

// testQueue is a queue whose callers arrive one after another.
type testQueue struct {
	*queue
	t      *testing.T
	limits lineLimits
}

func newTestQueue(t *testing.T, shared int, limits lineLimits) testQueue {
	t.Helper()
	if limits.patience == 0 {
		limits.patience = long
	}
	return testQueue{newQueue(shared), t, limits}
}

// caller is a caller of the queue. The channel gets the result of waiting.
type caller struct {
	name  string
	gone  context.CancelFunc
	leave func()
	ended chan error
	over  bool // the end was seen, so that leave may be read
}

// enter adds a caller. When it returns, the caller has a place or waits.
func (h testQueue) enter(provider, name, address string) *caller {
	h.t.Helper()
	ctx, cancel := context.WithCancel(h.t.Context())
	h.t.Cleanup(cancel)
	c := &caller{name: name, gone: cancel, ended: make(chan error, 1)}
	line := lineName{provider, "logins"}
	before := h.arrivals(line)
	go func() {
		leave, err := h.queue.enter(ctx, line, h.limits, netip.MustParsePrefix(address))
		c.leave = leave
		c.ended <- err
	}()
	eventually(h.t, name+" to enter", func() bool {
		return len(c.ended) > 0 || !slices.Equal(h.arrivals(line), before)
	})
	return c
}

// arrivals is who waits in a line, and how many calls of it are in flight.
func (h testQueue) arrivals(name lineName) []any {
	h.mu.Lock()
	defer h.mu.Unlock()
	l, ok := h.lines[name]
	if !ok {
		return nil
	}
	list := []any{l.inFlight}
	for _, c := range l.clients {
		for _, w := range c.waiters {
			list = append(list, w)
		}
	}
	return list
}

func (h testQueue) mustEnter(provider, name string) *caller {
	h.t.Helper()
	c := h.enter(provider, name, "192.0.2.1/32")
	h.want(c, nil)
	return c
}

func (h testQueue) want(c *caller, want error) {
	h.t.Helper()
	select {
	case err := <-c.ended:
		c.over = true
		if !errors.Is(err, want) {
			h.t.Fatalf("%s: %v, want %v", c.name, err, want)
		}
	case <-time.After(soon):
		h.t.Fatalf("%s waits on, want %v", c.name, want)
	}
}

// wantEmpty is after everybody has left: nothing may be lost, or kept.
func (h testQueue) wantEmpty(shared int) {
	h.t.Helper()
	if h.shared != shared || len(h.lines) > 0 || len(h.served) > 0 {
		h.t.Errorf("%d shared places, want %d; lines %v, served %v", h.shared, shared, h.lines, h.served)
	}
}

// Clients are served in turns, and each one by arrival, however many wait of each.
func TestClientsAreServedInTurns(t *testing.T) {
	const a, b, c = "192.0.2.1/32", "192.0.2.2/32", "2001:db8::/64"
	for name, tc := range map[string]struct{ come, want []string }{
		"one client, by arrival":         {[]string{a, a, a, a}, []string{"0", "1", "2", "3"}},
		"a flood, and one of another":    {[]string{a, a, a, a, a, b}, []string{"0", "5", "1", "2", "3", "4"}},
		"two floods, and one of another": {[]string{a, b, a, b, a, b, c}, []string{"0", "1", "6", "2", "3", "4", "5"}},
		"who came first, first":          {[]string{b, a, c, a}, []string{"0", "1", "2", "3"}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newTestQueue(t, 0, lineLimits{own: 1, most: 1, waiting: 10})
			before := h.mustEnter("p", "before")
			var waiting []*caller
			for i, from := range tc.come {
				waiting = append(waiting, h.enter("p", fmt.Sprint(i), from))
			}
			var got []string
			before.leave()
			for range waiting {
				eventually(t, "one to be served", func() bool {
					i := slices.IndexFunc(waiting, func(c *caller) bool { return len(c.ended) > 0 })
					if i < 0 {
						return false
					}
					h.want(waiting[i], nil)
					got = append(got, waiting[i].name)
					waiting[i].leave()
					waiting = slices.Delete(waiting, i, i+1)
					return true
				})
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("served in the order %v, want %v", got, tc.want)
			}
			h.wantEmpty(0)
		})
	}
}

// A caller that is gone leaves at once, wherever it stands.
func TestCallersThatGoLeaveTheQueue(t *testing.T) {
	h := newTestQueue(t, 0, lineLimits{own: 1, most: 1, waiting: 3})
	before := h.mustEnter("p", "before")
	var waiting []*caller
	for _, name := range []string{"first", "middle", "last"} {
		waiting = append(waiting, h.enter("p", name, "192.0.2.1/32"))
	}
	for _, i := range []int{1, 0} {
		waiting[i].gone()
		h.want(waiting[i], context.Canceled)
	}
	if _, n := h.counts(lineName{"p", "logins"}); n != 1 {
		t.Errorf("%d wait, want 1", n)
	}
	before.leave()
	h.want(waiting[2], nil)
	waiting[2].leave()
	waiting[2].leave() // does nothing the second time
	h.wantEmpty(0)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.queue.enter(ctx, lineName{"p", "logins"}, h.limits, netip.Prefix{}); !errors.Is(err, context.Canceled) {
		t.Errorf("who is gone already: %v", err)
	}
	h.wantEmpty(0)
}

// When the queue is full, the client that has most there loses who came last.
func TestFullQueue(t *testing.T) {
	const flooder, another, third, fourth = "192.0.2.1/32", "192.0.2.2/32", "192.0.2.3/32", "192.0.2.4/32"
	h := newTestQueue(t, 0, lineLimits{own: 1, most: 1, waiting: 3})
	before := h.mustEnter("p", "before")
	first := h.enter("p", "first", flooder)
	second := h.enter("p", "second", flooder)
	last := h.enter("p", "last", flooder)
	h.want(h.enter("p", "one more of the flood", flooder), errQueueFull)
	newcomer := h.enter("p", "a newcomer", another)
	h.want(last, errQueueFull)
	h.want(h.enter("p", "another of the newcomer", another), errQueueFull)
	next := h.enter("p", "one more newcomer", third)
	h.want(second, errQueueFull)
	h.want(h.enter("p", "where all have one", fourth), errQueueFull)
	before.leave()
	for _, c := range []*caller{first, newcomer, next} {
		h.want(c, nil)
		c.leave()
	}
	h.wantEmpty(0)
}

func TestTurnThatDoesNotComeInTime(t *testing.T) {
	h := newTestQueue(t, 0, lineLimits{own: 1, most: 1, waiting: 3, patience: time.Millisecond})
	before := h.mustEnter("p", "before")
	h.want(h.enter("p", "impatient", "192.0.2.1/32"), errTooLate)
	ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	h.limits.patience = long
	if _, err := h.queue.enter(ctx, lineName{"p", "logins"}, h.limits, netip.Prefix{}); !errors.Is(err, errTooLate) && !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("with a deadline: %v", err)
	}
	before.leave()
	h.wantEmpty(0)
}

// Lines that hold all shared places leave every other one its own.
func TestEveryLineHasPlacesOfItsOwn(t *testing.T) {
	const shared = 4
	h := newTestQueue(t, shared, lineLimits{own: 2, most: 4, waiting: 10})
	var hanging []*caller
	for _, provider := range []string{"hangs", "hangs too"} {
		for range h.limits.most {
			hanging = append(hanging, h.mustEnter(provider, provider))
		}
		hanging = append(hanging, h.enter(provider, provider+", one more", "192.0.2.1/32"))
	}
	for range 3 { // over and over
		first, second := h.mustEnter("lives", "first"), h.mustEnter("lives", "second")
		third := h.enter("lives", "third", "192.0.2.1/32")
		first.leave()
		h.want(third, nil)
		second.leave()
		third.leave()
	}
	// A shared place that becomes free goes to the caller that has waited for one longest.
	one, two := h.mustEnter("lives", "one"), h.mustEnter("lives", "two")
	waits := h.enter("lives", "waits", "192.0.2.1/32")
	hanging[0].leave()
	h.want(hanging[4], nil) // stood there before
	hanging[1].leave()
	hanging[2].leave()
	h.want(waits, nil)
	for _, c := range append(hanging[3:], one, two, waits) {
		if !c.over {
			h.want(c, nil)
		}
		c.leave()
	}
	h.wantEmpty(shared)
}

// Many come and go at once; no place is lost, and none is given twice.
func TestQueueUnderLoad(t *testing.T) {
	limits := lineLimits{own: 2, most: 4, waiting: 50, patience: long}
	q := newQueue(3)
	var mu sync.Mutex
	inFlight := map[string]int{}
	count := func(provider string, change int) {
		mu.Lock()
		defer mu.Unlock()
		inFlight[provider] += change
		all := 0
		for _, n := range inFlight {
			all += n
		}
		if inFlight[provider] > limits.most || all > 3+3*limits.own {
			t.Errorf("in flight: %v", inFlight)
		}
	}
	var group sync.WaitGroup
	for i := range 60 {
		group.Go(func() {
			provider := fmt.Sprint(i % 3)
			from := netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(i % 7)}), 32)
			for n := range 50 {
				ctx, cancel := context.WithCancel(t.Context())
				if n%5 == 4 {
					go cancel()
				}
				leave, err := q.enter(ctx, lineName{provider, "logins"}, limits, from)
				if err == nil {
					count(provider, 1)
					count(provider, -1)
					leave()
				}
				cancel()
			}
		})
	}
	group.Wait()
	if q.shared != 3 || len(q.lines) > 0 || len(q.served) > 0 {
		t.Errorf("%d shared places, lines %v, served %v", q.shared, q.lines, q.served)
	}
}
