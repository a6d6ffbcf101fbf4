package provider

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
)

// runtimeDir is a folder for the sockets of plugins that no other user can enter. It
// is locked for as long as the host lives.
type runtimeDir struct {
	path string
	lock *os.File
}

const (
	runtimePattern = "doorward-*"
	runtimeLock    = "lock"
)

// maxRuntimeDir leaves room for a folder and a socket in it, as go-plugin calls
// them. The path of a unix socket has at most 107 bytes on Linux, and 103 where it
// is shortest.
func maxRuntimeDir() int {
	most := 103
	if runtime.GOOS == "linux" {
		most = 107
	}
	return most - len("/plugin-dir4294967295/plugin4294967295")
}

func makeRuntimeDir() (*runtimeDir, error) {
	removeStale(os.TempDir())
	path, err := makeSocketDir(runtimePattern)
	if err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(filepath.Join(path, runtimeLock), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(path))
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("locking it: %w", err), lock.Close(), os.RemoveAll(path))
	}
	return &runtimeDir{path: path, lock: lock}, nil
}

// makeSocketDir makes a folder that nobody else may enter, and in which plugins can have
// their sockets.
func makeSocketDir(pattern string) (string, error) {
	path, err := os.MkdirTemp("", pattern)
	if err != nil {
		return "", err
	}
	if len(path) > maxRuntimeDir() {
		return "", errors.Join(fmt.Errorf("its path %s is too long for sockets: set TMPDIR to a shorter one", path), os.Remove(path))
	}
	return path, nil
}

// removeStale removes what hosts left behind that were killed. Only a folder of
// our own whose lock nobody holds is one of those.
func removeStale(parent string) {
	dirs, _ := filepath.Glob(filepath.Join(parent, runtimePattern))
	for _, dir := range dirs {
		info, err := os.Lstat(dir)
		if err != nil || !info.IsDir() {
			continue
		}
		if stat, ok := info.Sys().(*syscall.Stat_t); !ok || int(stat.Uid) != os.Geteuid() {
			continue
		}
		lock, err := os.OpenFile(filepath.Join(dir, runtimeLock), os.O_RDWR|syscall.O_NOFOLLOW, 0)
		if err != nil {
			continue // not a folder of Doorward, or one that is being made
		}
		if syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			_ = os.RemoveAll(dir)
		}
		_ = lock.Close()
	}
}

func (d *runtimeDir) remove() error {
	return errors.Join(os.RemoveAll(d.path), d.lock.Close())
}
