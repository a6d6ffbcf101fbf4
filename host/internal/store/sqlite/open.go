package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"modernc.org/sqlite"

	"github.com/doorward/doorward/host/internal/sso"
)

// busyTimeout is how long to wait for another process that holds the write lock, such as
// a backup.
const busyTimeout = 5 * time.Second

// Open opens the database file, creates it with mode 0600 if it does not exist, and
// brings its schema up to date. The folder must exist. The error is ErrTooNew if a newer
// version of this program wrote the database.
//
// confirm checks what is sealed in the database. If it returns an error, so does Open,
// and the database stays as it was. Callers that open nothing sealed pass nil.
func Open(ctx context.Context, path string, confirm sso.ConfirmSecret) (*Store, error) {
	return open(ctx, path, busyTimeout, confirm)
}

func open(ctx context.Context, path string, busy time.Duration, confirm sso.ConfirmSecret) (*Store, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("opening database %q: %w", path, err)
	}
	if err := create(path); err != nil {
		return nil, err
	}
	s, err := connect(path, busy)
	if err != nil {
		return nil, fmt.Errorf("opening database %q: %w", path, err)
	}
	if err := s.start(ctx, confirm); err != nil {
		return nil, errors.Join(fmt.Errorf("opening database %q: %w", path, err), s.Close())
	}
	return s, nil
}

// readIn reads a database file without opening a Store. It does nothing if the file does
// not exist.
func readIn(path string, read func(*sql.DB) error) error {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("opening database %q: %w", path, err)
	}
	connector, err := sqlite.NewConnector(readerURI(path, busyTimeout))
	if err != nil {
		return fmt.Errorf("opening database %q: %w", path, err)
	}
	db := sql.OpenDB(connector)
	defer db.Close()
	return read(db)
}

// create creates an empty file that only its owner can read, because it will hold e-mail
// addresses. SQLite gives the -wal and -shm files the same mode.
//
// A file that exists is not even opened: closing it would release the locks that this
// process holds on it through SQLite (fcntl locks belong to the process, not to the
// descriptor).
func create(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("creating database %q: the folder %q does not exist, create it first: %w", path, filepath.Dir(path), err)
	case err != nil:
		return fmt.Errorf("creating database %q: %w; let the user of this process write to the folder, or choose another path", path, err)
	}
	return f.Close()
}

// writerURI never creates a file (mode=rw): if the database was moved away, a new and
// empty one would lack all logouts and once-IDs.
func writerURI(path string, busy time.Duration) string {
	return fileURI(path, busy, url.Values{
		"mode":          {"rw"},
		"_txlock":       {"immediate"},
		"_journal_mode": {"WAL"},
		"_synchronous":  {"FULL"}, // see the package comment: a lost logout would revive a session
		"_foreign_keys": {"on"},
		// A savepoint may have to undo more than 64 KB for many logins, and would use a
		// temporary file: that costs CPU time in each login, and a full /tmp would make
		// logins fail. The host's writes are bounded, and so is this memory.
		"_pragma": {"trusted_schema(OFF)", "temp_store(MEMORY)"},
	})
}

// readerURI gives each reader up to 16 MB of page cache, enough for about 25 000
// sessions: with SQLite's 2 MB, a session check takes a fifth longer, because it has to
// read from the file.
func readerURI(path string, busy time.Duration) string {
	return fileURI(path, busy, url.Values{
		"mode":    {"ro"},
		"_pragma": {"trusted_schema(OFF)", "cache_size(-16000)"},
	})
}

func fileURI(path string, busy time.Duration, query url.Values) string {
	query.Set("_busy_timeout", strconv.FormatInt(busy.Milliseconds(), 10))
	query.Set("_defensive", "1")
	query.Set("_dqs", "0")      // a misspelt column is an error, not a string
	query.Set("_error_rc", "1") // no stale error texts
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: query.Encode()}).String()
}
