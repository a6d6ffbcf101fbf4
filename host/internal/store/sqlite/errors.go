package sqlite

import (
	"errors"
	"fmt"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/doorward/doorward/host/internal/sso"
)

// advice tells the operator what to do about a failure of SQLite.
var advice = map[int]string{
	sqlite3.SQLITE_BUSY:     "the database is locked, look for another program that uses it",
	sqlite3.SQLITE_READONLY: "the database is read-only, let the user of this process write to the file and its folder",
	sqlite3.SQLITE_FULL:     "the disk is full, make room for the database",
	sqlite3.SQLITE_IOERR:    "the disk failed, check it and the space left on it",
	sqlite3.SQLITE_CORRUPT:  "the database is damaged, restore it from a backup",
	sqlite3.SQLITE_NOTADB:   "the file is not a database, choose another path or restore it from a backup",
	sqlite3.SQLITE_CANTOPEN: "the database cannot be opened, check that its folder exists and is writable",
}

// explain adds to err what was being done, and what helps. A failure of the database is an
// [sso.ErrStoreUnavailable].
func explain(doing string, err error) error {
	if err == nil {
		return nil
	}
	if hint := advice[codeOf(err)]; hint != "" {
		return sso.StoreUnavailable(fmt.Errorf("%s: %s: %w", doing, hint, err))
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// isFailure reports whether the database failed, as opposed to its caller.
func isFailure(err error) bool { return advice[codeOf(err)] != "" }

// codeOf returns the primary result code of an SQLite error, or 0.
func codeOf(err error) int {
	const primary = 0xff // extended result codes keep it in the low byte
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code() & primary
	}
	return 0
}
