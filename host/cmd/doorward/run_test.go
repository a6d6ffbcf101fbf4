package main

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// runIn runs a command with its own database, plugin folder and settings.
func runIn(ctx context.Context, t *testing.T, dir string, settings []string, args ...string) (int, string) {
	t.Helper()
	var out bytes.Buffer
	environ := append([]string{
		"SECRET=" + strings.Repeat("s3", 20), "PLUGIN_DIR=" + dir, "DB_FILENAME=" + filepath.Join(dir, "d.db"),
	}, settings...)
	code := run(ctx, args, environ, &out, &out)
	return code, out.String()
}

// errorLines counts the lines that are not warnings.
func errorLines(out string) int { return strings.Count(out, "\n") - strings.Count(out, "[WARN]") }

func TestAStartThatIsBrokenOffIsAStop(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	code, out := runIn(ctx, t, t.TempDir(), nil, "serve")
	if code != 0 || !strings.Contains(out, "stopped before it was ready") {
		t.Errorf("exit status %d: %s", code, out)
	}
}

func TestWhatIsTakenIsToldWithTheSetting(t *testing.T) {
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	address := taken.Addr().String()
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	for setting, want := range map[string]string{
		"PORT=" + port:               "or change HOST and PORT",
		"METRICS_ADDRESS=" + address: "or change METRICS_ADDRESS",
		"CONTROL_SOCKET=" + filepath.Join(t.TempDir(), "none", "s"): "set CONTROL_SOCKET to a path",
	} {
		code, out := runIn(t.Context(), t, t.TempDir(), []string{setting}, "serve")
		if code != 1 || !strings.Contains(out, want) || errorLines(out) != 1 {
			t.Errorf("%s: exit status %d: %s", setting, code, out)
		}
	}
}

func TestPluginRemoveSaysWhatItDid(t *testing.T) {
	dir := t.TempDir()
	locked := "plugins:\n  - {mechanism: a, file: doorward-plugin-a, version: '1', sha256: " + strings.Repeat("0a", 32) + "}\n"
	if err := os.WriteFile(filepath.Join(dir, "plugins.lock"), []byte(locked), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out := runIn(t.Context(), t, dir, nil, "plugin", "remove", "b"); code != 1 || !strings.Contains(out, "doorward plugin list") {
		t.Errorf("one that is not there: %d %s", code, out)
	}
	if code, out := runIn(t.Context(), t, dir, nil, "plugin", "remove", "a"); code != 0 || !strings.HasPrefix(out, "removed a;") {
		t.Errorf("one that is there: %d %s", code, out)
	}
}

// So the system answers to a program that was built for another processor.
func TestAddingAProgramOfAnotherMachine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "doorward-plugin-foreign")
	if err := os.WriteFile(path, []byte("no program"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o755); err != nil {
		t.Fatal(err)
	}
	code, out := runIn(t.Context(), t, t.TempDir(), nil, "plugin", "add", path)
	if want := "build it for " + runtime.GOOS + "/" + runtime.GOARCH; code != 1 || !strings.Contains(out, want) || errorLines(out) != 1 {
		t.Errorf("exit status %d, want %q: %s", code, want, out)
	}
}

// Root may write everywhere, so that the name is what cannot be written.
func TestADatabaseThatCannotBeMade(t *testing.T) {
	code, out := runIn(t.Context(), t, t.TempDir(), []string{"DB_FILENAME=" + filepath.Join(t.TempDir(), strings.Repeat("d", 300)), "CONTROL_SOCKET=s"}, "serve")
	if code != 1 || !strings.Contains(out, "choose another path") || errorLines(out) != 1 {
		t.Errorf("exit status %d: %s", code, out)
	}
}
