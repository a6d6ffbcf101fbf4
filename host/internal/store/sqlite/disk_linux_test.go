package sqlite

import (
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/store/disktest"
)

// A full disk shows at once, even if nobody has tried to write.
func TestPingOnAFullDisk(t *testing.T) {
	dir := disktest.Mount(t, "1m")
	s, err := Open(t.Context(), filepath.Join(dir, "doorward.db"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	free := disktest.Fill(t, dir)
	wantText(t, s.Ping(t.Context()), "disk")
	if err := s.write(t.Context(), func(tx *sql.Tx) error { return s.spend(t.Context(), tx, sso.OnceID{Scope: "x", ID: "y", Until: now}) }); err == nil {
		t.Error("the disk is not full: something could be written")
	}
	free()
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("when there is room again: %v", err)
	}
}

// The backup needs room on its own disk, not on the disk of the database.
func TestBackupToAFullDisk(t *testing.T) {
	from := filepath.Join(t.TempDir(), "doorward.db")
	s, err := Open(t.Context(), from, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	dir := disktest.Mount(t, "1m")
	defer disktest.Fill(t, dir)()
	_, err = Backup(t.Context(), from, filepath.Join(dir, "copy.db"))
	wantText(t, err, "the disk that the backup goes to is full")
	wantOnly(t, dir, disktest.Ballast)
}
