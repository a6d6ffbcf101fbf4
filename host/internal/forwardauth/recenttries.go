package forwardauth

import "time"

// recentTries records when a session was last tried, in two generations: the older one is
// dropped when the younger one reaches the age that matters, or is full.
type recentTries struct {
	young, old map[string]time.Time
	since      time.Time
}

func (t *recentTries) lately(session string, now time.Time, within time.Duration) bool {
	if t.young == nil || len(t.young) >= maxTried/2 || now.Sub(t.since).Abs() >= within {
		t.old, t.young, t.since = t.young, map[string]time.Time{}, now
	}
	at, ok := t.young[session]
	if !ok {
		at, ok = t.old[session]
	}
	return ok && now.Sub(at).Abs() < within
}

func (t *recentTries) add(session string, now time.Time) { t.young[session] = now }

func (t *recentTries) remove(session string) {
	delete(t.young, session)
	delete(t.old, session)
}
