package sqlite_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/store/sqlite"
)

func TestOneProcessAtATime(t *testing.T) {
	folder := t.TempDir()
	path, link := filepath.Join(folder, "doorward.db"), filepath.Join(folder, "other.db")
	if err := os.Symlink("doorward.db", link); err != nil {
		t.Fatal(err)
	}
	first, err := sqlite.OpenAlone(t.Context(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, link} {
		second, err := sqlite.OpenAlone(t.Context(), name, nil)
		if !errors.Is(err, sqlite.ErrInUse) || !strings.Contains(err.Error(), "PostgreSQL") {
			t.Errorf("a second one as %s: %v, %v", name, second, err)
		}
	}
	beside, err := sqlite.Open(t.Context(), path, nil) // a backup, say
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(beside.Close(), first.Close()); err != nil {
		t.Fatal(err)
	}
	refused := errors.New("another SECRET")
	if _, err := sqlite.OpenAlone(t.Context(), path, func(sso.SealedSample) ([]sso.SecretCheck, error) { return nil, refused }); !errors.Is(err, refused) {
		t.Errorf("refused: error %v", err)
	}
	again, err := sqlite.OpenAlone(t.Context(), link, nil)
	if err != nil {
		t.Fatalf("when all others are gone: %v", err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(path + ".lock"); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file of the lock: %v, %v", info, err)
	}
	if _, err := sqlite.OpenAlone(t.Context(), filepath.Join(folder, "none", "doorward.db"), nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without a folder: error %v", err)
	}
}
