package pgtest

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// ErrMissing: a program is not installed. The text is the one that .ci/setup uses.
var ErrMissing = errors.New("MISSING")

var (
	errNoPostgres  = missing("PostgreSQL: install with apt-get install postgresql")
	errNoPgbouncer = missing("PgBouncer: install with apt-get install pgbouncer")
)

type missing string

func (m missing) Error() string { return "MISSING " + string(m) }

func (missing) Is(target error) bool { return target == ErrMissing }

// Require skips a test if err is ErrMissing. It fails the test for any other error, and
// in CI, where nothing may be missing.
func Require(t testing.TB, err error) {
	t.Helper()
	if errors.Is(err, ErrMissing) && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// postgresProgram finds a program of PostgreSQL. Debian keeps the server's programs
// outside PATH, in a folder for each version; the newest version is used.
func postgresProgram(name string) (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if err == nil && len(found) > 0 {
		slices.Sort(found)
		return found[len(found)-1], nil
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", errNoPostgres
	}
	return path, nil
}

func pgbouncerProgram() (string, error) {
	for _, name := range []string{"pgbouncer", "/usr/sbin/pgbouncer"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errNoPgbouncer
}
