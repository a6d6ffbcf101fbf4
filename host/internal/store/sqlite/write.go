package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime/debug"
	"sync/atomic"

	"github.com/doorward/doorward/host/internal/sso"
)

var errClosed = sso.StoreUnavailable(errors.New("the database was closed"))

// write has do run in a transaction that has the write lock from its start, beside what
// others write at the same time; see owner. What do wrote stays if and only if write
// returns nil. If do returns an error, so does write, and what do wrote is undone.
//
// The error of the context means that nothing was written and nothing will be. If the
// context ends after do was begun, or if the commit fails, it is [sso.ErrOutcomeUnknown].
// In no case does do run any more when write returns.
//
// do runs in the goroutine of the owner, one at a time. It only computes and uses tx:
// while it waits, nobody writes, and a write inside it would wait for itself. The end of
// a context does not interrupt a statement of tx; see uninterrupted. A panic in it comes
// out of write.
func (s *Store) write(ctx context.Context, do func(tx *sql.Tx) error) error {
	return s.owner.write(ctx, do)
}

func (o *owner) write(ctx context.Context, do func(tx *sql.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case <-o.stopping: // else the queue may have room
		return errClosed
	default:
	}
	op := &operation{do: do, ran: make(chan struct{}), done: make(chan error, 1)}
	select {
	case o.queue <- op:
	case <-ctx.Done():
		return ctx.Err()
	case <-o.stopping:
		return errClosed
	}
	var gone error
	select {
	case err := <-op.done:
		return tell(err)
	case <-ctx.Done():
		gone = ctx.Err()
	case <-o.stopped:
		gone = errClosed
	}
	if op.withdraw() {
		return gone
	}
	<-op.ran
	select {
	case err := <-op.done: // after all
		return tell(err)
	default:
		return fmt.Errorf("%w: %w", sso.ErrOutcomeUnknown, gone)
	}
}

// operation is what one caller of write wants written.
type operation struct {
	do    func(tx *sql.Tx) error
	state atomic.Int32
	ran   chan struct{} // closed when do does not run any more
	done  chan error    // has room for the one that comes: the owner waits for nobody
}

// The states of an operation. Only one that is queued becomes something else.
const (
	queued int32 = iota
	begun
	withdrawn
)

// begin is whether the operation is to be run; not if the caller has gone.
func (op *operation) begin() bool { return op.state.CompareAndSwap(queued, begun) }

// withdraw is whether it will never be run.
func (op *operation) withdraw() bool { return op.state.CompareAndSwap(queued, withdrawn) }

// run runs the operation. The error is a *panicked if it panicked.
func (op *operation) run(tx *sql.Tx) (err error) {
	defer close(op.ran)
	defer func() {
		if value := recover(); value != nil {
			err = &panicked{value, debug.Stack()}
		}
	}()
	return op.do(tx)
}

// tell returns the error of an operation to its caller, or panics as it did.
func tell(err error) error {
	if panicked, ok := errors.AsType[*panicked](err); ok {
		panic(panicked)
	}
	return err
}

// panicked is a panic of an operation. Its text has the stack of the operation, because
// that of the caller, where it comes out, does not say what happened.
type panicked struct {
	value any
	stack []byte
}

func (p *panicked) Error() string { return fmt.Sprintf("%v, while writing:\n%s", p.value, p.stack) }

// Unwrap returns the value if it is an error.
func (p *panicked) Unwrap() error {
	err, _ := p.value.(error)
	return err
}
