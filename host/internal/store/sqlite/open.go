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

// busyTimeout is how long to wait for another process that holds the write
// lock, such as a backup.
const busyTimeout = 5 * time.Second

// Open opens the database in that file, creates it with mode 0600 if there is
// none, and brings its schema up to date. The folder must exist. The error is
// ErrTooNew if a newer version of this program wrote the database.
//
// confirm looks at what is sealed in the database; if it returns an error, so does
// Open, and the database stays as it was. Whoever opens nothing that is sealed has
// no use for it, and passes nil.
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

// readIn reads in the file of a database that nothing has opened. A file that is not
// there has nothing to be read.
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

// create makes an empty file that only its owner can read, because e-mail
// addresses will stand in it. SQLite gives the -wal and -shm files the mode of
// the database.
//
// A file that exists is not even opened: closing it would release the locks
// that this process holds on it through SQLite (fcntl locks belong to the
// process, not to the descriptor).
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

// writerURI never creates a file (mode=rw): if the database was moved away under
// us, a new and empty one would have forgotten which logouts and once-IDs there
// were.
func writerURI(path string, busy time.Duration) string {
	return fileURI(path, busy, url.Values{
		"mode":          {"rw"},
		"_txlock":       {"immediate"},
		"_journal_mode": {"WAL"},
		"_synchronous":  {"FULL"}, // see the package comment: a lost logout would revive a session
		"_foreign_keys": {"on"},
		// What a savepoint may have to undo is more than 64 KB for many a login, and would
		// go through a temporary file: some of the CPU time of a login, and a full /tmp
		// would refuse it. A write of ours is bounded, and so is this memory.
		"_pragma": {"trusted_schema(OFF)", "temp_store(MEMORY)"},
	})
}

// readerURI gives each reader up to 16 MB of page cache, room for some 25 000
// sessions: with SQLite's 2 MB, a session check takes a fifth longer, because it
// has to read from the file.
func readerURI(path string, busy time.Duration) string {
	return fileURI(path, busy, url.Values{
		"mode":    {"ro"},
		"_pragma": {"trusted_schema(OFF)", "cache_size(-16000)"},
	})
}

func fileURI(path string, busy time.Duration, query url.Values) string {
	query.Set("_busy_timeout", strconv.FormatInt(busy.Milliseconds(), 10))
	query.Set("_defensive", "1")
	query.Set("_dqs", "0")      // a misspelt column is an error, not a text
	query.Set("_error_rc", "1") // no stale error texts
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: query.Encode()}).String()
}
