package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/doorward/doorward/host/internal/sso"
)

// ErrInUse: another process has opened the database with [OpenAlone].
var ErrInUse = errors.New("another doorward works with this database, and one at a time can: stop that one, " +
	"or give this one a database of its own; several hosts that share one need PostgreSQL")

// Alone is a Store that no other process has opened with [OpenAlone].
type Alone struct {
	*Store
	lock *os.File
}

// OpenAlone is [Open] for a process that caches what is in the database, or that changes
// data which other processes cache. It excludes other processes with a system lock on a
// separate file, named like the database with ".lock" appended; SQLite manages the locks
// on the database file itself. The lock ends with the process, however the process ends.
// The file stays, because a lock on a removed file excludes nobody. The error is ErrInUse
// if another process holds the lock.
func OpenAlone(ctx context.Context, path string, confirm sso.ConfirmSecret) (*Alone, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("opening database %q: %w", path, err)
	}
	if err := create(path); err != nil {
		return nil, err
	}
	lock, err := lockBeside(path)
	if err != nil {
		return nil, fmt.Errorf("opening database %q: %w", path, err)
	}
	s, err := Open(ctx, path, confirm)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return &Alone{s, lock}, nil
}

// Close closes the database, and then lets others open it.
func (a *Alone) Close() error { return errors.Join(a.Store.Close(), a.lock.Close()) }

func lockBeside(database string) (*os.File, error) {
	path, err := filepath.EvalSymlinks(database) // the same lock under every name of the database
	if err != nil {
		return nil, fmt.Errorf("looking where its lock is: %w", err)
	}
	path += ".lock"
	lock, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("making its lock: %w; let the user of this process write to the folder, or choose another path", err)
	}
	err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	switch {
	case errors.Is(err, syscall.EWOULDBLOCK):
		err = ErrInUse
	case err != nil:
		err = fmt.Errorf("locking %s: %w; put the database on a local disk", path, err)
	default:
		return lock, nil
	}
	return nil, errors.Join(err, lock.Close())
}
