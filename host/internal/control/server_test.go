package control

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestSocketOfABusyHost: whose queue is full is there, and must not lose its socket.
func TestSocketOfABusyHost(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	if err := errors.Join(syscall.Bind(fd, &syscall.SockaddrUnix{Name: path}), syscall.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	for {
		conn, err := net.Dial("unix", path)
		if err != nil {
			break // the queue is full
		}
		t.Cleanup(func() { _ = conn.Close() })
	}
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Claim(t.Context(), path); !errors.Is(err, ErrInUse) {
		t.Errorf("serving on the same socket: %v, want ErrInUse", err)
	}
	if after, err := os.Stat(path); err != nil || !os.SameFile(before, after) {
		t.Errorf("its socket is not there any more: %v", err)
	}
}

// TestCloseLeavesTheSocketOfTheNextHost: the next one starts as soon as nobody
// listens any more.
func TestCloseLeavesTheSocketOfTheNextHost(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	first, err := listenUnix(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	own, ok := first.(unlinkingListener)
	if !ok {
		t.Fatalf("a listener of type %T", first)
	}
	var next net.Listener
	own.Listener = startsNext{own.Listener, func() {
		if next, err = listenUnix(t.Context(), path); err != nil {
			t.Fatal(err)
		}
	}}
	if err := own.Close(); err != nil {
		t.Fatal(err)
	}
	defer next.Close()
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatalf("calling the next host: %v", err)
	}
	_ = conn.Close()
}

// startsNext starts another host when the listening has ended.
type startsNext struct {
	net.Listener
	start func()
}

func (s startsNext) Close() error {
	err := s.Listener.Close()
	s.start()
	return err
}
