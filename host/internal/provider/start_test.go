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

	hclog "github.com/hashicorp/go-hclog"

	"github.com/doorward/doorward/host/internal/provider/lock"
	"github.com/doorward/doorward/host/internal/provider/process"
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
		{"K05 knows another cookie", "cookie", []string{"exit status 1", "This binary is a plugin"}},
		{"K05 a line of 100 KB", "liner", []string{"more than 8192 bytes"}},
		{"K01 panics at the start", "crasher", []string{"panic: no good reason", "exit status 2"}},
		{"K05 garbage on stdout", "garbage", []string{"is not a handshake", "[31mhello, I am a program"}},
		{"K05 another protocol version", "newer", []string{"Plugin version: 9, Client versions: [1]"}},
		{"never answers", "deaf", []string{"asking what it is", "deadline exceeded"}},
		{"K08 an answer larger than allowed", "fat", []string{"asking what it is", "larger than"}},
		{"requires what the host does not have", "demanding", []string{"this host (doorward 9.8.7) lacks features that plugin demanding 1.2.3 requires (step/poll): update doorward"}},
		{"claims another mechanism", "liar", []string{`says that it is "honest", not "liar"`}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			limits := testLimits()
			limits.pauses.FirstBackoff = time.Hour
			limits.process.Handshake, limits.process.Describe = 10*time.Second, 10*time.Second
			if tc.mechanism == "silent" {
				limits.process.Handshake = 200 * time.Millisecond
			}
			if tc.mechanism == "deaf" {
				limits.process.Describe = 2 * time.Second
			}
			b := binaries(t, "fake", tc.mechanism)
			var h host
			mustTakeLess(t, soon, "starting", func() {
				h = startHost(t, Config{Binaries: b, limits: limits, Providers: []Configured{configured(tc.mechanism, "bad"), configured("fake", "good")}})
			})
			err := h.Available("bad")
			if !errors.Is(err, sdk.ErrUnavailable) {
				t.Fatalf("available: %v", err)
			}
			for _, text := range append(tc.says, filepath.Join(b.Dir, "doorward-plugin-"+tc.mechanism)) {
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
			assertNoProcessOf(t, filepath.Join(b.Dir, "doorward-plugin-"+tc.mechanism))
			if folders, _ := filepath.Glob(filepath.Join(h.runtime.path, "plugin*")); len(folders) != 1 {
				t.Errorf("folders of sockets %v, want that of the good plugin only", folders)
			}
		})
	}
}

// The host does not wait for a plugin that hangs at its start.
func TestK02PluginThatHangsAtItsStart(t *testing.T) {
	limits := testLimits()
	limits.first, limits.process.Handshake = 2*time.Second, time.Hour
	var h host
	mustTakeLess(t, soon, "starting", func() {
		h = startHost(t, Config{Binaries: binaries(t, "fake", "silent"), limits: limits, Providers: []Configured{
			configured("silent", "bad"), configured("fake", "good"),
		}})
	})
	h.mustBegin(t, "good")
	h.logs.await(t, "takes long to start")
}

// assertNoProcessOf looks for a child process of the test, or its zombie.
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
	h := startHost(t, Config{Binaries: binaries(t, mechanism), Providers: []Configured{configured(mechanism, "a")}})
	if err := h.Available("a"); err == nil || !strings.Contains(err.Error(), "not a socket in its own folder") {
		t.Errorf("available: %v", err)
	}
	listener.Close()
	if _, ok := <-called; ok {
		t.Error("the host called the address that the plugin named")
	}
}

