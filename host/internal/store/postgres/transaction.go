package postgres

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/doorward/doorward/host/internal/sso"
)

// callTimeout is the time limit of a call, including the wait for a connection. A browser
// is waiting for it.
const callTimeout = 10 * time.Second

// The server enforces these limits even if no client is left to cancel: otherwise a host
// that lost its power, or is frozen, would hold its locks for two hours.
const limits = `SELECT set_config('lock_timeout', '5s', true), set_config('statement_timeout', '10s', true),
	set_config('idle_in_transaction_session_timeout', '10s', true)`

// attempts is how often a transaction is tried as long as nothing was written.
const attempts = 4

// transaction sends statements in as few round trips as possible: they are queued, and
// sent when an answer is needed, or with the COMMIT.
type transaction struct {
	doing string
	conn  *pgxpool.Conn
	batch *pgx.Batch

	commitTimeout time.Duration
}

// queue adds a statement. A callback set on the result gets the answer when the queue is
// sent.
func (t *transaction) queue(text string, arguments ...any) *pgx.QueuedQuery {
	return t.batch.Queue(text, arguments...)
}

// send sends the queue, and reads the answers.
func (t *transaction) send(ctx context.Context) error {
	batch := t.batch
	t.batch = &pgx.Batch{}
	return explain(t.doing, lostBefore(t.conn, t.conn.SendBatch(ctx, batch).Close()))
}

// write runs do in a transaction. The writes of do stay if and only if write returns nil;
// they may or may not if the error is sso.ErrOutcomeUnknown. do may run several times,
// each time from the start.
func (s *Store) write(ctx context.Context, doing string, do func(ctx context.Context, t *transaction) error) (err error) {
	defer func() { s.health.learn(err) }()
	limited, cancel := context.WithTimeout(ctx, s.callTimeout)
	defer cancel()
	for attempt := 1; ; attempt++ {
		err := s.writeOnce(limited, doing, do)
		s.renewIfLost(err)
		if attempt == attempts || !mayTryAgain(err) || limited.Err() != nil {
			return s.timedOut(ctx, limited, err)
		}
		pause(limited, attempt)
	}
}

// pause makes transactions that conflicted start again at different times.
func pause(ctx context.Context, attempt int) {
	select {
	case <-time.After(rand.N(time.Duration(attempt) * 20 * time.Millisecond)): //nolint:gosec // it spreads load, and is not a secret
	case <-ctx.Done():
	}
}

func (s *Store) writeOnce(ctx context.Context, doing string, do func(ctx context.Context, t *transaction) error) error {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return explain(doing, err)
	}
	defer conn.Release() // closes the connection if the transaction has not ended
	t := &transaction{doing, conn, &pgx.Batch{}, s.callTimeout}
	t.queue("BEGIN ISOLATION LEVEL READ COMMITTED")
	t.queue(limits)
	defer rollBack(ctx, conn)
	if err := do(ctx, t); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return explain(doing, err)
	}
	return t.commit(ctx)
}

// commit sends the queue and COMMIT. It waits for the answer even if the caller has given
// up: otherwise nobody would know whether the write was stored.
func (t *transaction) commit(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), t.commitTimeout)
	defer cancel()
	var answer string
	t.queue("COMMIT").Exec(func(tag pgconn.CommandTag) error {
		answer = tag.String()
		return nil
	})
	err := t.send(ctx)
	switch {
	case err == nil && answer == "COMMIT":
		return nil
	case err == nil:
		return fmt.Errorf("%s: the server answered COMMIT with %s", t.doing, answer)
	case isRefusal(err):
		return err
	}
	return fmt.Errorf("%w: %w", sso.ErrOutcomeUnknown, err)
}

// rollBack ends a transaction that is still open, so that its connection can be used
// again. Nothing depends on it: the server rolls back aborted transactions.
func rollBack(ctx context.Context, conn *pgxpool.Conn) {
	const idle = 'I'
	if conn.Conn().IsClosed() || conn.Conn().PgConn().TxStatus() == idle {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_, _ = conn.Exec(ctx, "ROLLBACK")
}

// read runs do, which reads with single statements. It runs do again if the connection
// was lost: the server may have been restarted since it was last used.
func (s *Store) read(ctx context.Context, doing string, do func(ctx context.Context, conn *pgxpool.Conn) error) error {
	limited, cancel := context.WithTimeout(ctx, s.callTimeout)
	defer cancel()
	for attempt := 1; ; attempt++ {
		err := s.readOnce(limited, do)
		s.renewIfLost(err)
		if attempt == attempts || !mayTryAgain(err) || limited.Err() != nil {
			return explain(doing, s.timedOut(ctx, limited, err))
		}
	}
}

func (s *Store) readOnce(ctx context.Context, do func(ctx context.Context, conn *pgxpool.Conn) error) error {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	unbroken, cancel := toItsEnd(ctx)
	defer cancel()
	return lostBefore(conn, do(unbroken, conn))
}

// toItsEnd returns a context that keeps the time limit but is not cancelled. pgx closes a
// connection whose query is cancelled, so a client that sends a cookie and hangs up could
// make the server open one connection after the other (and check a password each time). A
// lookup takes less time than that.
func toItsEnd(ctx context.Context) (context.Context, context.CancelFunc) {
	until, _ := ctx.Deadline()
	return context.WithDeadline(context.WithoutCancel(ctx), until)
}

// renewIfLost replaces all connections after one was lost. A restarted server has lost as
// many as the pool may hold, which are more than attempts; the pool itself only checks
// those that were idle for a second.
func (s *Store) renewIfLost(err error) {
	if errors.Is(err, errLost) {
		s.pool.Reset()
	}
}

// noRow turns "no rows" of a Scan into ok == false.
func noRow(ok *bool, err error) error {
	*ok = err == nil
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	return err
}
