package provider

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	hclog "github.com/hashicorp/go-hclog"

	"github.com/doorward/doorward/host/internal/provider/lock"
	"github.com/doorward/doorward/host/internal/provider/process"
	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
)

// long is how long a test waits for what must come. What takes longer than soon
// waited for something else: gRPC, for one, dials for 20 seconds.
const (
	long = 30 * time.Second
	soon = 10 * time.Second
)

var testPlugin string // path of the built testdata/plugin

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "provider-test-")
	if err != nil {
		panic(err)
	}
	testPlugin = filepath.Join(dir, "plugin")
	if out, err := exec.Command("go", "build", "-o", testPlugin, "./testdata/plugin").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the test plugin: %v\n%s", err, out)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// binaries is a folder with the test plugin under the names of mechanisms, and a
// lock file with all of them.
func binaries(t testing.TB, mechanisms ...string) Binaries {
	t.Helper()
	dir := t.TempDir()
	b := Binaries{Dir: dir, Lock: filepath.Join(dir, lock.FileName)}
	for _, name := range mechanisms {
		if err := os.Symlink(testPlugin, filepath.Join(dir, FileName(name))); err != nil {
			t.Fatal(err)
		}
	}
	lockAll(t, b, mechanisms...)
	return b
}

// lockAll writes a lock file with the binaries as they are now.
func lockAll(t testing.TB, b Binaries, mechanisms ...string) {
	t.Helper()
	var file lock.File
	for _, name := range mechanisms {
		binary, err := process.OpenBinary(filepath.Join(b.Dir, FileName(name)))
		if err != nil {
			t.Fatal(err)
		}
		binary.Close()
		file = file.With(lock.Plugin{Mechanism: name, Name: FileName(name), Version: "1.2.3", SHA256: binary.Digest})
	}
	if err := lock.Write(b.Lock, file); err != nil {
		t.Fatal(err)
	}
}

// configured is a provider with good options, and with those given as name and
// value.
func configured(driver, name string, more ...any) Configured {
	c := Configured{
		Provider: sso.Provider{Name: name, Driver: driver},
		Options:  map[string]any{"tenant": "t"},
		Spelling: func(option string) string {
			return "AUTH_" + strings.ToUpper(name) + "_" + strings.ToUpper(option)
		},
		Near: func(string) string { return "AUTH_" + strings.ToUpper(name) + "_NEAR" },
	}
	for i := 0; i < len(more); i += 2 {
		c.Options[more[i].(string)] = more[i+1]
	}
	return c
}

// host is what the tests start.
type host struct {
	*Providers
	logs *logBuffer
}

func testLimits() limits {
	l := defaultLimits
	l.process.Stop = time.Second
	l.pauses.FirstBackoff = 10 * time.Millisecond
	l.reopen = 10 * time.Millisecond
	return l
}

func newHost(config Config) (Config, *logBuffer) {
	logs := &logBuffer{}
	config.PublicURL = "http://localhost:8055"
	config.Version = "9.8.7"
	config.Logger = hclog.New(&hclog.LoggerOptions{JSONFormat: true, Level: hclog.Debug, Output: logs})
	if config.limits == (limits{}) {
		config.limits = testLimits()
	}
	return config, logs
}

// startHost starts the providers until the test ends.
func startHost(t testing.TB, config Config) host {
	t.Helper()
	config, logs := newHost(config)
	p, err := Start(t.Context(), config)
	if err != nil {
		t.Fatalf("starting: %v", err)
	}
	t.Cleanup(p.Stop)
	return host{Providers: p, logs: logs}
}

// mechanism is the mechanism of a provider, when it is the turn of a login. Its turn
// is over then, which is of no account where few calls are made.
func (h host) mechanism(ctx context.Context, provider string) (sdk.Mechanism, error) {
	m, done, err := h.Mechanism(ctx, provider, sso.LineLogins)
	if err == nil {
		done()
	}
	return m, err
}

// inFlight is how many calls through a provider are made now, by its process.
func (h host) inFlight(provider string) int {
	calls := h.now.Load().handles[provider].current.Load().calls
	calls.mu.Lock()
	defer calls.mu.Unlock()
	return calls.n
}

// begin starts a login and returns the process that answered.
func (h host) begin(t testing.TB, provider, hint string) (int, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), long)
	defer cancel()
	m, err := h.mechanism(ctx, provider)
	if err != nil {
		return 0, err
	}
	step, err := m.Begin(ctx, sdk.BeginRequest{State: "s", LoginHint: hint})
	if err != nil {
		return 0, err
	}
	pid, err := strconv.Atoi(string(step.(sdk.Redirect).Memory))
	if err != nil {
		t.Fatalf("no process ID in the memory of the step: %v", err)
	}
	return pid, nil
}

// mustBegin is begin where nothing is in the way.
func (h host) mustBegin(t testing.TB, provider string) int {
	t.Helper()
	pid, err := h.begin(t, provider, "")
	if err != nil {
		t.Fatalf("beginning a login through %s: %v", provider, err)
	}
	return pid
}

// awaitState waits until a plugin is in a state.
func (h host) awaitState(t testing.TB, plugin string, want State) Plugin {
	t.Helper()
	var got Plugin
	eventually(t, plugin+" to be "+string(want), func() bool { got = h.plugin(t, plugin); return got.State == want })
	return got
}

// plugin is how one plugin stands.
func (h host) plugin(t testing.TB, name string) Plugin {
	t.Helper()
	for _, p := range h.Plugins() {
		if p.Name == name {
			return p
		}
	}
	t.Fatalf("there is no plugin %s", name)
	return Plugin{}
}

// awaitAnother waits until another process than pid serves the provider.
func (h host) awaitAnother(t testing.TB, provider string, pid int) int {
	t.Helper()
	var got int
	eventually(t, "another process for "+provider, func() bool {
		var err error
		got, err = h.begin(t, provider, "")
		return err == nil && got != pid
	})
	return got
}

func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	deadline := time.After(long)
	for !done() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// stopProcess sends SIGSTOP and waits until all threads of the process stand.
func stopProcess(t testing.TB, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the process to stand", func() bool {
		stats, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
		for _, name := range stats {
			data, err := os.ReadFile(name)
			if _, after, _ := bytes.Cut(data, []byte(") ")); err != nil || !bytes.HasPrefix(after, []byte("T")) {
				return false
			}
		}
		return len(stats) > 0
	})
}

// gone reports whether the process does not exist, not even as a zombie of the test.
func gone(pid int) bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

// logBuffer keeps what the host logs.
type logBuffer struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all.String()
}

func (b *logBuffer) await(t testing.TB, text string) {
	t.Helper()
	eventually(t, "log line "+text, func() bool { return strings.Contains(b.String(), text) })
}

// mustTakeLess fails the test if f takes longer.
func mustTakeLess(t testing.TB, limit time.Duration, what string, f func()) {
	t.Helper()
	begun := time.Now()
	f()
	if took := time.Since(begun); took > limit {
		t.Errorf("%s took %v, at most %v are allowed", what, took, limit)
	}
}

// namedPlugin is another build of the test plugin: the same program with other
// bytes, and so with another digest.
func namedPlugin(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile(testPlugin)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(filepath.Dir(testPlugin), name+"-"+strings.ReplaceAll(t.Name(), "/", "-"))
	if err := os.WriteFile(path, append(data, name...), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}
