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

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
)

// patience is how long a test waits for what must come. What takes longer than
// soon waited for something else: gRPC, for one, dials for 20 seconds.
const (
	patience = 30 * time.Second
	soon     = 10 * time.Second
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

// pluginDir is a folder with the test plugin under the names of mechanisms.
func pluginDir(t *testing.T, mechanisms ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range mechanisms {
		if err := os.Symlink(testPlugin, binaryPath(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
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
	}
	for i := 0; i < len(more); i += 2 {
		c.Options[more[i].(string)] = more[i+1]
	}
	return c
}

// host is what the tests start.
type host struct {
	*Providers
	logs  *logBuffer
	clock *clock
}

func testLimits() limits {
	l := defaultLimits
	l.stop = time.Second
	return l
}

func newHost(config Config) (Config, *logBuffer, *clock) {
	logs, clock := &logBuffer{}, &clock{now: time.Unix(1_800_000_000, 0)}
	config.PublicURL = "http://localhost:8055"
	config.Logger = hclog.New(&hclog.LoggerOptions{JSONFormat: true, Level: hclog.Debug, Output: logs})
	config.clock = clock.Now
	if config.limits == (limits{}) {
		config.limits = testLimits()
	}
	return config, logs, clock
}

// startHost starts the providers until the test ends.
func startHost(t *testing.T, config Config) host {
	t.Helper()
	config, logs, clock := newHost(config)
	p, err := Start(t.Context(), config)
	if err != nil {
		t.Fatalf("starting: %v", err)
	}
	t.Cleanup(p.Stop)
	return host{Providers: p, logs: logs, clock: clock}
}

// begin starts a login and returns the process that answered.
func (h host) begin(t *testing.T, provider, hint string) (int, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	m, err := h.Mechanism(ctx, provider)
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
func (h host) mustBegin(t *testing.T, provider string) int {
	t.Helper()
	pid, err := h.begin(t, provider, "")
	if err != nil {
		t.Fatalf("beginning a login through %s: %v", provider, err)
	}
	return pid
}

// awaitDeath waits until the host has seen the end of a plugin.
func (h host) awaitDeath(t *testing.T, mechanism string) {
	t.Helper()
	eventually(t, "the end of "+mechanism, func() bool { return !h.plugins[mechanism].now.Load().alive() })
}

func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for !done() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// gone reports whether there is no such process, not even a zombie of ours.
func gone(pid int) bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

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

func (b *logBuffer) await(t *testing.T, text string) {
	t.Helper()
	eventually(t, "log line "+text, func() bool { return strings.Contains(b.String(), text) })
}

// mustTakeLess fails the test if f takes longer.
func mustTakeLess(t *testing.T, limit time.Duration, what string, f func()) {
	t.Helper()
	begun := time.Now()
	f()
	if took := time.Since(begun); took > limit {
		t.Errorf("%s took %v, at most %v are allowed", what, took, limit)
	}
}
