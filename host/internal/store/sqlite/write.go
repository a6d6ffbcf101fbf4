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

// write has do run in a transaction that holds the write lock from its start, together
// with what others write at the same time; see owner. The writes of do stay if and only
// if write returns nil. If do returns an error, so does write, and the writes of do are
// undone.
//
// The context's error means that nothing was written and nothing will be. If the context
// ends after do has begun, or if the commit fails, the error is [sso.ErrOutcomeUnknown].
// do never runs after write has returned.
//
// do runs in the goroutine of the owner, one at a time. It only computes and uses tx:
// while it waits, nobody writes, and a write inside it would wait for itself. The end of
// a context does not interrupt a statement of tx; see uninterrupted. If do panics, write
// panics.
func (s *Store) write(ctx context.Context, do func(tx *sql.Tx) error) error {
	return s.owner.write(ctx, do)
}

func (o *owner) write(ctx context.Context, do func(tx *sql.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case <-o.stopping: // otherwise the queue may have room
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
	case err := <-op.done: // it finished after all
		return tell(err)
	default:
		return fmt.Errorf("%w: %w", sso.ErrOutcomeUnknown, gone)
	}
}

// operation is one caller's write.
type operation struct {
	do    func(tx *sql.Tx) error
	state atomic.Int32
	ran   chan struct{} // closed when do has returned
	done  chan error    // buffered, so that the owner never waits
}

// The states of an operation. Only a queued operation changes its state.
const (
	queued int32 = iota
	begun
	withdrawn
)

// begin reports whether the operation is to be run. It is not if the caller has given up.
func (op *operation) begin() bool { return op.state.CompareAndSwap(queued, begun) }

// withdraw reports whether the operation will never run.
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

// tell returns the error of an operation to its caller, or panics as the operation did.
func tell(err error) error {
	if panicked, ok := errors.AsType[*panicked](err); ok {
		panic(panicked)
	}
	return err
}

// panicked is a panic of an operation. Its text has the stack of the operation, because
// the stack of the caller, where the panic surfaces, does not show the cause.
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
