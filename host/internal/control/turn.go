package control

import (
	"context"
	"errors"
	"os"
	"syscall"
	"time"
)

// turnTimeout bounds the waiting for others that claim a socket in the same folder. Each
// takes milliseconds, or the second in which a host does not take a call.
const turnTimeout = 5 * time.Second

// oneAtATime waits until no other process claims a socket in the folder, and returns what
// lets the next one. Of two that find the socket of a killed host, the second would else
// remove that which the first has put there meanwhile, and a host would run without one.
//
// The lock is the folder's own, so that it leaves no file behind. Where there can be none,
// or somebody keeps it, there is no turn, which is as good as the two coming one at a time.
func oneAtATime(ctx context.Context, folder string) (done func()) {
	lock, err := os.Open(folder)
	if err != nil {
		return func() {}
	}
	ctx, cancel := context.WithTimeout(ctx, turnTimeout)
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
