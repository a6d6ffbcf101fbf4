package e2e

import (
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/doorward/doorward/host/internal/store/disktest"
)

// TestHealthOnAFullDisk: the health endpoints report a disk that is really full, and report
// when there is space again.
func TestHealthOnAFullDisk(t *testing.T) {
	disk := disktest.Mount(t, "1m")
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
	free := disktest.Fill(t, disk)
	eventually(t, "an error while the disk is full", health(http.StatusServiceUnavailable, `"error"`))
	eventually(t, "the log says what to do", func() bool { return strings.Contains(host.Logs(), "make room for the database") })
	free()
	eventually(t, "ok when there is room again", health(http.StatusOK, `"ok"`))
}
