package config_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/doorward/doorward/host/internal/config"
)

func (s setup) input() config.Input { return config.Input{Environ: s.environ, Dir: s.dir} }

func TestSecretPrevious(t *testing.T) {
	const old = "b2xkIHNlY3JldCBmb3IgdGhlIHRlc3RzIG9mIHRoaXM="
	if c := newSetup(t).mustLoad(t); c.SecretPrevious != "" {
		t.Error("there is one by default")
	}
	if c := newSetup(t, "SECRET_PREVIOUS="+old).mustLoad(t); c.SecretPrevious.Reveal() != old || len(c.Warnings) > 0 {
		t.Errorf("warnings: %q", c.Warnings)
	}
	if c := newSetup(t, "SECRET_PREVIOUS_FILE=old").file(t, "old", old+"\n").mustLoad(t); c.SecretPrevious.Reveal() != old {
		t.Error("not read from the file")
	}
	newSetup(t, "SECRET_PREVIOUS=short").refused(t, "SECRET_PREVIOUS: must be at least 32 random bytes; make one with: openssl rand -base64 32")
	same := newSetup(t, strings.Replace(goodSecret, "SECRET=", "SECRET_PREVIOUS=", 1)).mustLoad(t)
	if same.SecretPrevious != "" || len(same.Warnings) != 1 || !strings.Contains(same.Warnings[0], "SECRET_PREVIOUS is the same as SECRET") {
		t.Errorf("the same: warnings %q", same.Warnings)
	}
}

// An operator who has lost SECRET must still be able to find the database.
func TestDatabaseOf(t *testing.T) {
	s := newSetup(t, "SECRET=", "PUBLIC_URL=nonsense", "AUTH_PROVIDERS=a,a", "DB_FILENAME=d.db")
	database, socket, err := config.DatabaseOf(s.input())
	if want := filepath.Join(s.dir, "d.db"); err != nil || database.Filename != want || socket != want+".sock" {
		t.Errorf("%v, %s, %v", database, socket, err)
	}
	s = newSetup(t, "SECRET_FILE=/nowhere", "CONTROL_SOCKET=c.sock")
	database, socket, err = config.DatabaseOf(s.input())
	if err != nil || database.Filename != filepath.Join(s.dir, "doorward.db") || socket != filepath.Join(s.dir, "c.sock") {
		t.Errorf("%v, %s, %v", database, socket, err)
	}
	s = newSetup(t, "SECRET=", "DB_CLIENT=pg", "DB_CONNECTION_STRING=postgresql://me:pw@h/d", "CONTROL_SOCKET=c.sock")
	database, socket, err = config.DatabaseOf(s.input())
	if err != nil || database.Postgres == nil || database.Postgres.ConnectionString.Reveal() != "postgresql://me:pw@h/d" || socket != filepath.Join(s.dir, "c.sock") {
		t.Errorf("%v, %s, %v", database, socket, err)
	}
	for _, setting := range []string{"DB_FILENAME=:memory:", "DB_FILENAME=/nowhere/d.db", "DB_CLIENT=pg", "DB_CLIENT=mysql", "DB_PORT=x", "CONTROL_SOCKET=/" + strings.Repeat("s", 200)} {
		if _, _, err := config.DatabaseOf(newSetup(t, setting).input()); err == nil {
			t.Errorf("%s: no error", setting)
		}
	}
}

func TestSourcesOfTheConfiguration(t *testing.T) {
	if c := newSetup(t).mustLoad(t); len(c.Sources) > 0 {
		t.Errorf("sources without files: %q", c.Sources)
	}
	s := newSetup(t, "CONFIG_PATH=c.yaml").file(t, "c.yaml", "{}").file(t, ".env", "PORT=1234\n")
	want := filepath.Join(s.dir, ".env") + " " + filepath.Join(s.dir, "c.yaml")
	if c := s.mustLoad(t); strings.Join(c.Sources, " ") != want {
		t.Errorf("sources: %q", c.Sources)
	}
}
