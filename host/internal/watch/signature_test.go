package watch

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// Files that keep changing are named by their paths, whether they changed, were removed or are new.
func TestChangedIn(t *testing.T) {
	dir := t.TempDir()
	paths := []string{filepath.Join(dir, "same"), filepath.Join(dir, "a changed one"), filepath.Join(dir, "gone"), filepath.Join(dir, "new")}
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range paths[:3] {
		write(path, "x")
	}
	before := Signature(paths)
	write(paths[1], "xx")
	write(paths[3], "x")
	if err := os.Remove(paths[2]); err != nil {
		t.Fatal(err)
	}
	if got := ChangedIn(before, Signature(paths)); !slices.Equal(got, paths[1:]) {
		t.Errorf("changed: %q", got)
	}
	if got := ChangedIn(before, before); got != nil {
		t.Errorf("nothing has changed, and %q", got)
	}
}

// A file that could not be read is often put right by chmod, which changes nothing in it.
func TestSignatureHasTheMode(t *testing.T) {
	path := filepath.Join(t.TempDir(), "client.key")
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	before := Signature([]string{path})
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if Signature([]string{path}) == before {
		t.Error("chmod does not change the signature")
	}
}
