package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
)

// A write that failed is not forgotten until one goes well, however long ago the
// last good one was.
func TestPingAfterAFailedWrite(t *testing.T) {
	s := newStore(t)
	addUser(t, s, "ann")
	s.health.every = time.Hour
	writerPragma(t, s, "query_only = ON")
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("before anybody could know: %v", err)
	}
	if err := s.EndSession(t.Context(), "s1"); err == nil {
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

// What a caller does wrong, or breaks off, is no failure of the database.
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
	if err := s.EndSession(gone, "s1"); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Ping(t.Context()) }()
	select {
	case err := <-done: // although somebody else writes
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

// The probe is a write: the file grows by it, or the disk would not notice.
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

// mountTiny mounts a file system of one megabyte.
func mountTiny(t *testing.T) string {
	t.Helper()
	if os.Geteuid() != 0 {
		needRoot(t)
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		if errors.Is(err, syscall.EPERM) {
			needRoot(t)
		}
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// needRoot skips a test that must mount something. In the CI it must run.
func needRoot(t *testing.T) {
	t.Helper()
	const text = "MISSING root, who may mount: run as root with CAP_SYS_ADMIN"
	if os.Getenv("CI") == "true" {
		t.Fatal(text)
	}
	t.Skip(text)
}

// fillDisk writes a file until there is no room.
func fillDisk(t *testing.T, dir string) (free func()) {
	t.Helper()
	path := filepath.Join(dir, "ballast")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 4096); err == nil; {
		_, err = f.Write(block)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	return func() {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

// A disk that is really full shows at once, also when nobody has tried to write.
func TestPingOnAFullDisk(t *testing.T) {
	dir := mountTiny(t)
	s, err := Open(t.Context(), filepath.Join(dir, "doorward.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	free := fillDisk(t, dir)
	wantText(t, s.Ping(t.Context()), "disk")
	if err := s.write(t.Context(), func(tx *sql.Tx) error { return spend(t.Context(), tx, sso.OnceID{Scope: "x", ID: "y", Until: now}) }); err == nil {
		t.Error("the disk is not full: something could be written")
	}
	free()
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("when there is room again: %v", err)
	}
}
