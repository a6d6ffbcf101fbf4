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

// Counts is where hosts store their counts for each other.
type Counts interface {
	// ExchangeCounts stores the counts of that host in place of those it stored before, and
	// deletes what hosts stored before forget; with nil it writes nothing. It returns what
	// the other hosts have stored since then, by host.
	ExchangeCounts(ctx context.Context, host string, counts []byte, now, forget time.Time) (others map[string][]byte, err error)
}

const (
	exchangeEvery = time.Second

	// Hosts that read each other's counts at all do so within a few seconds, so a batch can
	// be read for batchLasts. A host that has stored nothing for hostLasts may be gone; its
	// counts run out where they were read.
	batchLasts = 10 * time.Second
	hostLasts  = time.Minute

	maxChanges = 8192 // of different buckets, from one exchange to the next
	maxBatch   = 2048 // ... that are sent, those with the most points first
)

// changes are the counts since the last exchange.
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

// batch lists the changes that matter most.
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

	mu       sync.Mutex // one round at a time
	batches  []batch
	last     uint64            // number of the newest batch
	unsent   bool              // the newest batch may not have been stored
	lastRead map[string]uint64 // the newest batch of each other host
}

// NewExchange makes the limiter record changes for other hosts.
func NewExchange(l *Limiter, counts Counts) *Exchange {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.changes = changes{}
	return &Exchange{limiter: l, counts: counts, host: rand.Text(), lastRead: map[string]uint64{}}
}

// Run exchanges once a second until ctx is done. It writes only if something was counted.
// outcome gets the result of each exchange. After an error, the counts of other hosts
// arrive late; those of this host continue.
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
	var sent []byte
	if e.unsent {
		sent = encode(e.batches)
	}
	others, err := e.counts.ExchangeCounts(ctx, e.host, sent, now, now.Add(-hostLasts))
	if err != nil {
		return fmt.Errorf("exchanging counts of failed sign-ins with other hosts: %w", err)
	}
	e.unsent = false
	for host := range e.lastRead {
		if _, ok := others[host]; !ok {
			delete(e.lastRead, host)
		}
	}
	for host, sent := range others {
		batches, err := decode(sent)
		if err != nil {
			return fmt.Errorf("reading the counts of another host: %w", err)
		}
		e.add(host, batches)
	}
	return nil
}

// collect makes a batch of the new counts, and drops batches that every host has read.
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
		e.unsent = true
	}
}

// add adds the counts of another host, each batch once.
func (e *Exchange) add(host string, batches []batch) {
	l := e.limiter
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.sinceBegan()
	for _, b := range batches {
		if b.number <= e.lastRead[host] {
			continue
		}
		e.lastRead[host] = b.number
		for _, entry := range b.entries {
			t := &l.tables[entry.kind]
			t.add(entry.key, now, t.rate.span(float64(entry.milli)/1000), int(entry.failures))
		}
	}
}
