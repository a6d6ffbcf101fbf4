package disktest

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// Mount mounts a disk of that size, such as "1m", until the test ends. It returns the
// mount point, a folder that everybody may write to. Without the right to mount, the test
// is skipped; in CI it must run.
func Mount(t testing.TB, size string) (dir string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "disk") // the folders of t belong to one user
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(dir) })
	switch err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "mode=0777,size="+size); {
	case errors.Is(err, syscall.EPERM):
		needRoot(t)
	case err != nil:
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func needRoot(t testing.TB) {
	t.Helper()
	const text = "MISSING root, who may mount: run as root with CAP_SYS_ADMIN"
	if os.Getenv("CI") == "true" {
		t.Fatal(text)
	}
	t.Skip(text)
}

// Ballast is the name of the file that Fill writes.
const Ballast = "ballast"

// Fill writes a file until the disk is full; free removes it.
func Fill(t testing.TB, dir string) (free func()) {
	t.Helper()
	path := filepath.Join(dir, Ballast)
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 4096); err == nil; {
		_, err = f.Write(block)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}
