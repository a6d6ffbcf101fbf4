package forwardauth

import "time"

// recentlyTried remembers when each session was tried, in two generations. The old generation
// is dropped when the young one is full or has reached the time limit.
type recentlyTried struct {
	young, old map[string]time.Time
	since      time.Time
}

func (t *recentlyTried) lately(session string, now time.Time, within time.Duration) bool {
	if t.young == nil || len(t.young) >= maxTried/2 || now.Sub(t.since).Abs() >= within {
		t.old, t.young, t.since = t.young, map[string]time.Time{}, now
	}
	at, ok := t.young[session]
	if !ok {
		at, ok = t.old[session]
	}
	return ok && now.Sub(at).Abs() < within
}

func (t *recentlyTried) add(session string, now time.Time) { t.young[session] = now }

func (t *recentlyTried) remove(session string) {
	delete(t.young, session)
	delete(t.old, session)
}
