package lock

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	digestA = Digest("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")
	digestB = Digest("60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752")
)

func TestWriteAndRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	if file, err := Read(path); err != nil || len(file.Plugins) != 0 {
		t.Fatalf("without a file: %+v, %v", file, err)
	}
	saml := Plugin{Mechanism: "saml", Name: "doorward-plugin-saml", Version: "1.0.0", SHA256: digestA}
	openid := Plugin{Mechanism: "openid", Name: "doorward-plugin-openid", Version: "1.2.3-rc.1", SHA256: digestB}
	older := openid
	older.SHA256 = digestA
	if err := Write(path, File{}.With(older).With(saml).With(openid)); err != nil {
		t.Fatal(err)
	}
	got, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(File{Plugins: []Plugin{openid, saml}}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if found, err := got.Find("saml"); err != nil || !cmp.Equal(found, saml) {
		t.Errorf("saml: %+v, %v", found, err)
	}
	if _, err := got.Without("saml").Find("saml"); !errors.Is(err, ErrNotLocked) {
		t.Errorf("saml after it was removed: %v", err)
	}
	if rest, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*")); len(rest) > 0 {
		t.Errorf("files left behind: %q", rest)
	}
}

// Additions at the same moment are all there in the end.
func TestChangesAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	var group sync.WaitGroup
	for i := range 32 {
		group.Go(func() {
			p := Plugin{Mechanism: fmt.Sprint("m", i), Name: "f", SHA256: digestA}
			if err := Change(path, func(f File) (File, error) { return f.With(p), nil }); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if file, err := Read(path); err != nil || len(file.Plugins) != 32 {
		t.Errorf("%d plugins of 32, %v", len(file.Plugins), err)
	}
}

func TestK03LockFilesThatAreRefused(t *testing.T) {
	good := "plugins:\n  - {mechanism: a, file: f, version: '1', sha256: " + string(digestA) + "}\n"
	for name, text := range map[string]string{
		"another key":        good + "more: 1\n",
		"key of a plugin":    strings.Replace(good, "version", "args: x, version", 1),
		"mechanism twice":    good + strings.TrimPrefix(good, "plugins:\n"),
		"path as a file":     strings.Replace(good, "file: f", "file: ../f", 1),
		"short digest":       strings.Replace(good, "9f86", "9f8", 1),
		"digest in capitals": strings.Replace(good, "9f86", "9F86", 1),
		"odd mechanism":      strings.Replace(good, "mechanism: a", "mechanism: A/b", 1),
		"control character":  strings.Replace(good, "'1'", `"a\nb"`, 1),
		"two documents":      good + "---\n" + good,
		"no mapping":         "- a\n",
		"far too large":      good + strings.Repeat("#", maxFile),
	} {
		path := filepath.Join(t.TempDir(), FileName)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(path); err == nil || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "move it away") {
			t.Errorf("%s: %v", name, err)
		}
	}
	path := filepath.Join(t.TempDir(), FileName)
	if err := os.WriteFile(path, []byte(good), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(path); err != nil {
		t.Fatalf("the good one: %v", err)
	}
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(path); err == nil || !strings.Contains(err.Error(), "chmod") {
		t.Errorf("writable by all: %v", err)
	}
}

func TestK03LockFileThatIsNone(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), FileName)
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(pipe); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a pipe: %v", err)
	}
}

func TestK03LockFileOfAnotherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	path := filepath.Join(t.TempDir(), FileName)
	if err := Write(path, File{}); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(path, 65534, -1); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(path); err == nil || !strings.Contains(err.Error(), "chown") {
		t.Errorf("a lock file that another user may write: %v", err)
	}
}
