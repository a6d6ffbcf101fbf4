package limit

import (
	"context"
	"math"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
)

// maxWait is how long a try waits for others that are under way. Tries that still do not
// fit then could not have been judged in time either.
const (
	maxWait    = 5 * time.Second
	maxWaiting = 4096
)

// A Try is a password, a code, or something else that can be guessed, that is about to be
// judged. Exactly one of its methods must be called; further calls do nothing. A nil Try
// does nothing.
type Try struct {
	limiter *Limiter
	ids     identities
	counts  []count
	ended   bool
}

// pendingTries is how much the tries under way may add to a bucket.
type pendingTries struct {
	tries   int
	span    time.Duration
	changed chan struct{} // closed when a try has ended
}

// Look returns an Exceeded if Try would.
func (l *Limiter) Look(who Who) error {
	if l == nil {
		return nil
	}
	ids := l.bucketsOf(who)
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.sinceBegan()
	return l.refuse(l.tryCounts(ids, now), now)
}

// Try returns when the client is allowed to try, and refuses with an Exceeded if too many
// tries failed. Tries that would be too many if all of them failed wait for those before
// them: so no more fail than the limit allows, and no successful one is refused. If that
// takes too long, the error is an sso.ErrBusy, and nothing was counted.
func (l *Limiter) Try(ctx context.Context, who Who) (*Try, error) {
	if l == nil {
		return nil, nil
	}
	t := &Try{limiter: l, ids: l.bucketsOf(who)}
	var timer *time.Timer
	for {
		changed, err := l.enter(t)
		if changed == nil {
			return t, err
		}
		if timer == nil {
			timer = time.NewTimer(maxWait)
			defer timer.Stop()
		}
		if err := l.await(ctx, changed, timer); err != nil {
			return nil, err
		}
	}
}

// enter counts the try as under way, or returns a channel that is closed when it is worth
// trying again.
func (l *Limiter) enter(t *Try) (changed <-chan struct{}, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.sinceBegan()
	t.counts = l.tryCounts(t.ids, now)
	if err := l.refuse(t.counts, now); err != nil {
		t.ended = true
		return nil, err
	}
	for _, c := range t.counts {
		if f := l.pending[c.bucket]; f != nil && c.gate && l.waitFor(count{c.bucket, f.span + c.span, true}, now) > 0 {
			if l.waiting >= maxWaiting {
				return nil, sso.ErrBusy
			}
			return f.changed, nil
		}
	}
	l.addPending(t.counts)
	return nil, nil
}

func (l *Limiter) addPending(counts []count) {
	for _, c := range counts {
		if !c.gate {
			continue
		}
		f := l.pending[c.bucket]
		if f == nil {
			f = &pendingTries{changed: make(chan struct{})}
			l.pending[c.bucket] = f
		}
		f.tries++
		f.span += c.span
	}
}

func (l *Limiter) removePending(counts []count) {
	for _, c := range counts {
		if !c.gate {
			continue
		}
		f := l.pending[c.bucket]
		f.span -= c.span
		close(f.changed)
		if f.tries--; f.tries == 0 {
			delete(l.pending, c.bucket)
			continue
		}
		f.changed = make(chan struct{})
	}
}

func (l *Limiter) await(ctx context.Context, changed <-chan struct{}, timer *time.Timer) error {
	l.addWaiting(1)
	defer l.addWaiting(-1)
	select {
	case <-changed:
		return nil
	case <-timer.C:
		return sso.ErrBusy
	case <-ctx.Done():
		return sso.ErrBusy
	}
}

func (l *Limiter) addWaiting(change int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting += change
}

// Failed counts the failure.
func (t *Try) Failed() {
	t.end(func(now time.Duration) { t.limiter.apply(t.counts, now, 1) })
}

// Unjudged counts nothing: nobody said whether the answer was right.
func (t *Try) Unjudged() { t.end(func(time.Duration) {}) }

// Succeeded counts nothing, and takes back the earlier failures of this login name from
// this address: they were mistakes of someone who knows the password. The failures of
// others stay.
func (t *Try) Succeeded() {
	t.end(func(now time.Duration) {
		l := t.limiter
		if t.ids.isKnown {
			l.clear(t.ids.device, now)
		}
		if !t.ids.hasName {
			return
		}
		for mistakes := l.clear(t.ids.login, now); mistakes > 0; mistakes-- {
			for _, b := range []bucket{t.ids.name, t.ids.recent, t.ids.address, everybody, flood} {
				l.add(b, now, -l.tables[b.kind].rate.span(1), -1)
			}
			if t.ids.hasNetwork {
				l.add(t.ids.network, now, -l.tables[ofNetwork].rate.span(1), -1)
			}
		}
	})
}

// clear empties a bucket and returns how many of the failures in it had not run out yet:
// the others have run out of the other buckets, too.
func (l *Limiter) clear(b bucket, now time.Duration) (failures int) {
	t := &l.tables[b.kind]
	s := t.find(b.key, now)
	if s == nil {
		return 0
	}
	left := s.empty - now
	failures = min(s.counts, int(math.Ceil(t.rate.points(left))))
	l.add(b, now, -left, -s.counts)
	return failures
}

func (t *Try) end(judge func(now time.Duration)) {
	if t == nil {
		return
	}
	l := t.limiter
	l.mu.Lock()
	defer l.mu.Unlock()
	if t.ended {
		return
	}
	t.ended = true
	judge(l.sinceBegan())
	l.removePending(t.counts)
}
