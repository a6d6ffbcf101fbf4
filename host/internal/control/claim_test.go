package control

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"sync"
	"testing"
)

// TestOneClaims: of those that start at once, where a killed host left its socket behind,
// one has it, and keeps it when the others have gone: a host without its socket could
// not be told anything any more.
func TestOneClaims(t *testing.T) {
	for range 50 {
		path := filepath.Join(t.TempDir(), "s")
		leaveBehind(t, path)
		const several = 8
		var wg sync.WaitGroup
		claims, refusals := make(chan *Claimed, several), make(chan error, several)
		for range several {
			wg.Go(func() {
				claimed, err := Claim(context.Background(), path)
				if err != nil {
					refusals <- err
					return
				}
				claims <- claimed
			})
		}
		wg.Wait()
		close(claims)
		close(refusals)
		for err := range refusals {
			if !errors.Is(err, ErrInUse) {
				t.Errorf("refused with %v, want ErrInUse", err)
			}
		}
		if len(claims) != 1 {
			t.Fatalf("%d have the socket, want one", len(claims))
		}
		conn, err := net.Dial("unix", path)
		if err != nil {
			t.Fatalf("calling the one that has it: %v", err)
		}
		_ = conn.Close()
		if err := (<-claims).Close(); err != nil {
			t.Error(err)
		}
	}
}

// leaveBehind makes a socket on which nobody listens.
func leaveBehind(t *testing.T, path string) {
	t.Helper()
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	listener.SetUnlinkOnClose(false)
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
}
