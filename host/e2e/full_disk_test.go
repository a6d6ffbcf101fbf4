package e2e

import (
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestHealthOnAFullDisk: a disk that is really full shows where machines look, and
// so does that there is room again.
func TestHealthOnAFullDisk(t *testing.T) {
	disk := mountTiny(t)
	host := startHost(t, HostConfig{Plugins: []string{}, Env: map[string]string{"DB_FILENAME": filepath.Join(disk, "doorward.db")}})
	t.Cleanup(func() { // before the disk is unmounted
		if err := host.Stop(); err != nil {
			t.Error(err)
		}
	})
	health := func(status int, text string) func() bool {
		return func() bool {
			resp, err := http.Get(host.URL + "/server/health")
			if err != nil {
				return false
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			return err == nil && resp.StatusCode == status && strings.Contains(string(body), text)
		}
	}
	eventually(t, "ok at first", health(http.StatusOK, `"ok"`))
	ballast := filepath.Join(disk, "ballast")
	fillDisk(t, ballast)
	eventually(t, "an error while the disk is full", health(http.StatusServiceUnavailable, `"error"`))
	eventually(t, "the log says what to do", func() bool { return strings.Contains(host.Logs(), "make room for the database") })
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	eventually(t, "ok when there is room again", health(http.StatusOK, `"ok"`))
}

// mountTiny mounts a file system of one megabyte until the test ends.
func mountTiny(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m")
	if errors.Is(err, syscall.EPERM) {
		missing(t, "root, who may mount: run as root with CAP_SYS_ADMIN")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fillDisk writes a file until there is no room.
func fillDisk(t *testing.T, path string) {
	t.Helper()
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
}
