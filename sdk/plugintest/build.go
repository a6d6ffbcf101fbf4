package plugintest

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// Build builds the plugin whose main package is in that directory, and returns the
// binary, which is gone when the test ends. It is for [Start] and for
// [Suite].Binary, where no binary is built before the tests.
func Build(t testing.TB, dir string) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "doorward-plugin")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".")
	build.Dir = dir
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the plugin in %s: %v\n%s", dir, err, output)
	}
	return binary
}
