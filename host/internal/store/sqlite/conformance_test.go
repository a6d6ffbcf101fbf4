package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/store"
	"github.com/doorward/doorward/host/internal/store/sqlite"
	"github.com/doorward/doorward/host/internal/store/storetest"
)

// opened is a store with its path.
type opened struct {
	*sqlite.Store
	path string
}

func TestStore(t *testing.T) {
	open := func(t *testing.T) store.Store {
		path := filepath.Join(t.TempDir(), "doorward.db")
		s, err := sqlite.Open(t.Context(), path, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		})
		return opened{s, path}
	}
	storetest.Run(t, open, func(t *testing.T, s store.Store, confirm sso.ConfirmSecret) error {
		again, err := sqlite.Open(t.Context(), s.(opened).path, confirm)
		if err != nil {
			return err
		}
		return again.Close()
	})
}
