package plugintest

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// Build builds the plugin whose main package is in that directory, and returns the path
// of the binary, which is removed when the test ends. The directory must have the name of
// the mechanism, after which the binary is called. Use it for [Start] and [Suite].Binary
// if no binary is built before the tests.
func Build(t testing.TB, dir string) string {
	t.Helper()
	absolute, err := filepath.Abs(dir)
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(t.TempDir(), "doorward-plugin-"+filepath.Base(absolute))
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".")
	build.Dir = dir
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the plugin in %s: %v\n%s", dir, err, output)
	}
	return binary
}
