package guessing

import (
	"strings"
	"sync"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Throttle counts the wrong passwords of each account, in all spellings of its name, and
// keeps further ones from the directory, which would lock the account.
type Throttle struct {
	most   int // 0: no limit
	window time.Duration
	now    func() time.Time

	mu    sync.Mutex
	wrong map[string][]time.Time // by subject, the oldest first
}

// maxThrottled limits the number of accounts that are remembered. There are at most as many
// as the directory has; beyond the limit, all are forgotten.
const maxThrottled = 100_000

// AccountOf returns the account of a name before its entry is known. Names are the same if a
// directory may treat them as the same (RFC 4518): compatibility forms, case, spaces and
// invisible characters are ignored. If two accounts share a count, they are blocked for a
// while rather than locked.
func AccountOf(username string) string {
	visible := strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) || unicode.IsSpace(r) {
			return -1
		}
		return r
	}, norm.NFKC.String(username))
	return "name " + strings.ToLower(visible)
}

// NewThrottle allows most wrong passwords within the window; 0 means no limit.
func NewThrottle(most int, window time.Duration, now func() time.Time) *Throttle {
	return &Throttle{most: most, window: window, now: now, wrong: map[string][]time.Time{}}
}

// Take counts a password as wrong before it is sent, and reports whether it may be sent:
// concurrent passwords are limited like consecutive ones.
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

// GiveBack reverts Take for a password that the directory did not judge.
func (t *Throttle) GiveBack(subject string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if times := t.wrong[subject]; len(times) > 0 {
		t.wrong[subject] = times[:len(times)-1]
	}
}

// Forget resets the count after a right password.
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
