package limit

import (
	"time"
)

// Buckets has a bucket for each of many keys, separate from the counts of sign-ins. It is
// not safe for concurrent use. Its size is fixed; see table.
type Buckets struct {
	table table
	now   func() time.Time
	began time.Time
}

// NewBuckets makes Buckets with that rate. They empty by the monotonic clock of the
// process, if now has it.
func NewBuckets(rate Rate, now func() time.Time) *Buckets {
	return &Buckets{table: table{rate: rate, places: manyPlaces}, now: now, began: now()}
}

// Take puts a point into the bucket of a key, or returns an Exceeded if the bucket is full.
func (b *Buckets) Take(key uint64) *Exceeded {
	now, rate := b.now().Sub(b.began), b.table.rate
	point := rate.span(1)
	if wait := b.table.level(key, now) + point - rate.Within; wait > 0 {
		return &Exceeded{Limit: "bucket", Points: rate.Points, Wait: wait}
	}
	b.table.add(key, now, point, 1)
	return nil
}
