package sqlite

import (
	"context"
	"database/sql"
	"sync"
	"time"
)

const (
	// maxWaiting is the length of the queue. Later callers wait for room, as long as
	// their context allows.
	maxWaiting = 256

	// maxBatch and batchFor bound how much one failure loses, and how long the first
	// operation of a batch waits for the others. A login takes about 0.1 ms.
	maxBatch = 128
	batchFor = 20 * time.Millisecond
)

// owner is the one goroutine that writes. It commits together the operations that are
// queued when it begins a transaction and those that arrive while it runs them: while one
// commit waits for the disk, the operations for the next one gather. It does not wait for
// more, so a single operation is committed at once.
//
// Each operation has a savepoint: if it returns an error, it is undone and the others
// stay. All callers get their answers after the commit, including those whose operation
// failed: what it read, such as a spent once-ID, may have been written by an earlier
// operation of the same batch.
//
// Operations run in the order in which they arrived. newOwner starts the goroutine; stop
// ends it.
type owner struct {
	db     *sql.DB // one connection
	health *health

	maxBatch int
	batchFor time.Duration

	queue             chan *operation
	stopping, stopped chan struct{}
	stopOnce          sync.Once
}

func newOwner(db *sql.DB, h *health) *owner {
	o := &owner{
		db: db, health: h, maxBatch: maxBatch, batchFor: batchFor,
		queue: make(chan *operation, maxWaiting), stopping: make(chan struct{}), stopped: make(chan struct{}),
	}
	go o.serve()
	return o
}

// stop returns when everything in the queue has been written and answered. Later
// operations are refused.
func (o *owner) stop() {
	o.stopOnce.Do(func() { close(o.stopping) })
	<-o.stopped
}

func (o *owner) serve() {
	defer close(o.stopped)
	for {
		select {
		case first := <-o.queue:
			o.commitWith(first)
		case <-o.stopping:
			for op := o.next(); op != nil; op = o.next() {
				o.commitWith(op)
			}
			return
		}
	}
}

// next returns the operation that has waited longest, or nil.
func (o *owner) next() *operation {
	select {
	case op := <-o.queue:
		return op
	default:
		return nil
	}
}

// commitWith writes an operation and those queued behind it.
func (o *owner) commitWith(first *operation) {
	behind := len(o.queue)
	tx, err := o.db.BeginTx(context.Background(), nil)
	if err != nil {
		o.refuse(first, behind, explain("getting the write lock", err))
		return
	}
	defer func() { _ = tx.Rollback() }() // no effect after the transaction has ended
	b, began := &batch{tx: tx}, time.Now()
	for op := first; op != nil; op = o.next() {
		b.add(op)
		if b.broken != nil || len(b.members) >= o.maxBatch || time.Since(began) > o.batchFor {
			break
		}
	}
	if err := b.end(); err != nil || b.committed {
		o.health.learn(err)
	}
	b.answer()
}

// refuse answers an operation and those that were queued behind it when the wait for the
// write lock began, so that they do not wait for the lock again, one after the other.
func (o *owner) refuse(first *operation, behind int, err error) {
	o.health.learn(err)
	for op := first; ; op = <-o.queue { // only this goroutine receives
		if op.begin() {
			close(op.ran)
			op.done <- err
		}
		if behind == 0 {
			return
		}
		behind--
	}
}
