package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/store"
)

var _ store.Store = (*Store)(nil)

// startTimeout bounds a start, including the wait for another host that upgrades the
// schema and may have to rewrite many rows.
const startTimeout = 10 * time.Minute

// Store is a PostgreSQL database. Open creates one.
type Store struct {
	pool  *pgxpool.Pool
	known []migration

	callTimeout time.Duration // of each call; see callTimeout

	health health
}

// Open connects to the database and brings its schema up to date, which several hosts may
// do at once. The error is ErrTooNew if a newer version of this program wrote the
// database in a way that this one is not compatible with.
//
// confirm checks what is sealed in the database. If it returns an error, so does Open,
// and the database stays as it was. Callers that open nothing sealed pass nil.
func Open(ctx context.Context, o Options, confirm sso.ConfirmSecret) (*Store, error) {
	known, err := allMigrations(migrations)
	if err != nil {
		return nil, err
	}
	return open(ctx, o, known, confirm)
}

func open(ctx context.Context, o Options, known []migration, confirm sso.ConfirmSecret) (*Store, error) {
	config, err := o.poolConfig()
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("opening database %s: %w", where(config.ConnConfig), err)
	}
	s := &Store{pool: pool, known: known, callTimeout: callTimeout, health: health{every: probeEvery}}
	if err := s.startWaiting(ctx, o, confirm); err != nil {
		pool.Close()
		return nil, fmt.Errorf("opening database %s: %w", where(config.ConnConfig), err)
	}
	return s, nil
}

// startWaiting starts as soon as a server answers.
func (s *Store) startWaiting(ctx context.Context, o Options, confirm sso.ConfirmSecret) error {
	begun, told := time.Now(), ""
	for {
		err := s.start(ctx, confirm)
		if !mayAnswerLater(err) || time.Since(begun) >= o.Wait {
			return err
		}
		if err.Error() != told && o.Waiting != nil {
			o.Waiting(err)
			told = err.Error()
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *Store) start(ctx context.Context, confirm sso.ConfirmSecret) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	tx, err := s.pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.ReadCommitted})
	if err != nil {
		return explain("connecting", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // no effect after Commit
	if err := checkEncoding(ctx, tx); err != nil {
		return err
	}
	if err := migrate(ctx, tx, s.known); err != nil {
		return err
	}
	if confirm != nil {
		if err := confirmSecret(ctx, tx, confirm); err != nil {
			return err
		}
	}
	return explain("committing the schema", tx.Commit(ctx))
}

// checkEncoding refuses a database that cannot store every name.
func checkEncoding(ctx context.Context, tx pgx.Tx) error {
	var encoding string
	// The second setting bounds how long a frozen host keeps others waiting.
	err := tx.QueryRow(ctx, `SELECT current_setting('server_encoding'), set_config('idle_in_transaction_session_timeout', '60s', true)`).
		Scan(&encoding, nil)
	if err != nil {
		return explain("connecting", err)
	}
	if encoding != "UTF8" {
		return errors.New("the database has the encoding " + encoding + ", but names need UTF8: create another with: createdb --encoding=UTF8 --template=template0")
	}
	return nil
}

// Close closes all connections after their current work.
func (s *Store) Close() error {
	s.pool.Close()
	return nil
}
