package provider

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/doorward/doorward/host/internal/sso"
)

// A plugin cannot flood the host by the streams that go-plugin has for itself: the
// host does not open them. It starts and stops as any other.
func TestK08StreamsOfTheLibraryAreNotOpened(t *testing.T) {
	for _, kind := range []string{"quiet", "conninfo", "knock", "stdio"} {
		t.Run(kind, func(t *testing.T) {
			name := "streams-" + kind
			b := binaries(t, name)
			before := runtime.NumGoroutine()
			provider := configured(name, "a")
			provider.Options = nil
			h := startHost(t, Config{Binaries: b, Providers: []Configured{provider}})
			for range 300 {
				if err := h.call(t.Context(), "a", sso.LineLogins, ""); err != nil {
					t.Fatal(err)
				}
			}
			if n := runtime.NumGoroutine(); n > before+50 {
				t.Errorf("%d goroutines, there were %d before", n, before)
			}
			if _, err := os.Stat(filepath.Join(b.Dir, FileName(name)+".opened")); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the stream was opened: %v", err)
			}
			pid := h.plugin(t, name).PID
			mustTakeLess(t, soon, "stopping", h.Stop)
			if !gone(pid) {
				t.Errorf("process %d is still there", pid)
			}
		})
	}
}
