package limit

import (
	"math"
	"time"
)

// Rate is the size and speed of a bucket: Points fill it, and it takes Within to empty.
// Without points there is no limit.
type Rate struct {
	Points int
	Within time.Duration
}

func (r Rate) times(n int) Rate { return Rate{r.Points * n, r.Within} }

// span is how long that many points take to run out, which is how much of a bucket they
// fill; at most all of it, so that no single count exceeds a bucket.
func (r Rate) span(points float64) time.Duration {
	if r.Points == 0 {
		return 0
	}
	return min(r.Within, time.Duration(math.Round(float64(r.Within)*points/float64(r.Points))))
}

// points are the points of a span.
func (r Rate) points(span time.Duration) float64 {
	if r.Within == 0 {
		return 0
	}
	return float64(span) * float64(r.Points) / float64(r.Within)
}

// A table has a bucket for each key that was counted recently. Its size is fixed: if there
// is no room for a new bucket, it replaces the one that would be empty first. So a flood of
// keys that are counted once each does not replace a bucket that is about to refuse.
type table struct {
	rate   Rate
	places int
	slots  []slot // made with the first count
}

// A slot is a bucket. An empty one holds nothing worth keeping.
type slot struct {
	key    uint64
	empty  time.Duration // when it will be empty, since the limiter was made
	counts int           // failures since it was last empty
}

const (
	slotsAt    = 8       // buckets that share one place in a table
	manyPlaces = 1 << 12 // in a table with many buckets
)

// at returns where the bucket of a key is or can be.
func (t *table) at(key uint64) []slot {
	if t.slots == nil {
		return nil
	}
	place := int(key%uint64(t.places)) * slotsAt //nolint:gosec // both are small and positive
	return t.slots[place : place+slotsAt]
}

func (t *table) find(key uint64, now time.Duration) *slot {
	at := t.at(key)
	for i := range at {
		if at[i].key == key && at[i].empty > now {
			return &at[i]
		}
	}
	return nil
}

// level is how full the bucket is, as the time it takes to empty.
func (t *table) level(key uint64, now time.Duration) time.Duration {
	if s := t.find(key, now); s != nil {
		return s.empty - now
	}
	return 0
}

// add fills the bucket, or takes out a negative amount. It never fills it beyond its size.
func (t *table) add(key uint64, now, span time.Duration, counts int) {
	if t.rate.Points == 0 {
		return
	}
	s := t.find(key, now)
	switch {
	case s != nil:
	case span <= 0:
		return
	default:
		s = t.place(key, now)
	}
	s.empty = min(s.empty+span, now+t.rate.Within)
	s.counts = max(0, s.counts+counts)
}

// place makes room for a bucket.
func (t *table) place(key uint64, now time.Duration) *slot {
	if t.slots == nil {
		t.slots = make([]slot, t.places*slotsAt)
	}
	at := t.at(key)
	first := &at[0]
	for i := range at {
		if at[i].empty < first.empty {
			first = &at[i]
		}
	}
	*first = slot{key: key, empty: now}
	return first
}
