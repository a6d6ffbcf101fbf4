package sqlite

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/doorward/doorward/host/internal/store/storetest"
)

// A login needs no room for temporary files: what its savepoint may have to undo stays in
// memory, even if that is many pages.
func TestALoginHasNoTemporaryFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "doorward.db")
	if err := openAt(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	if err := storetest.FillSQLite(t.Context(), path, 5000); err != nil { // so that a login changes many pages
		t.Fatal(err)
	}
	s := openAt(t, path)
	commits := 0
	onCommit(t, s, func() bool {
		commits++
		for _, name := range temporaryFiles(t) {
			t.Errorf("in commit %d, SQLite has the file %s", commits, name)
		}
		return false
	})
	for n := range int64(20) {
		login := knownLogin(n)
		login.Replaces = []string{benchUser(1000 + int(n)), benchUser(3000 + int(n))}
		if err := s.CreateSession(t.Context(), login); err != nil {
			t.Fatal(err)
		}
		if t.Failed() {
			return
		}
	}
	if commits == 0 {
		t.Error("no commit was seen")
	}
}

// temporaryFiles returns the open files of this process that have no name, as SQLite
// creates its temporary files, in TMPDIR or /var/tmp.
func temporaryFiles(t *testing.T) (names []string) {
	t.Helper()
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range open {
		name, err := os.Readlink(filepath.Join("/proc/self/fd", fd.Name()))
		if err == nil && strings.HasPrefix(name, "/") && strings.HasSuffix(name, " (deleted)") {
			names = append(names, name)
		}
	}
	return names
}
