package sqlite

import (
	"path/filepath"
	"testing"

	"github.com/doorward/doorward/host/internal/store"
	"github.com/doorward/doorward/host/internal/store/storetest"
)

// BenchmarkSessionChecks runs the benchmark of storetest.
func BenchmarkSessionChecks(b *testing.B) { storetest.BenchmarkSessionChecks(b, openFilled) }

func openFilled(b *testing.B, sessions int) *storetest.Filled {
	b.Helper()
	dir := b.TempDir()
	path := filepath.Join(dir, "doorward.db")
	open := func(b *testing.B) store.Store {
		s, err := Open(b.Context(), path, nil)
		if err != nil {
			b.Fatal(err)
		}
		return s
	}
	if err := open(b).Close(); err != nil {
		b.Fatal(err)
	}
	if err := storetest.FillSQLite(b.Context(), path, sessions); err != nil {
		b.Fatal(err)
	}
	f := &storetest.Filled{Store: open(b), Sessions: sessions, Reopen: open, Dir: dir}
	b.Cleanup(func() { _ = f.Close() })
	return f
}
