package guessing

import (
	"strings"
	"sync"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Throttle counts the wrong passwords of each account, however its name was typed, so
// that the directory is spared those that would lock it.
type Throttle struct {
	most   int // 0: no limit
	window time.Duration
	now    func() time.Time

	mu    sync.Mutex
	wrong map[string][]time.Time // by subject, the oldest first
}

// maxThrottled bounds the accounts that are remembered. There are at most as many as
// the directory has; past the bound the whole memory is given up.
const maxThrottled = 100_000

// AccountOf is the account that a name stands for, before it is known which entry that
// is. Names are taken for the same that a directory may take for the same (RFC 4518):
// compatibility forms, case, spaces and invisible characters do not count. Two accounts
// that share a count so are rather kept waiting than locked.
func AccountOf(username string) string {
	visible := strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) || unicode.IsSpace(r) {
			return -1
		}
		return r
	}, norm.NFKC.String(username))
	return "name " + strings.ToLower(visible)
}

// NewThrottle allows so many wrong passwords within the window; 0 is no limit.
func NewThrottle(most int, window time.Duration, now func() time.Time) *Throttle {
	return &Throttle{most: most, window: window, now: now, wrong: map[string][]time.Time{}}
}

// Take counts a password as wrong before it is sent, and reports whether it may be:
// of many that come at once, no more are sent than one after the other.
func (t *Throttle) Take(subject string) bool {
	if t.most == 0 {
		return true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.wrong) >= maxThrottled {
		t.sweep()
	}
	times := t.recent(subject)
	if len(times) >= t.most {
		return false
	}
	t.wrong[subject] = append(times, t.now())
	return true
}

// GiveBack takes back the count of a password that nobody judged.
func (t *Throttle) GiveBack(subject string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if times := t.wrong[subject]; len(times) > 0 {
		t.wrong[subject] = times[:len(times)-1]
	}
}

// Forget starts anew after a right password.
func (t *Throttle) Forget(subject string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.wrong, subject)
}

func (t *Throttle) recent(subject string) []time.Time {
	times := t.wrong[subject]
	since := t.now().Add(-t.window)
	for len(times) > 0 && times[0].Before(since) {
		times = times[1:]
	}
	return times
}

func (t *Throttle) sweep() {
	for subject := range t.wrong {
		if len(t.recent(subject)) == 0 {
			delete(t.wrong, subject)
		}
	}
	if len(t.wrong) >= maxThrottled {
		clear(t.wrong)
	}
}
