package sqlite

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

func wantOnly(t *testing.T, folder string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if len(got) != len(names) || len(names) == 1 && got[0] != names[0] {
		t.Errorf("the folder has %q, want %q", got, names)
	}
}

func TestBackup(t *testing.T) {
	path, folder := filepath.Join(t.TempDir(), "doorward.db"), t.TempDir()
	s := openAt(t, path)
	addUser(t, s, "ann")
	token := addSession(t, s, "s1", "ann")
	check := func(t *testing.T, name string) {
		t.Helper()
		to := filepath.Join(folder, name)
		b, err := Backup(t.Context(), path, to)
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(to)
		if err != nil || info.Mode() != 0o600 || info.Size() != b.Bytes || b.Version == 0 {
			t.Errorf("a backup of mode %v and %d bytes, said to be %+v: %v", info.Mode(), info.Size(), b, err)
		}
		wantOnly(t, folder, name)
		restored := openAt(t, to)
		if got, err := restored.SessionToken(t.Context(), token); err != nil || got.User.ID != "ann" {
			t.Errorf("the session in the backup: %+v, %v", got, err)
		}
		if err := errors.Join(restored.Close(), os.Remove(to)); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("while the host runs", func(t *testing.T) { check(t, "a.db") })
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	t.Run("while it does not", func(t *testing.T) { check(t, "b.db") })
}

// A login writes to several tables. A backup made during a login contains all of it or
// nothing, and people who sign in do not wait for the backup.
func TestBackupUnderLoad(t *testing.T) {
	s := newStore(t)
	for i := range loginUsers {
		addUser(t, s, benchUser(i))
	}
	ctx, cancel := context.WithCancel(t.Context())
	var writing sync.WaitGroup
	for caller := range 4 {
		writing.Go(func() {
			for n := int64(caller); ctx.Err() == nil; n += 4 {
				if err := s.CreateSession(ctx, knownLogin(n)); err != nil && ctx.Err() == nil {
					t.Error(err)
				}
			}
		})
	}
	defer writing.Wait()
	defer cancel()
	before := -1
	for _, name := range []string{"a.db", "b.db", "c.db"} {
		to := filepath.Join(t.TempDir(), name)
		if _, err := Backup(t.Context(), s.path, to); err != nil {
			t.Fatal(err)
		}
		var whole, sessions int
		err := openAt(t, to).reader.QueryRowContext(t.Context(), `
			SELECT count(*), (SELECT count(*) FROM sessions) FROM sessions s
			JOIN session_tokens t ON t.session_pk = s.pk JOIN provider_sessions p ON p.session_pk = s.pk
			JOIN once o ON o.scope = 'attempt' AND s.id LIKE '%-login-' || CAST(o.id AS TEXT)`).Scan(&whole, &sessions)
		if err != nil || whole != sessions {
			t.Errorf("%d of %d logins are whole, %v", whole, sessions, err)
		}
		if sessions < before {
			t.Errorf("%d sessions, and %d in the backup before", sessions, before)
		}
		before = sessions
		waitFor(t, "a login after the backup", func() bool {
			var now int
			err := s.reader.QueryRowContext(t.Context(), "SELECT count(*) FROM sessions").Scan(&now)
			return err == nil && now > before
		})
	}
}

func TestBackupThatFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "doorward.db")
	s := openAt(t, path)
	t.Run("it overwrites nothing", func(t *testing.T) {
		folder := t.TempDir()
		to := filepath.Join(folder, "kept")
		if err := os.WriteFile(to, []byte("kept"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Backup(t.Context(), path, to); !errors.Is(err, ErrBackupExists) {
			t.Errorf("error %v, want ErrBackupExists", err)
		}
		if content, err := os.ReadFile(to); err != nil || string(content) != "kept" {
			t.Errorf("the file that was there: %q, %v", content, err)
		}
		if _, err := Backup(t.Context(), path, folder); !errors.Is(err, ErrBackupExists) {
			t.Errorf("onto a folder: error %v, want ErrBackupExists", err)
		}
		if err := giveName(path, to); !errors.Is(err, ErrBackupExists) { // created in the meantime
			t.Errorf("giving a name that is taken: error %v, want ErrBackupExists", err)
		}
		wantOnly(t, folder, "kept")
	})
	t.Run("it leaves nothing when it is broken off", func(t *testing.T) {
		folder := t.TempDir()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := Backup(ctx, path, filepath.Join(folder, "b")); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want that of the context", err)
		}
		wantOnly(t, folder)
	})
	t.Run("without a database", func(t *testing.T) {
		folder := t.TempDir()
		if _, err := Backup(t.Context(), filepath.Join(folder, "none.db"), filepath.Join(folder, "b")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("error %v, want ErrNotExist", err)
		}
		wantOnly(t, folder)
	})
	t.Run("of a database of somebody else", func(t *testing.T) {
		folder, other := t.TempDir(), filepath.Join(t.TempDir(), "other.db")
		rawExec(t, other, "CREATE TABLE notes (text)")
		_, err := Backup(t.Context(), other, filepath.Join(folder, "b"))
		wantText(t, err, "is this a Doorward database?")
		wantOnly(t, folder)
	})
	t.Run("of one that is damaged", func(t *testing.T) {
		addUser(t, s, "ann")
		addSession(t, s, "s1", "ann")
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		fill(content[2*4096:])
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		folder := t.TempDir()
		_, err = Backup(t.Context(), path, filepath.Join(folder, "b"))
		wantText(t, err, "damaged")
		wantOnly(t, folder)
	})
}

// The reason for checking a backup: rows that are missing from an index.
func TestBackupIsChecked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "doorward.db")
	s := openAt(t, path)
	addUser(t, s, "ann")
	addUser(t, s, "bob")
	addSession(t, s, "s1", "bob")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	rawExec(t, path, `PRAGMA writable_schema = ON;
		UPDATE sqlite_schema SET sql = 'CREATE INDEX sessions_user ON sessions (pk)' WHERE name = 'sessions_user'`)
	if _, err := checkBackup(t.Context(), path); err == nil {
		t.Error("an index that lies is taken for good")
	}
}
