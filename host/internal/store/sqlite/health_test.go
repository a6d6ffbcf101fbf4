package sqlite

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
)

// A failed write counts until one succeeds, however long ago the last success was.
func TestPingAfterAFailedWrite(t *testing.T) {
	s := newStore(t)
	addUser(t, s, "ann")
	s.health.every = time.Hour
	writerPragma(t, s, "query_only = ON")
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("before anybody could know: %v", err)
	}
	if err := s.EndSession(t.Context(), "s1", sso.Event{}); err == nil {
		t.Fatal("a read-only database was written to")
	}
	wantText(t, s.Ping(t.Context()), "read-only")
	writerPragma(t, s, "query_only = OFF")
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("when writing works again: %v", err)
	}
	if !s.health.wroteLately() {
		t.Error("the write of Ping is not known")
	}
}

// Mistakes and cancellations of callers are not failures of the database.
func TestPingAfterMistakesOfCallers(t *testing.T) {
	s := newStore(t)
	addUser(t, s, "ann")
	s.health.every = time.Hour
	held, err := s.writer.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.EndSession(gone, "s1", sso.Event{}); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Ping(t.Context()) }()
	select {
	case err := <-done: // although another caller writes
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error("Ping waits for the connection that writes")
	}
	if err := held.Rollback(); err != nil {
		t.Fatal(err)
	}
}

// The probe is a real write: the file grows, otherwise a full disk would not show.
func TestPingWritesWhenNothingWasWrittenLately(t *testing.T) {
	path := filepath.Join(t.TempDir(), "doorward.db")
	s := openAt(t, path)
	size := func() int64 {
		info, err := os.Stat(path + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	before := size()
	if err := s.Ping(t.Context()); err != nil || size() != before {
		t.Errorf("just after a write: %v, %d bytes more", err, size()-before)
	}
	s.health.every = 0
	if err := s.Ping(t.Context()); err != nil || size() == before {
		t.Errorf("long after a write: %v, %d bytes more", err, size()-before)
	}
	if err := openAt(t, path).Ping(t.Context()); err != nil {
		t.Errorf("opened again: %v", err)
	}
}

// A refused operation wrote nothing, so it does not show that the database is writable.
func TestRefusalIsNoSignOfHealth(t *testing.T) {
	s := newStore(t)
	id := sso.OnceID{Scope: "attempt", ID: "a", Until: now}
	if err := s.Spend(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	s.health.mu.Lock()
	s.health.failed = true
	s.health.mu.Unlock()
	if err := s.Spend(t.Context(), id); !errors.Is(err, sso.ErrSpent) {
		t.Errorf("error %v, want ErrSpent", err)
	}
	if s.health.wroteLately() {
		t.Error("the host is healthy by what was refused")
	}
}