func TestBinariesThatAreNotRun(t *testing.T) {
	good := binaries(t, "fake")
	b := binaries(t)
	put := func(name, content string, mode os.FileMode) string {
		path := filepath.Join(b.Dir, FileName(name))
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	folder := filepath.Join(b.Dir, FileName("folder"))
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	foreign := put("foreign", "\x7fELF", 0o755)
	if os.Geteuid() == 0 {
		if err := os.Chown(foreign, 65534, -1); err != nil {
			t.Fatal(err)
		}
	}
	digest, err := good.Digest("fake")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ name, mechanism, path, remedy string }{
		{"K03 missing", "missing", filepath.Join(b.Dir, FileName("missing")), "set PLUGIN_DIR"},
		{"K03 not executable", "plain", put("plain", "x", 0o644), "chmod 0755"},
		{"K03 written by the group", "group", put("group", "x", 0o775), "chmod 0755"},
		{"K03 written by others", "others", put("others", "x", 0o757), "chmod 0755"},
		{"K03 of another user", "foreign", foreign, "chown"},
		{"K03 a folder", "folder", folder, "not a regular file"},
		{"K03 nothing in it", "empty", put("empty", "", 0o755), "is empty"},
		{"K03 a script", "script", put("script", "#!/bin/sh\nexit 0\n", 0o755), "native binary"},
		{"K03 another digest", "altered", put("altered", "\x7fELF of somebody else", 0o755), string(digest)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.mechanism == "foreign" && os.Geteuid() != 0 {
				t.Skip("only root can give a file away")
			}
			file := lock.File{}.With(lock.Plugin{Mechanism: tc.mechanism, Name: FileName(tc.mechanism), SHA256: digest})
			if err := lock.Write(b.Lock, file); err != nil {
				t.Fatal(err)
			}
			h := startHost(t, Config{Binaries: b, Providers: []Configured{configured(tc.mechanism, "a")}})
			err := h.Available("a")
			if !errors.Is(err, sdk.ErrUnavailable) || !strings.Contains(err.Error(), tc.path) || !strings.Contains(err.Error(), tc.remedy) {
				t.Errorf("available: %v, want one that names %s and says %q", err, tc.path, tc.remedy)
			}
			if got := h.plugin(t, tc.mechanism).State; got != StateRejected {
				t.Errorf("state %s", got)
			}
		})
	}
}

func TestK03PluginThatIsNotLocked(t *testing.T) {
	b := binaries(t, "fake")
	if err := lock.Write(b.Lock, lock.File{}); err != nil {
		t.Fatal(err)
	}
	providers := []Configured{configured("fake", "a")}
	h := startHost(t, Config{Binaries: b, Providers: providers})
	if err := h.Available("a"); !errors.Is(err, lock.ErrNotLocked) || !strings.Contains(err.Error(), "doorward plugin add "+filepath.Join(b.Dir, FileName("fake"))) {
		t.Errorf("available: %v", err)
	}
	b.InsecureWithoutLock = true
	h = startHost(t, Config{Binaries: b, Providers: providers})
	h.mustBegin(t, "a")
}

// What is executed is the file that was hashed, even if another one has taken its
// place in the meantime.
func TestK03BinaryThatIsSwappedBetweenCheckAndStart(t *testing.T) {
	b := binaries(t, "fake", "quitter")
	binary, err := b.Open("fake")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(b.Dir, FileName("fake"))
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("#!/bin/false\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	p, err := process.Start(t.Context(), binary, process.Launch{
		RuntimeDir: t.TempDir(), Logger: hclog.NewNullLogger(), Limits: process.DefaultLimits,
	})
	if err != nil {
		t.Fatal(err)
	}
	p.Stop()
	if p.Description.Mechanism != "fake" {
		t.Errorf("what runs is %+v", p.Description)
	}
}

func TestStartThatIsImpossibleLeavesNoFolder(t *testing.T) {
	b := binaries(t)
	if err := os.WriteFile(filepath.Join(b.Dir, FileName("alien")), []byte("\x7fELF of another machine"), 0o700); err != nil {
		t.Fatal(err)
	}
	lockAll(t, b, "alien")
	h := startHost(t, Config{Binaries: b, Providers: []Configured{configured("alien", "a")}})
	h.awaitState(t, "alien", StateQuarantined)
	if left, err := filepath.Glob(filepath.Join(h.runtime.path, "plugin-dir*")); err != nil || len(left) > 0 {
		t.Errorf("folders of processes that never were: %q, %v", left, err)
	}
}
