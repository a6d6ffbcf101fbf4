package provider

import (
	"sync"
	"time"
)

// logThrottle lets an event that can happen thousands of times a second be logged
// once per logInterval, with the number of events since the last line.
type logThrottle struct {
	mu       sync.Mutex
	next     time.Time
	unlogged int
}

const logInterval = 5 * time.Second

// count counts an event. If it is time for a line, since is the number of events that
// the line stands for.
func (t *logThrottle) count(now time.Time) (since int, log bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.unlogged++
	if now.Before(t.next) {
		return 0, false
	}
	since, t.unlogged, t.next = t.unlogged, 0, now.Add(logInterval)
	return since, true
}
