package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/doorward/doorward/host/internal/store/sqlite"
)

func TestBackupCommand(t *testing.T) {
	dir := t.TempDir()
	store, err := sqlite.Open(t.Context(), filepath.Join(dir, "d.db"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	to := filepath.Join(dir, "copy.db")
	code, out := runIn(t.Context(), t, dir, nil, "backup", to)
	if code != 0 || !strings.Contains(out, "backed up to "+to) || !strings.Contains(out, "checked") {
		t.Errorf("exit code %d: %s", code, out)
	}
	if _, err := os.Stat(to); err != nil {
		t.Error(err)
	}
	for name, c := range map[string]struct {
		settings []string
		want     []string
	}{
		"again":   {nil, []string{"exists already", "choose another name"}},
		"nowhere": {[]string{"DB_FILENAME=" + filepath.Join(dir, "none.db")}, []string{"none.db", "DB_FILENAME"}},
		"PostgreSQL": {
			[]string{"DB_CLIENT=pg", "DB_HOST=db.example.org", "DB_USER=doorward", "DB_DATABASE=sso", "DB_PASSWORD=hidden"},
			[]string{"pg_dump", "--host=db.example.org --port=5432 --username=doorward sso"},
		},
		"PostgreSQL by a connection string": {
			[]string{"DB_CLIENT=pg", "DB_CONNECTION_STRING=postgresql://doorward:hidden@db.example.org/sso"},
			[]string{`pg_dump --format=custom`, `"$DB_CONNECTION_STRING"`},
		},
	} {
		file := to
		if name != "again" {
			file += "2"
		}
		code, out := runIn(t.Context(), t, dir, c.settings, "backup", file)
		for _, want := range c.want {
			if code != 1 || !strings.Contains(out, want) || strings.Contains(out, "hidden") {
				t.Errorf("%s: exit code %d, want 1 and %q:\n%s", name, code, want, out)
			}
		}
	}
}
