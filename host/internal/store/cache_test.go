package store_test

import (
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/store"
	"github.com/doorward/doorward/host/internal/store/sqlite"
	"github.com/doorward/doorward/host/internal/store/storetest"
)

func openSQLite(t *testing.T) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestCachedKeepsTheContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return store.Cached(openSQLite(t), time.Now) }, nil)
}

// TestCached checks the one thing that the cache may change: how long an answer may lag
// behind the database.
func TestCached(t *testing.T) {
	database, now := openSQLite(t), time.Now()
	cached := store.Cached(database, func() time.Time { return now })
	user, err := database.CreateUser(t.Context(), sso.User{ID: "u", Provider: "p", Subject: "s", Status: sso.UserActive, CreatedAt: now})
	if err != nil {
		t.Fatal(err)
	}
	token := sso.NewToken().Hash()
	session := sso.Session{ID: "one", UserID: user.ID, Provider: "p", Kind: sso.KindSession, CreatedAt: now, ExpiresAt: now.Add(time.Hour)}
	if err := cached.CreateSession(t.Context(), sso.NewSession{Session: session, Token: token, RemoveBefore: now}); err != nil {
		t.Fatal(err)
	}
	status := func() sso.UserStatus {
		t.Helper()
		found, err := cached.SessionToken(t.Context(), token)
		if err != nil {
			t.Fatal(err)
		}
		return found.User.Status
	}
	if status() != sso.UserActive {
		t.Fatal("the user is not active")
	}

	// Bypasses the cache, as another host does.
	if err := database.EndSession(t.Context(), session.ID, sso.Event{}); err != nil {
		t.Fatal(err)
	}
	if status() != sso.UserActive {
		t.Error("the answer does not come from memory")
	}
	now = now.Add(time.Second)
	if _, err := cached.SessionToken(t.Context(), token); !errors.Is(err, sso.ErrNotFound) {
		t.Errorf("after a second: %v", err)
	}

	if err := cached.CreateSession(t.Context(), sso.NewSession{Session: session, Token: token, RemoveBefore: now}); err != nil {
		t.Fatal(err)
	}
	status()
	if err := cached.EndSession(t.Context(), session.ID, sso.Event{}); err != nil {
		t.Fatal(err)
	}
	if _, err := cached.SessionToken(t.Context(), token); !errors.Is(err, sso.ErrNotFound) {
		t.Errorf("A04 after a logout here: %v", err)
	}
}

// TestA04CachedLogoutRace checks that a reader that a logout overtook does not bring the
// session back.
func TestA04CachedLogoutRace(t *testing.T) {
	now := time.Now()
	cached := store.Cached(openSQLite(t), func() time.Time { return now })
	user, err := cached.CreateUser(t.Context(), sso.User{ID: "u", Provider: "p", Subject: "s", Status: sso.UserActive, CreatedAt: now})
	if err != nil {
		t.Fatal(err)
	}
	for range 50 {
		token := sso.NewToken().Hash()
		session := sso.Session{ID: "one", UserID: user.ID, Provider: "p", Kind: sso.KindSession, CreatedAt: now, ExpiresAt: now.Add(time.Hour)}
		if err := cached.CreateSession(t.Context(), sso.NewSession{Session: session, Token: token, RemoveBefore: now}); err != nil {
			t.Fatal(err)
		}
		var readers sync.WaitGroup
		for range 4 {
			readers.Go(func() {
				for range 5 {
					_, _ = cached.SessionToken(t.Context(), token)
				}
			})
		}
		if err := cached.EndSession(t.Context(), session.ID, sso.Event{}); err != nil {
			t.Fatal(err)
		}
		readers.Wait()
		if _, err := cached.SessionToken(t.Context(), token); !errors.Is(err, sso.ErrNotFound) {
			t.Fatalf("after the logout: %v", err)
		}
	}
}
