package control

import (
	"context"
	"errors"
	"os"
	"syscall"
	"time"
)

// lockTimeout bounds the waiting for other processes that claim a socket in the same
// folder. Each takes milliseconds, or the second in which a host does not accept a
// connection.
const lockTimeout = 5 * time.Second

// lockFolder waits until no other process claims a socket in the folder, and returns a
// function that unlocks it. Without the lock, of two processes that find the socket of a
// killed host, the second could remove the new socket of the first, and that host would
// run without one.
//
// It locks the folder itself, so that no file is left behind. If the folder cannot be
// locked, or stays locked, lockFolder returns all the same: processes rarely start at
// the same moment.
func lockFolder(ctx context.Context, folder string) (unlock func()) {
	lock, err := os.Open(folder)
	if err != nil {
		return func() {}
	}
	ctx, cancel := context.WithTimeout(ctx, lockTimeout)
	defer cancel()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for errors.Is(syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB), syscall.EWOULDBLOCK) && ctx.Err() == nil {
		select {
		case <-again.C:
		case <-ctx.Done():
		}
	}
	return func() { _ = lock.Close() } // which ends the lock, too
}
