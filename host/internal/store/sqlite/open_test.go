package sqlite

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/doorward/doorward/host/internal/sso"
)

func openAt(t testing.TB, path string) *Store {
	t.Helper()
	s, err := Open(t.Context(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func newStore(t testing.TB) *Store {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "doorward.db"))
}

// rawExec runs SQL on the file as another program would.
func rawExec(t *testing.T, path, statements string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), statements); err != nil {
		t.Fatal(err)
	}
}

func wantText(t *testing.T, err error, texts ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("error %q does not say %q", err, text)
		}
	}
}

func TestOnlyTheOwnerCanReadTheFiles(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no such modes")
	}
	path := filepath.Join(t.TempDir(), "doorward.db")
	openAt(t, path)
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != 0o600 {
			t.Errorf("mode of doorward.db%s is %o, want 600", suffix, got)
		}
	}
}

func TestMissingFolder(t *testing.T) {
	_, err := Open(t.Context(), filepath.Join(t.TempDir(), "missing", "doorward.db"), nil)
	wantText(t, err, "folder", "does not exist", "create it first")
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v does not wrap fs.ErrNotExist", err)
	}
}

// Characters in a path must not become parameters of the connection.
func TestOddPaths(t *testing.T) {
	for _, name := range []string{"a b.db", "a?mode=memory", "a#b.db", "a%41.db", "ü.db", "a&_synchronous=OFF", "a:b.db", "a'b.db"} {
		path := filepath.Join(t.TempDir(), name)
		openAt(t, path)
		if _, err := os.Stat(path + "-wal"); err != nil {
			t.Errorf("the database of %q stands somewhere else: %v", name, err)
		}
	}
}

func TestPragmas(t *testing.T) {
	s := newStore(t)
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "trusted_schema": "0"} {
		var got string
		if err := s.writer.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("%s is %s, want %s", pragma, got, want)
		}
	}
	_, err := s.reader.ExecContext(t.Context(), "DELETE FROM users")
	wantText(t, err, "readonly")
}

func TestTooNew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "doorward.db")
	if err := openAt(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	rawExec(t, path, "UPDATE schema_version SET version = 99")
	_, err := Open(t.Context(), path, nil)
	if !errors.Is(err, ErrTooNew) {
		t.Errorf("error %v, want ErrTooNew", err)
	}
	wantText(t, err, "99", "run the newer version")
}

func TestDatabaseOfAnotherProgram(t *testing.T) {
	path := filepath.Join(t.TempDir(), "other.db")
	rawExec(t, path, "CREATE TABLE users (name TEXT); CREATE TABLE things (x)")
	_, err := Open(t.Context(), path, nil)
	wantText(t, err, "another program")
}

// A failed upgrade must leave nothing behind.
func TestMigrationIsOneTransaction(t *testing.T) {
	path := filepath.Join(t.TempDir(), "doorward.db")
	rawExec(t, path, `
		CREATE TABLE schema_version (version INTEGER NOT NULL) STRICT;
		INSERT INTO schema_version VALUES (0);
		CREATE TABLE once (x)`) // makes the first migration fail after it has created other tables
	_, err := Open(t.Context(), path, nil)
	wantText(t, err, "0001_start.sql", "once")
	rawExec(t, path, "DROP TABLE once")
	openAt(t, path)
}

func TestReopenedSchemaIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "doorward.db")
	for range 3 {
		s := openAt(t, path)
		if _, err := s.CreateUser(t.Context(), sso.User{ID: fmt.Sprint(s), Provider: "corp", Subject: "1"}); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	var users int
	if err := openAt(t, path).reader.QueryRowContext(t.Context(), "SELECT count(*) FROM users").Scan(&users); err != nil {
		t.Fatal(err)
	}
	if users != 1 {
		t.Errorf("%d users, want 1", users)
	}
}

func TestCountingUsersChangesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "doorward.db")
	if n, err := CountUsersIn(t.Context(), path, "corp"); n != 0 || err != nil {
		t.Errorf("without a database: %d users, %v", n, err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("counting has made a database")
	}
	s := openAt(t, path)
	if _, err := s.CreateUser(t.Context(), sso.User{ID: "a", Provider: "corp", Subject: "s", Status: sso.UserActive}); err != nil {
		t.Fatal(err)
	}
	if n, err := CountUsersIn(t.Context(), path, "corp"); n != 1 || err != nil {
		t.Errorf("beside the host: %d users, %v", n, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if n, err := CountUsersIn(t.Context(), path, "corp"); n != 1 || err != nil {
		t.Errorf("after the host: %d users, %v", n, err)
	}
}
