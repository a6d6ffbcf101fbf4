package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	sqlite3 "modernc.org/sqlite/lib"

	"github.com/doorward/doorward/host/internal/sso"
)

// batch is one transaction, with a savepoint for each operation.
type batch struct {
	tx      *sql.Tx
	members []member
	broken  error // why the whole batch fails
	failure error // the last database failure that affected one operation only

	committed bool
}

// member is an operation that was run, with the result for its caller.
type member struct {
	*operation
	err error
}

// add runs an operation unless its caller has given up.
func (b *batch) add(op *operation) {
	if !op.begin() {
		return
	}
	err, broken := b.runApart(op)
	if broken != nil {
		b.fail(broken)
	}
	if isFailure(err) {
		b.failure = err
	}
	b.members = append(b.members, member{op, err})
}

// runApart runs an operation in a savepoint. broken is the error for the other operations
// if this one took them with it.
//
// SQLite answers some errors by rolling back the whole transaction, and decides itself
// which ones (https://www.sqlite.org/lang_transaction.html section 4). The savepoint is
// gone then, and later statements would be committed one by one.
func (b *batch) runApart(op *operation) (err, broken error) {
	if err := b.exec("SAVEPOINT operation"); err != nil {
		close(op.ran)
		return err, err
	}
	if err := op.run(b.tx); err != nil {
		return err, b.undo(err)
	}
	err = b.exec("RELEASE operation")
	return err, err
}

// undo undoes a failed operation and keeps the others. If that is impossible, it returns
// the error for the others. They do not get the original error, which belongs to another
// caller.
func (b *batch) undo(failed error) (broken error) {
	switch _, panics := errors.AsType[*panicked](failed); {
	case panics:
		return errors.New("writing: another write of the same transaction panicked, nothing of it is stored")
	case endsTransaction(failed):
		return fmt.Errorf("writing: another write of the same transaction failed, nothing of it is stored: %s", failed.Error())
	default:
		return b.exec("ROLLBACK TO operation; RELEASE operation")
	}
}

func (b *batch) exec(statement string) error {
	_, err := b.tx.ExecContext(context.Background(), statement)
	return explain("keeping the writes of a transaction apart", err)
}

// endsTransaction reports whether SQLite may have rolled back the whole transaction, or
// cannot write the rest of it either.
func endsTransaction(err error) bool {
	switch codeOf(err) {
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_INTERRUPT:
		return true
	default:
		return false
	}
}

func (b *batch) fail(broken error) {
	b.broken = broken
	for i := range b.members {
		b.members[i].err = broken
	}
}

// end commits if there is anything to commit. It returns the error that shows the state
// of the database.
func (b *batch) end() error {
	if b.broken != nil || !b.anyGood() {
		_ = b.tx.Rollback() // the first error says more
		return errors.Join(b.failure, b.broken)
	}
	if err := b.tx.Commit(); err != nil {
		// After a failed sync, the data may still have reached the disk and show up after
		// the next start.
		b.fail(fmt.Errorf("%w: %w", sso.ErrOutcomeUnknown, explain("committing", err)))
		return b.broken
	}
	b.committed = true
	return b.failure
}

func (b *batch) anyGood() bool {
	for _, m := range b.members {
		if m.err == nil {
			return true
		}
	}
	return false
}

// answer reports to each caller the outcome of their operation.
func (b *batch) answer() {
	for _, m := range b.members {
		m.done <- m.err
	}
}
