package postgres

import (
	"testing"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/store"
	"github.com/doorward/doorward/host/internal/store/pgtest"
	"github.com/doorward/doorward/host/internal/store/storetest"
)

// opened is a store with the options that opened it.
type opened struct {
	*Store
	options Options
}

func optionsOf(host string, port int, database string) Options {
	return Options{Host: host, Port: port, User: pgtest.User, Database: database, MaxConnections: 10}
}

func mustOpen(t testing.TB, o Options) *Store {
	t.Helper()
	s, err := Open(t.Context(), o, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

func reopen(t *testing.T, s store.Store, confirm sso.ConfirmSecret) error {
	again, err := Open(t.Context(), s.(opened).options, confirm)
	if err != nil {
		return err
	}
	return again.Close()
}

func TestStore(t *testing.T) {
	s := server(t)
	testStore(t, s.Host, s.Port)
}

func TestStoreThroughPgbouncer(t *testing.T) {
	b := bouncer(t)
	testStore(t, b.Host, b.Port)
}

// testStore runs the suite on one database, which is empty at the start of each test.
func testStore(t *testing.T, host string, port int) {
	database := server(t).NewDatabase(t)
	storetest.Run(t, func(t *testing.T) store.Store {
		server(t).Empty(t, database)
		o := optionsOf(host, port, database)
		return opened{mustOpen(t, o), o}
	}, reopen)
}
