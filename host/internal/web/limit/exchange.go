package limit

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"
)

// Counts is where hosts leave for each other what they counted.
type Counts interface {
	// ExchangeCounts stores what that host counted, in place of what it stored before,
	// and forgets what hosts stored before forget; with nil it writes nothing. It returns
	// what the other hosts stored since, by host.
	ExchangeCounts(ctx context.Context, host string, counts []byte, now, forget time.Time) (others map[string][]byte, err error)
}

const (
	exchangeEvery = time.Second

	// Hosts that hear of each other at all hear within a few seconds, so a count is
	// there to be heard for batchLasts. A host that stored nothing for hostLasts may be
	// gone; what it counted runs out where it was heard.
	batchLasts = 10 * time.Second
	hostLasts  = time.Minute

	maxChanges = 8192 // of different buckets, from one exchange to the next
	maxBatch   = 2048 // ... that are told, those with the most points first
)

// changes is what was counted since the last exchange.
type changes map[bucket]change

type change struct {
	points   float64
	failures int
}

func (c changes) note(b bucket, points float64, failures int) {
	before, known := c[b]
	if c == nil || !known && len(c) >= maxChanges {
		return
	}
	c[b] = change{before.points + points, before.failures + failures}
}

// batch encodes the changes that matter most.
func (c changes) batch() []entry {
	list := make([]entry, 0, len(c))
	for b, of := range c {
		if milli := int64(math.Round(of.points * 1000)); milli != 0 || of.failures != 0 {
			list = append(list, entry{b, milli, int64(of.failures)})
		}
	}
	if len(list) > maxBatch {
		slices.SortFunc(list, func(a, b entry) int { return cmp.Compare(abs(b.milli), abs(a.milli)) })
		list = list[:maxBatch]
	}
	return list
}

func abs(n int64) int64 { return max(n, -n) }

// Exchange adds up the counts of hosts that share a database.
type Exchange struct {
	limiter *Limiter
	counts  Counts
	host    string

	mu      sync.Mutex // one round at a time
	batches []batch
	last    uint64            // number of the newest batch
	unsaid  bool              // the newest batch may not be stored
	heard   map[string]uint64 // the newest batch of each other host
}

// NewExchange has the limiter remember what to tell others.
func NewExchange(l *Limiter, counts Counts) *Exchange {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.changes = changes{}
	return &Exchange{limiter: l, counts: counts, host: rand.Text(), heard: map[string]uint64{}}
}

// Run exchanges once a second until ctx is done. It writes only if something was
// counted. outcome gets that of each time; after an error, counts of other hosts are
// late, and those of this host go on.
func (e *Exchange) Run(ctx context.Context, outcome func(error)) {
	tick := time.NewTicker(exchangeEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if err := e.Round(ctx); ctx.Err() == nil {
			outcome(err)
		}
	}
}

// Round exchanges once.
func (e *Exchange) Round(ctx context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.limiter.now()
	e.collect(now)
	var told []byte
	if e.unsaid {
		told = encode(e.batches)
	}
	others, err := e.counts.ExchangeCounts(ctx, e.host, told, now, now.Add(-hostLasts))
	if err != nil {
		return fmt.Errorf("exchanging counts of failed sign-ins with other hosts: %w", err)
	}
	e.unsaid = false
	for host := range e.heard {
		if _, ok := others[host]; !ok {
			delete(e.heard, host)
		}
	}
	for host, told := range others {
		batches, err := decode(told)
		if err != nil {
			return fmt.Errorf("reading the counts of another host: %w", err)
		}
		e.hear(host, batches)
	}
	return nil
}

// collect makes a batch of what was counted, and forgets those that everybody has heard.
func (e *Exchange) collect(now time.Time) {
	e.batches = slices.DeleteFunc(e.batches, func(b batch) bool { return now.Sub(b.at) > batchLasts })
	l := e.limiter
	l.mu.Lock()
	changed := l.changes
	l.changes = changes{}
	l.mu.Unlock()
	if entries := changed.batch(); len(entries) > 0 {
		e.last++
		e.batches = append(e.batches, batch{number: e.last, at: now, entries: entries})
		e.unsaid = true
	}
}

// hear counts what another host counted, each batch once.
func (e *Exchange) hear(host string, batches []batch) {
	l := e.limiter
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.sinceBegan()
	for _, b := range batches {
		if b.number <= e.heard[host] {
			continue
		}
		e.heard[host] = b.number
		for _, entry := range b.entries {
			t := &l.tables[entry.kind]
			t.add(entry.key, now, t.rate.span(float64(entry.milli)/1000), int(entry.failures))
		}
	}
}
