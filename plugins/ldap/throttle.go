package main

import (
	"sync"
	"time"
)

// throttle counts the wrong passwords of each account, however its name was typed, so
// that the directory is spared those that would lock it.
type throttle struct {
	most   int // 0: no limit
	window time.Duration
	now    func() time.Time

	mu    sync.Mutex
	wrong map[string][]time.Time // by subject, the oldest first
}

// maxThrottled bounds the accounts that are remembered. There are at most as many as
// the directory has; past the bound the whole memory is given up.
const maxThrottled = 100_000

func newThrottle(most int, window time.Duration, now func() time.Time) *throttle {
	return &throttle{most: most, window: window, now: now, wrong: map[string][]time.Time{}}
}

// blocked reports whether no more passwords may be tried for now.
func (t *throttle) blocked(subject string) bool {
	if t.most == 0 {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.recent(subject)) >= t.most
}

// note counts a wrong password.
func (t *throttle) note(subject string) {
	if t.most == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.wrong) >= maxThrottled {
		t.sweep()
	}
	t.wrong[subject] = append(t.recent(subject), t.now())
}

// forget starts anew after a right password.
func (t *throttle) forget(subject string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.wrong, subject)
}

func (t *throttle) recent(subject string) []time.Time {
	times := t.wrong[subject]
	since := t.now().Add(-t.window)
	for len(times) > 0 && times[0].Before(since) {
		times = times[1:]
	}
	return times
}

func (t *throttle) sweep() {
	for subject := range t.wrong {
		if len(t.recent(subject)) == 0 {
			delete(t.wrong, subject)
		}
	}
	if len(t.wrong) >= maxThrottled {
		clear(t.wrong)
	}
}
