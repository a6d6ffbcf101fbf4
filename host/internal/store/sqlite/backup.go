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

// ErrBackupExists: a file with the name of the backup already exists.
var ErrBackupExists = errors.New("it exists already")

// BackedUp describes a finished backup.
type BackedUp struct {
	Bytes   int64
	Version int // of the schema
}

// Backup copies the database file from to a new file to with mode 0600. The copy contains
// exactly what was committed when the backup began. A host may use the database during
// the backup; logins and refreshes do not wait. The copy is checked and synced to disk
// before it gets its name. The folder of to must exist.
//
// If to exists, the error is ErrBackupExists; nothing is ever overwritten. A backup that
// is cancelled by its context leaves no file; one that is killed leaves a file next to to
// that ends in .partial, which may be deleted.
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

// gone removes a file that may not exist.
func gone(name string) error {
	if err := os.Remove(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// copyInto fills an empty file. VACUUM INTO reads in one transaction, whatever others
// write during it. SQLite's backup API starts over whenever another process has written,
// and would never finish on a busy host.
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

// checkBackup reads the whole backup.
func checkBackup(ctx context.Context, path string) (b BackedUp, err error) {
	err = readIn(path, func(db *sql.DB) error {
		var found string
		if err := db.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&found); err != nil {
			return explain("reading the backup", err)
		}
		if found != "ok" {
			return fmt.Errorf("the backup is damaged, and probably the database too: %s", found)
		}
		err := db.QueryRowContext(ctx, "SELECT version FROM schema_version").Scan(&b.Version)
		return explain("reading the schema version; is this a Doorward database?", err)
	})
	if err != nil {
		return b, err
	}
	file, err := os.Stat(path)
	if err != nil {
		return b, fmt.Errorf("looking at the backup: %w", err)
	}
	b.Bytes = file.Size()
	return b, nil
}

// giveName renames a file and never overwrites another, not even one created in the
// meantime. Without hard links, it only notices a file that existed before the rename.
func giveName(partial, name string) error {
	err := os.Link(partial, name)
	if err == nil {
		return nil // the caller removes the old name
	}
	if _, there := os.Lstat(name); there == nil {
		return ErrBackupExists
	}
	if err := os.Rename(partial, name); err != nil {
		return fmt.Errorf("naming the backup: %w", err)
	}
	return nil
}

// syncFolder syncs a folder's directory entries to disk.
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
