package provider

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/sdk"
)

func TestPluginsThatDoNotStart(t *testing.T) {
	for _, tc := range []struct {
		name, mechanism string
		says            []string
	}{
		{"K05 says nothing", "silent", []string{"timeout while waiting for plugin to start"}},
		{"K05 exits with a message", "quitter", []string{"exit status 3", "cannot read my own configuration"}},
		{"K05 exits 0 at once", "goner", []string{"exit status 0"}},
		{"K01 panics at the start", "crasher", []string{"panic: no good reason", "exit status 2"}},
		{"K05 garbage on stdout", "garbage", []string{"\uFFFD[31mhello, I am a program"}},
		{"K05 another protocol version", "newer", []string{"Plugin version: 9, Client versions: [1]"}},
		{"never answers", "deaf", []string{"asking what it is", "deadline exceeded"}},
		{"K08 an answer larger than allowed", "fat", []string{"asking what it is", "larger than"}},
		{"claims another mechanism", "liar", []string{`it says that it is "honest", not "liar"`}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			limits := testLimits()
			limits.handshake, limits.describe = 10*time.Second, 10*time.Second
			if tc.mechanism == "silent" {
				limits.handshake = 200 * time.Millisecond
			}
			if tc.mechanism == "deaf" {
				limits.describe = 200 * time.Millisecond
			}
			dir := pluginDir(t, "fake", tc.mechanism)
			var h host
			mustTakeLess(t, soon, "starting", func() {
				h = startHost(t, Config{PluginDir: dir, limits: limits, Providers: []Configured{configured(tc.mechanism, "bad"), configured("fake", "good")}})
			})
			err := h.Available("bad")
			if !errors.Is(err, sdk.ErrUnavailable) {
				t.Fatalf("available: %v", err)
			}
			for _, text := range append(tc.says, filepath.Join(dir, "doorward-plugin-"+tc.mechanism)) {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("the error does not say %q: %v", text, err)
				}
			}
			if strings.ContainsAny(err.Error(), "\n\x1b") || len(err.Error()) > 4096 {
				t.Errorf("the error does not fit a line: %q", err)
			}
			if _, err := h.begin(t, "bad", ""); !errors.Is(err, sdk.ErrUnavailable) {
				t.Errorf("beginning: %v", err)
			}
			h.mustBegin(t, "good")
			assertNoProcessOf(t, filepath.Join(dir, "doorward-plugin-"+tc.mechanism))
			if sockets, _ := os.ReadDir(h.runtimeDir); len(sockets) != 1 {
				t.Errorf("%d folders of sockets, want that of the good plugin only", len(sockets))
			}
		})
	}
}

// assertNoProcessOf looks for a process of ours, or its zombie.
func assertNoProcessOf(t *testing.T, path string) {
	t.Helper()
	commands, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range commands {
		if data, err := os.ReadFile(name); err == nil && string(bytes.TrimRight(data, "\x00")) == path {
			t.Errorf("still running: %s", name)
		}
	}
}

func TestPluginThatNamesAnotherAddress(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	called := make(chan struct{}, 1)
	go func() {
		if conn, err := listener.Accept(); err == nil {
			called <- struct{}{}
			conn.Close()
		}
		close(called)
	}()
	mechanism := fmt.Sprintf("elsewhere-%d", listener.Addr().(*net.TCPAddr).Port)
	h := startHost(t, Config{PluginDir: pluginDir(t, mechanism), Providers: []Configured{configured(mechanism, "a")}})
	if err := h.Available("a"); err == nil || !strings.Contains(err.Error(), "not in its own folder") {
		t.Errorf("available: %v", err)
	}
	listener.Close()
	if _, ok := <-called; ok {
		t.Error("the host called the address that the plugin named")
	}
}

func TestBinariesThatAreNotRun(t *testing.T) {
	dir := t.TempDir()
	put := func(name string, mode os.FileMode) string {
		path := binaryPath(dir, name)
		touch(t, path)
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	folder := binaryPath(dir, "folder")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ name, mechanism, path, remedy string }{
		{"K03 missing", "missing", binaryPath(dir, "missing"), "set PLUGIN_DIR"},
		{"K03 not executable", "plain", put("plain", 0o644), "chmod 0755"},
		{"K03 written by the group", "group", put("group", 0o775), "chmod 0755"},
		{"K03 written by others", "others", put("others", 0o757), "chmod 0755"},
		{"K03 a folder", "folder", folder, "not a regular file"},
		{"K03 no program at all", "empty", put("empty", 0o755), "exec format error"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := startHost(t, Config{PluginDir: dir, Providers: []Configured{configured(tc.mechanism, "a")}})
			err := h.Available("a")
			if !errors.Is(err, sdk.ErrUnavailable) || !strings.Contains(err.Error(), tc.path) || !strings.Contains(err.Error(), tc.remedy) {
				t.Errorf("available: %v, want one that names %s and says %q", err, tc.path, tc.remedy)
			}
			if (tc.mechanism == "missing") != errors.Is(err, ErrNoBinary) {
				t.Errorf("ErrNoBinary: %v", err)
			}
		})
	}
}
