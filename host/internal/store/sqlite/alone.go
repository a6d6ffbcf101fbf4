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

// ErrInUse: another process has opened the database by [OpenAlone].
var ErrInUse = errors.New("another doorward works with this database, and one at a time can: stop that one, " +
	"or give this one a database of its own; several hosts that share one need PostgreSQL")

// Alone is a Store that no other process has opened so.
type Alone struct {
	*Store
	lock *os.File
}

// OpenAlone is [Open] for a process that keeps in its memory what is in the database, or
// changes what others keep there. What holds others off is a lock of the system on a file
// beside the database, its name with ".lock", and not on the database, whose locks are
// SQLite's. It ends with the process, however that ends; the file stays, since a lock
// on a file that was removed holds nobody off. The error is ErrInUse if another process
// was there before.
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
	path, err := filepath.EvalSymlinks(database) // one lock, by whatever name
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
