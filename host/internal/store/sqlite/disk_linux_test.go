package sqlite

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/doorward/doorward/host/internal/sso"
)

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
	s, err := Open(t.Context(), filepath.Join(dir, "doorward.db"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	free := fillDisk(t, dir)
	wantText(t, s.Ping(t.Context()), "disk")
	if err := s.write(t.Context(), func(tx *sql.Tx) error { return s.spend(t.Context(), tx, sso.OnceID{Scope: "x", ID: "y", Until: now}) }); err == nil {
		t.Error("the disk is not full: something could be written")
	}
	free()
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("when there is room again: %v", err)
	}
}

// It is the disk of the backup for which there must be room, and not that of the database.
func TestBackupToAFullDisk(t *testing.T) {
	from := filepath.Join(t.TempDir(), "doorward.db")
	s, err := Open(t.Context(), from, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	dir := mountTiny(t)
	defer fillDisk(t, dir)()
	_, err = Backup(t.Context(), from, filepath.Join(dir, "copy.db"))
	wantText(t, err, "the disk that the backup goes to is full")
	wantOnly(t, dir, "ballast")
}
