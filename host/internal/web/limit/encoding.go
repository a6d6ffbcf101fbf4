package limit

import (
	"encoding/binary"
	"errors"
	"time"
)

// What hosts store for each other: the version, then batches, each with its number, the
// number of its entries, and the entries.
const wireVersion = 1

// A batch is what a host counted from one exchange to the next. The numbers increase.
type batch struct {
	number  uint64
	at      time.Time // when it was made; not encoded
	entries []entry
}

// An entry is the change of one bucket, in thousandths of a point.
type entry struct {
	bucket
	milli, failures int64
}

func encode(batches []batch) []byte {
	out := []byte{wireVersion}
	for _, b := range batches {
		out = binary.AppendUvarint(out, b.number)
		out = binary.AppendUvarint(out, uint64(len(b.entries)))
		for _, e := range b.entries {
			out = append(out, byte(e.kind))
			out = binary.BigEndian.AppendUint64(out, e.key)
			out = binary.AppendVarint(out, e.milli)
			out = binary.AppendVarint(out, e.failures)
		}
	}
	return out
}

// errNotCounts means that the data was not made by encode.
var errNotCounts = errors.New("not the counts of a host")

// maxEntry is more than a host counts in one bucket at a time, and small enough to avoid
// overflow.
const maxEntry = 1 << 40

// decode reads what encode wrote. It ignores data of a newer version.
func decode(data []byte) ([]batch, error) {
	r := reader{rest: data}
	if r.byte() != wireVersion {
		return nil, nil
	}
	var batches []batch
	for len(r.rest) > 0 && !r.bad {
		b := batch{number: r.unsigned()}
		for n := r.unsigned(); n > 0 && !r.bad; n-- {
			e := entry{bucket: bucket{kind: kind(r.byte()), key: r.key()}, milli: r.signed(), failures: r.signed()}
			r.bad = r.bad || e.kind >= kinds || abs(e.milli) > maxEntry || abs(e.failures) > maxEntry
			b.entries = append(b.entries, e)
		}
		batches = append(batches, b)
	}
	if r.bad {
		return nil, errNotCounts
	}
	return batches, nil
}

// reader reads numbers, and returns zeros after one that is invalid.
type reader struct {
	rest []byte
	bad  bool
}

func (r *reader) skip(n int) {
	if n <= 0 || n > len(r.rest) {
		r.rest, r.bad = nil, true
		return
	}
	r.rest = r.rest[n:]
}

func (r *reader) byte() byte {
	if len(r.rest) == 0 {
		r.bad = true
		return 0
	}
	first := r.rest[0]
	r.skip(1)
	return first
}

func (r *reader) key() uint64 {
	if len(r.rest) < 8 {
		r.bad = true
		return 0
	}
	key := binary.BigEndian.Uint64(r.rest)
	r.skip(8)
	return key
}

func (r *reader) unsigned() uint64 {
	value, n := binary.Uvarint(r.rest)
	r.skip(n)
	return value
}

func (r *reader) signed() int64 {
	value, n := binary.Varint(r.rest)
	r.skip(n)
	return value
}
