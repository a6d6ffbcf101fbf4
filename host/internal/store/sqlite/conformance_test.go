package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/doorward/doorward/host/internal/store"
	"github.com/doorward/doorward/host/internal/store/sqlite"
	"github.com/doorward/doorward/host/internal/store/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store {
		s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "doorward.db"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		})
		return s
	})
}
