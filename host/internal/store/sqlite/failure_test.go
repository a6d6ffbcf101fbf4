package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
)

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func addUser(t testing.TB, s *Store, id string) {
	t.Helper()
	if _, err := s.CreateUser(t.Context(), sso.User{ID: id, Provider: "corp", Subject: id, Status: sso.UserActive}); err != nil {
		t.Fatal(err)
	}
}

func addSession(t testing.TB, s *Store, id, userID string) sso.TokenHash {
	t.Helper()
	token := sso.NewToken().Hash()
	session := sso.Session{ID: id, UserID: userID, Kind: sso.KindSession, CreatedAt: now, ExpiresAt: now.Add(time.Hour)}
	if err := s.CreateSession(t.Context(), sso.NewSession{Session: session, Token: token, RemoveBefore: now}); err != nil {
		t.Fatal(err)
	}
	return token
}

// wantRefusal expects each write, and Ping, to fail in the same way.
func wantRefusal(t *testing.T, s *Store, text string) {
	t.Helper()
	token := sso.NewToken().Hash()
	session := sso.Session{ID: "s-refused", UserID: "ann", ExpiresAt: now.Add(time.Hour)}
	for name, call := range map[string]func() error{
		"Ping": func() error { return s.Ping(t.Context()) },
		"CreateSession": func() error {
			return s.CreateSession(t.Context(), sso.NewSession{Session: session, Token: token, RemoveBefore: now})
		},
		"RotateToken": func() error {
			return s.RotateToken(t.Context(), sso.Rotation{SessionID: "s1", Old: token, New: token, ExpiresAt: now})
		},
		"EndSession": func() error { return s.EndSession(t.Context(), "s1", sso.Event{}) },
		"Spend":      func() error { return s.Spend(t.Context(), sso.OnceID{Scope: "attempt", ID: "a", Until: now}) },
		"CreateUser": func() error { _, err := s.CreateUser(t.Context(), sso.User{ID: "bob"}); return err },
	} {
		err := call()
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: error %v, want one that says %q", name, err, text)
		}
		if !errors.Is(err, sso.ErrStoreUnavailable) && !errors.Is(err, sso.ErrOutcomeUnknown) {
			t.Errorf("%s: error %v, want that of a store that is not available", name, err)
		}
	}
}

func TestLockedDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "doorward.db")
	other := openAt(t, path)
	addUser(t, other, "ann")
	token := addSession(t, other, "s1", "ann")
	s, err := open(t.Context(), path, 10*time.Millisecond, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.health.every = 0
	lock, err := other.writer.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("L10 writes are refused", func(t *testing.T) { wantRefusal(t, s, "locked") })
	t.Run("signed-in sessions go on", func(t *testing.T) {
		if _, err := s.SessionToken(t.Context(), token); err != nil {
			t.Error(err)
		}
	})
	t.Run("L10 opening is refused", func(t *testing.T) {
		_, err := open(t.Context(), path, 10*time.Millisecond, nil)
		wantText(t, err, "locked")
	})
	t.Run("a wait ends with its context", func(t *testing.T) {
		patient, err := open(t.Context(), filepath.Join(t.TempDir(), "x.db"), time.Hour, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer patient.Close()
		held, err := patient.writer.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = held.Rollback() }()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		if err := patient.EndSession(ctx, "s1", sso.Event{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want that of the context", err)
		}
	})
	if err := lock.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("Ping after the lock is gone: %v", err)
	}
}

func TestBusyFileWaitEndsWithContext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "doorward.db")
	s, other := openAt(t, path), openAt(t, path)
	lock, err := other.writer.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lock.Rollback() }()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	began := time.Now()
	if err := s.EndSession(ctx, "s1", sso.Event{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want that of the context", err)
	}
	if took := time.Since(began); took > busyTimeout/2 {
		t.Errorf("the wait took %v", took)
	}
}

func TestReadOnlyDatabase(t *testing.T) {
	s := newStore(t)
	addUser(t, s, "ann")
	token := addSession(t, s, "s1", "ann")
	writerPragma(t, s, "query_only = ON")
	s.health.every = 0
	t.Run("L10 writes are refused", func(t *testing.T) { wantRefusal(t, s, "read-only") })
	if _, err := s.SessionToken(t.Context(), token); err != nil {
		t.Errorf("reading: %v", err)
	}
}

func TestFullDisk(t *testing.T) {
	s := newStore(t)
	addUser(t, s, "ann")
	writerPragma(t, s, "max_page_count = 1") // SQLite raises it to the current number of pages
	var err error
	var refused sso.TokenHash
	for i := 0; err == nil && i < 10_000; i++ {
		refused = sso.NewToken().Hash()
		session := sso.Session{ID: idOf(refused), UserID: "ann", ExpiresAt: now.Add(time.Hour)}
		err = s.CreateSession(t.Context(), sso.NewSession{Session: session, Token: refused, RemoveBefore: now})
	}
	wantText(t, err, "disk is full", "make room")
	t.Run("L10 nothing of the refused session is stored", func(t *testing.T) {
		if _, err := s.SessionToken(t.Context(), refused); !errors.Is(err, sso.ErrNotFound) {
			t.Errorf("its token: error %v, want ErrNotFound", err)
		}
		if _, _, err := s.SessionUser(t.Context(), idOf(refused), now); !errors.Is(err, sso.ErrNotFound) {
			t.Errorf("its session: error %v, want ErrNotFound", err)
		}
	})
	t.Run("it works again when there is room", func(t *testing.T) {
		writerPragma(t, s, "max_page_count = 100000")
		addSession(t, s, "s-new", "ann")
	})
}

func idOf(token sso.TokenHash) string { return string(token[:8]) }

func writerPragma(t *testing.T, s *Store, pragma string) {
	t.Helper()
	var result sql.NullInt64
	if err := s.writer.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&result); err != nil && !errors.Is(err, sql.ErrNoRows) {
		t.Fatal(err)
	}
}

func TestDamagedDatabase(t *testing.T) {
	const page = 4096
	for name, c := range map[string]struct {
		damage func(content []byte)
		want   string
	}{
		"L10 not a database":     {func(b []byte) { copy(b, "hello, this is not SQLite at all") }, "not a database"},
		"L10 overwritten inside": {func(b []byte) { fill(b[page:]) }, "damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "doorward.db")
			if err := openAt(t, path).Close(); err != nil {
				t.Fatal(err)
			}
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			c.damage(content)
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err = Open(t.Context(), path, nil)
			wantText(t, err, c.want, "backup")
		})
	}
}

func fill(b []byte) {
	for i := range b {
		b[i] = 0xff
	}
}

// A database that is moved away must not be replaced by a new, empty one.
func TestMovedDatabaseIsNotMadeAnew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "doorward.db")
	s := openAt(t, path)
	addUser(t, s, "ann")
	if err := errors.Join(s.Close(), os.Rename(path, path+".away")); err != nil {
		t.Fatal(err)
	}
	reconnected, err := connect(path, busyTimeout)
	if err != nil {
		t.Fatal(err)
	}
	defer reconnected.Close()
	wantText(t, reconnected.start(t.Context(), nil), "cannot be opened")
}

func TestRemovedDatabaseIsNoticed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "doorward.db")
	s := openAt(t, path)
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
	wantText(t, s.Ping(t.Context()), "removed or replaced")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	wantText(t, s.Ping(t.Context()), "removed or replaced")
}
