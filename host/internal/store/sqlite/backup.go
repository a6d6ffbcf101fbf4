package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	sqlite3 "modernc.org/sqlite/lib"
)

// ErrBackupExists: something is there already under the name of the backup.
var ErrBackupExists = errors.New("it exists already")

// BackedUp is what a backup is like.
type BackedUp struct {
	Bytes   int64
	Version int // of the schema
}

// Backup copies the database in the file from to a new file to, of mode 0600, that
// has all that was committed when it began, and nothing else. A host may use the
// database meanwhile, or not; logins and refreshes do not wait. The copy has been
// checked and is on the disk when it gets its name; the folder must exist.
//
// ErrBackupExists if to is there: nothing is ever overwritten. A backup that is broken
// off by the end of the context leaves nothing; one that is killed leaves a file with
// the ending .partial beside it, which may be removed.
func Backup(ctx context.Context, from, to string) (b BackedUp, err error) {
	if _, err := os.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
		return b, errors.Join(ErrBackupExists, err)
	}
	partial, err := os.CreateTemp(filepath.Dir(to), filepath.Base(to)+".*.partial") // of mode 0600
	if err != nil {
		return b, fmt.Errorf("making the file of the backup: %w", err)
	}
	defer func() { err = errors.Join(err, partial.Close(), gone(partial.Name())) }()
	if err := copyInto(ctx, from, partial.Name()); err != nil {
		return b, err
	}
	if b, err = checkBackup(ctx, partial.Name()); err != nil {
		return BackedUp{}, fmt.Errorf("checking the backup: %w", err)
	}
	if err := partial.Sync(); err != nil {
		return BackedUp{}, fmt.Errorf("writing the backup to the disk: %w", err)
	}
	if err := giveName(partial.Name(), to); err != nil {
		return BackedUp{}, err
	}
	return b, syncFolder(filepath.Dir(to))
}

// gone removes a file that need not be there.
func gone(name string) error {
	if err := os.Remove(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// copyInto fills an empty file. VACUUM INTO reads in one transaction, whatever others
// write meanwhile. The backup API of SQLite begins anew whenever another process has
// written, and would never end beside a busy host.
func copyInto(ctx context.Context, from, to string) error {
	if _, err := os.Stat(from); err != nil {
		return fmt.Errorf("looking for the database: %w", err)
	}
	return readIn(from, func(db *sql.DB) error {
		_, err := db.ExecContext(ctx, "VACUUM INTO ?", to)
		if codeOf(err) == sqlite3.SQLITE_FULL { // the database itself is only read
			return fmt.Errorf("copying the database: the disk that the backup goes to is full, make room there or choose another: %w", err)
		}
		return explain("copying the database", err)
	})
}

// checkBackup reads all of a backup.
func checkBackup(ctx context.Context, path string) (b BackedUp, err error) {
	err = readIn(path, func(db *sql.DB) error {
		var found string
		if err := db.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&found); err != nil {
			return explain("reading it", err)
		}
		if found != "ok" {
			return fmt.Errorf("it is damaged, and so is the database, probably: %s", found)
		}
		err := db.QueryRowContext(ctx, "SELECT version FROM schema_version").Scan(&b.Version)
		return explain("reading the schema version, is it a database of doorward?", err)
	})
	if err != nil {
		return b, err
	}
	file, err := os.Stat(path)
	if err != nil {
		return b, fmt.Errorf("looking at it: %w", err)
	}
	b.Bytes = file.Size()
	return b, nil
}

// giveName renames a file, and never overwrites another, even one that came to be
// meanwhile. Where there are no hard links, only one that was there before is seen.
func giveName(partial, name string) error {
	err := os.Link(partial, name)
	if err == nil {
		return nil // the other name goes
	}
	if _, there := os.Lstat(name); there == nil {
		return ErrBackupExists
	}
	if err := os.Rename(partial, name); err != nil {
		return fmt.Errorf("naming the backup: %w", err)
	}
	return nil
}

// syncFolder has the disk know the names in a folder.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("writing the name of the backup to the disk: %w", err)
	}
	if err := errors.Join(folder.Sync(), folder.Close()); err != nil {
		return fmt.Errorf("writing the name of the backup to the disk: %w", err)
	}
	return nil
}
