package limit

import (
	"fmt"
	"sync"
	"time"
)

// Limiter counts. A nil Limiter limits nothing. Its methods are safe for concurrent use.
type Limiter struct {
	hasher hasher
	now    func() time.Time
	began  time.Time

	mu       sync.Mutex
	tables   [kinds]table
	pending  map[bucket]*pendingTries
	waiting  int
	refusals [kinds]uint64
	changes  changes // nil: there are no other hosts
}

// New makes a Limiter. now is the time of day; counts run out by the monotonic clock of the
// process, if now has it.
func New(config Config, now func() time.Time) (*Limiter, error) {
	h, err := newHasher(config.Secret)
	if err != nil {
		return nil, err
	}
	l := &Limiter{hasher: h, now: now, began: now(), pending: map[bucket]*pendingTries{}}
	for of, rate := range config.rates() {
		l.tables[of] = table{rate: rate, places: manyPlaces}
	}
	l.tables[ofEverybody].places, l.tables[ofFlood].places = 1, 1
	return l, nil
}

// Exceeded is the error of a limit that refuses.
type Exceeded struct {
	Limit  string        // the name of the limit, for operators
	Points int           // how many points it has
	Wait   time.Duration // until it is worth trying again
}

func (e *Exceeded) Error() string {
	return fmt.Sprintf("limit %s, %d points", e.Limit, e.Points)
}

// Refusals returns how often each limit has refused.
func (l *Limiter) Refusals() map[string]uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	found := map[string]uint64{}
	for of, n := range l.refusals {
		found[names[of]] += n
	}
	return found
}

// A count is what is added to one bucket.
type count struct {
	bucket bucket
	span   time.Duration // how much of the bucket it fills
	gate   bool          // whether the bucket refuses when it is full
}

// Start counts a sign-in that begins, or refuses it with an Exceeded. Call Finished when it
// has succeeded.
func (l *Limiter) Start(who Who) error {
	if l == nil {
		return nil
	}
	ids := l.bucketsOf(who)
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.sinceBegan()
	counts := l.startCounts(ids, now)
	if err := l.refuse(counts, now); err != nil {
		return err
	}
	l.apply(counts, now, 1)
	return nil
}

// Finished takes back a Start: the user has signed in, or the sign-in failed for a reason
// that is not the client's.
func (l *Limiter) Finished(who Who) {
	if l == nil {
		return
	}
	ids := l.bucketsOf(who)
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.sinceBegan()
	l.apply(l.startCounts(ids, now), now, -1)
}

// apply fills the buckets, or takes the same amount out again.
func (l *Limiter) apply(counts []count, now, times time.Duration) {
	for _, c := range counts {
		l.add(c.bucket, now, times*c.span, int(times))
	}
}

func (l *Limiter) add(b bucket, now, span time.Duration, counts int) {
	l.tables[b.kind].add(b.key, now, span, counts)
	l.changes.note(b, l.tables[b.kind].rate.points(span), counts)
}

// refuse returns an Exceeded of the bucket with the longest wait; nil if none is full.
func (l *Limiter) refuse(counts []count, now time.Duration) error {
	var worst *Exceeded
	var of kind
	for _, c := range counts {
		if wait := l.waitFor(c, now); wait > 0 && (worst == nil || wait > worst.Wait) {
			of = c.bucket.kind
			worst = &Exceeded{names[of], l.tables[of].rate.Points, wait}
		}
	}
	if worst == nil {
		return nil
	}
	l.refusals[of]++
	return worst
}

// waitFor is how long there will be no room for the count.
func (l *Limiter) waitFor(c count, now time.Duration) time.Duration {
	t := &l.tables[c.bucket.kind]
	if !c.gate || t.rate.Points == 0 {
		return 0
	}
	return t.level(c.bucket.key, now) + c.span - t.rate.Within
}

// full reports whether a bucket that only makes others count more is full.
func (l *Limiter) full(b bucket, now time.Duration) bool {
	t := &l.tables[b.kind]
	return t.rate.Points > 0 && t.level(b.key, now)+t.rate.span(1) > t.rate.Within
}

func (l *Limiter) sinceBegan() time.Duration { return l.now().Sub(l.began) }
