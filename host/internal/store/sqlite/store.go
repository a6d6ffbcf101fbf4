package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"time"

	"modernc.org/sqlite"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/store"
)

var _ store.Store = (*Store)(nil)

// readers is the number of reading connections. A lookup is a few microseconds of CPU
// time, so more connections than processors are no use, and each has its own cache.
const readers = 4

// Store is a database file. Open creates one.
type Store struct {
	path string
	file os.FileInfo // path as it was when opened

	writer *sql.DB // one connection
	owner  *owner  // writes through writer
	reader *sql.DB // as many connections as reading has room for

	// reading has an element for each running lookup; see lookUp.
	reading chan struct{}

	health health

	// Prepared, because parsing takes longer than a lookup, and as long as a write.
	sessionToken, sessionUser *sql.Stmt
	inWriter                  map[string]*sql.Stmt // by text; see run
}

func connect(path string, busy time.Duration) (*Store, error) {
	// fdatasync skips the time of the last change, which nothing needs. SQLite compiled
	// from C does the same on Linux. Systems without fdatasync keep using fsync.
	_, _ = sqlite.Fdatasync(true)
	writer, err := sqlite.NewConnector(writerURI(path, busy))
	if err != nil {
		return nil, fmt.Errorf("opening the writing connection: %w", err)
	}
	reader, err := sqlite.NewConnector(readerURI(path, busy))
	if err != nil {
		return nil, fmt.Errorf("opening the reading connections: %w", err)
	}
	s := &Store{
		path:   path,
		writer: sql.OpenDB(uninterrupted{writer}), reader: sql.OpenDB(reader), reading: make(chan struct{}, readers),
		health: health{every: probeEvery},
	}
	s.writer.SetMaxOpenConns(1)
	s.owner = newOwner(s.writer, &s.health)
	s.reader.SetMaxOpenConns(readers)
	s.reader.SetMaxIdleConns(readers)
	return s, nil
}

func (s *Store) start(ctx context.Context, confirm sso.ConfirmSecret) error {
	var mode string
	if err := s.writer.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&mode); err != nil {
		return explain("connecting", err)
	}
	var err error
	if s.file, err = os.Stat(s.path); err != nil {
		return fmt.Errorf("reading the file information: %w", err)
	}
	if mode != "wal" {
		return fmt.Errorf("the journal mode is %q instead of \"wal\": put the database on a local disk, not on a network file system", mode)
	}
	err = s.write(ctx, func(tx *sql.Tx) error {
		if err := migrate(ctx, tx); err != nil || confirm == nil {
			return err
		}
		return confirmSecret(ctx, tx, confirm)
	})
	if err != nil {
		return err
	}
	return s.prepare(ctx)
}

func (s *Store) prepare(ctx context.Context) error {
	for _, p := range []struct {
		statement **sql.Stmt
		text      string
	}{
		{&s.sessionToken, selectSessionToken},
		{&s.sessionUser, selectSessionUser},
	} {
		var err error
		if *p.statement, err = s.reader.PrepareContext(ctx, p.text); err != nil {
			return explain("preparing a lookup", err)
		}
	}
	s.inWriter = map[string]*sql.Stmt{}
	for _, text := range []string{
		insertOnce, selectUserByLink, updateUser, insertSession, insertAtProvider, insertToken, removeTokens, removeSessions, removeOnce,
		insertEvent,
	} {
		var err error
		if s.inWriter[text], err = s.writer.PrepareContext(ctx, text); err != nil {
			return explain("preparing a write", err)
		}
	}
	return nil
}

// Close writes what is queued and closes the database. What was written stays, even
// without Close.
func (s *Store) Close() error {
	s.owner.stop()
	// Readers first: the last connection to close moves the -wal file into the database,
	// and readers may not write.
	return errors.Join(s.reader.Close(), s.writer.Close())
}

// run runs a statement in a transaction of write, and find one that finds a row.
// Statements of each login are prepared. As in lookUp, the context is not watched while
// SQLite works: it does not wait, because the transaction has the write lock, and
// database/sql would start a goroutine to watch.
func (s *Store) run(ctx context.Context, tx *sql.Tx, text string, arguments ...any) (sql.Result, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	unwatched := context.WithoutCancel(ctx)
	return tx.StmtContext(unwatched, s.inWriter[text]).ExecContext(unwatched, arguments...)
}

func (s *Store) find(ctx context.Context, tx *sql.Tx, text string, arguments ...any) *sql.Row {
	unwatched := context.WithoutCancel(ctx)
	return tx.StmtContext(unwatched, s.inWriter[text]).QueryRowContext(unwatched, arguments...)
}

// lookUp runs a prepared statement that finds one row by its key, and scans it into
// fields. ok is false if there is no row.
//
// The context is obeyed until a connection is free, but not while SQLite works: to watch
// it, database/sql and the driver start a goroutine each, which made 13 µs of a lookup 22
// µs (BenchmarkSessionToken, parallel).
func (s *Store) lookUp(ctx context.Context, statement *sql.Stmt, fields []any, key ...any) (ok bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	select {
	case s.reading <- struct{}{}:
		defer func() { <-s.reading }()
	case <-ctx.Done():
		return false, ctx.Err()
	}
	err = statement.QueryRowContext(context.WithoutCancel(ctx), key...).Scan(fields...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}
