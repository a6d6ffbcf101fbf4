package provider

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/doorward/doorward/sdk"
)

func awaitFile(t *testing.T, path string) {
	t.Helper()
	eventually(t, path, func() bool { data, err := os.ReadFile(path); return err == nil && bytes.HasSuffix(data, []byte("\n")) })
}

func touch(t *testing.T, path string) {
	t.Helper()
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

// startsOf lists the processes that the slow plugin was started as.
func startsOf(t *testing.T, dir string) []int {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "starts"))
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, line := range strings.Fields(string(data)) {
		pid, err := strconv.Atoi(line)
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	return pids
}

// A plugin that dies under a login is started again, and Begin, which may be
// repeated, is: the user who signs in does not notice.
func TestPluginThatDies(t *testing.T) {
	for _, hint := range []string{"exit once", "panic in a goroutine once"} {
		t.Run("K01 "+hint, func(t *testing.T) {
			h := startHost(t, Config{Binaries: binaries(t, "fake", "other"), Providers: []Configured{
				configured("fake", "a", "file", filepath.Join(t.TempDir(), "once")), configured("other", "b"),
			}})
			first, other := h.mustBegin(t, "a"), h.mustBegin(t, "b")
			second, err := h.begin(t, "a", hint)
			if err != nil || second == first {
				t.Errorf("the login that killed process %d: process %d, %v", first, second, err)
			}
			if !gone(first) {
				t.Errorf("process %d is still there", first)
			}
			if got := h.mustBegin(t, "b"); got != other {
				t.Errorf("the other plugin moved from process %d to %d", other, got)
			}
			plugin := h.plugin(t, "fake")
			if plugin.Restarts != 1 || !strings.Contains(plugin.LastError, "exit status") || plugin.State != StateReady {
				t.Errorf("how it stands: %+v", plugin)
			}
			if strings.HasPrefix(hint, "panic") && !strings.Contains(strings.Join(plugin.LastLines, " "), "panic: in a goroutine") {
				t.Errorf("its last lines: %q", plugin.LastLines)
			}
			if n := strings.Count(h.logs.String(), `"@level":"error"`); n != 1 {
				t.Errorf("%d lines for the operator, want 1:\n%s", n, h.logs)
			}
		})
	}
}

// Continue is never repeated: the process that died may have spent the code.
func TestContinueIsNotRepeated(t *testing.T) {
	file := filepath.Join(t.TempDir(), "continued")
	h := startHost(t, Config{Binaries: binaries(t, "fake"), Providers: []Configured{configured("fake", "a", "file", file)}})
	m, err := h.mechanism(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Continue(t.Context(), sdk.ContinueRequest{State: "s", Answers: map[string]string{"do": "exit"}}); !errors.Is(err, sdk.ErrUnavailable) {
		t.Errorf("continuing: %v", err)
	}
	if data, err := os.ReadFile(file); err != nil || string(data) != "continued\n" {
		t.Errorf("calls of Continue that were made: %q, %v", data, err)
	}
	if _, err := m.Begin(t.Context(), sdk.BeginRequest{State: "s"}); err != nil {
		t.Errorf("the same mechanism afterwards: %v", err)
	}
}

func TestKilledPluginIsStartedOnceForAll(t *testing.T) {
	h := startHost(t, Config{Binaries: binaries(t, "fake"), Providers: []Configured{configured("fake", "a"), configured("fake", "b")}})
	first := h.mustBegin(t, "a")
	if err := syscall.Kill(first, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	h.awaitAnother(t, "a", first)
	var group sync.WaitGroup
	pids := make([]int, 16)
	for i := range pids {
		group.Go(func() {
			pid, err := h.begin(t, []string{"a", "b"}[i%2], "")
			if err != nil {
				t.Errorf("beginning: %v", err)
			}
			pids[i] = pid
		})
	}
	group.Wait()
	for _, pid := range pids {
		if pid != pids[0] || pid == first {
			t.Fatalf("processes %v after %d", pids, first)
		}
	}
	if folders, _ := filepath.Glob(filepath.Join(h.runtime.path, "plugin*")); len(folders) != 1 {
		t.Errorf("folders of sockets after a restart: %v", folders)
	}
	if got := h.plugin(t, "fake").LastError; !strings.Contains(got, "is memory short?") {
		t.Errorf("a hint at the cause: %q", got)
	}
}

// A plugin that dies again and again is left alone, and the operator lets it out.
func TestQuarantine(t *testing.T) {
	limits := testLimits()
	limits.pauses.Deaths = 3
	b := binaries(t, "crasher", "fake")
	providers := []Configured{configured("crasher", "a"), configured("fake", "good")}
	h := startHost(t, Config{Binaries: b, limits: limits, Providers: providers})
	got := h.awaitState(t, "crasher", StateQuarantined)
	if time.Until(got.NextTry) < limits.pauses.Quarantine/2 || !strings.Contains(got.LastError, "panic: no good reason") {
		t.Errorf("how it stands: %+v", got)
	}
	if _, err := h.begin(t, "a", ""); !errors.Is(err, sdk.ErrUnavailable) {
		t.Errorf("beginning: %v", err)
	}
	h.mustBegin(t, "good")
	if n := strings.Count(h.logs.String(), `"@level":"error"`); n != 2 {
		t.Errorf("%d lines for the operator, want 2: down, and given up:\n%s", n, h.logs)
	}
	// The operator puts a good one there.
	path := filepath.Join(b.Dir, FileName("crasher"))
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(namedPlugin(t, "crasher-mended"), path); err != nil {
		t.Fatal(err)
	}
	lockAll(t, b, "crasher", "fake")
	done, err := h.Reload(t.Context(), providers)
	if err != nil || len(done.Started) != 1 || len(done.Failed) > 0 {
		t.Fatalf("reloading: %s, %v", done, err)
	}
	h.mustBegin(t, "a")
}

func TestLoginThatGivesUpDoesNotBreakOffTheStart(t *testing.T) {
	b := binaries(t, "slow")
	touch(t, filepath.Join(b.Dir, "go"))
	h := startHost(t, Config{Binaries: b, Providers: []Configured{configured("slow", "a")}})
	if err := os.Remove(filepath.Join(b.Dir, "go")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(h.mustBegin(t, "a"), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the second start", func() bool { return len(startsOf(t, b.Dir)) == 2 })
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	go func() { _, err := h.mechanism(ctx, "a"); failed <- err }()
	cancel()
	if err := <-failed; !errors.Is(err, sdk.ErrUnavailable) || !errors.Is(err, context.Canceled) {
		t.Errorf("the login that gave up: %v", err)
	}
	touch(t, filepath.Join(b.Dir, "go"))
	if got, want := h.mustBegin(t, "a"), startsOf(t, b.Dir)[1]; got != want {
		t.Errorf("process %d answers, want %d, which was started first", got, want)
	}
}

// A process that is stopped answers nothing and does not end. A login that meets
// it waits until that is clear, and is then served by another one.
func TestK02PluginThatHangsIsReplaced(t *testing.T) {
	limits := testLimits()
	limits.slow, limits.answer = 100*time.Millisecond, 200*time.Millisecond
	h := startHost(t, Config{Binaries: binaries(t, "fake"), Providers: []Configured{configured("fake", "a")}, limits: limits})
	pid := h.mustBegin(t, "a")
	stopProcess(t, pid)
	again, err := h.begin(t, "a", "")
	if err != nil || again == pid {
		t.Errorf("the login that met it: process %d, was %d, %v", again, pid, err)
	}
	if got := h.plugin(t, "fake").LastError; !strings.Contains(got, "did not answer and was killed") {
		t.Errorf("the reason: %q", got)
	}
}

// A plugin that hangs is found although nobody logs in.
func TestK02IdlePluginThatHangsIsReplaced(t *testing.T) {
	limits := testLimits()
	limits.probe, limits.answer = 50*time.Millisecond, 50*time.Millisecond
	h := startHost(t, Config{Binaries: binaries(t, "fake"), Providers: []Configured{configured("fake", "a")}, limits: limits})
	pid := h.mustBegin(t, "a")
	stopProcess(t, pid)
	eventually(t, "another process", func() bool { got := h.plugin(t, "fake"); return got.State == StateReady && got.PID != pid })
}

// What one process left unanswered does not count against the next.
func TestMissesEndWithTheProcess(t *testing.T) {
	h := startHost(t, Config{Binaries: binaries(t, "fake"), Providers: []Configured{configured("fake", "a")}})
	pid := h.mustBegin(t, "a")
	h.supervisors["fake"].prober.misses.Store(maxMisses - 1)
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	h.awaitAnother(t, "a", pid)
	if n := h.supervisors["fake"].prober.misses.Load(); n != 0 {
		t.Errorf("the new process begins with %d misses", n)
	}
}

// A provider that is slow does not end its plugin.
func TestSlowProviderIsNoReasonToKill(t *testing.T) {
	limits := testLimits()
	limits.slow, limits.answer = 10*time.Millisecond, 5*time.Second
	h := startHost(t, Config{Binaries: binaries(t, "fake"), Providers: []Configured{configured("fake", "a")}, limits: limits})
	pid := h.mustBegin(t, "a")
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	m, err := h.mechanism(ctx, "a")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Begin(ctx, sdk.BeginRequest{State: "s", LoginHint: "hang"}); !errors.Is(err, sdk.ErrUnavailable) {
		t.Errorf("while it hangs: %v", err)
	}
	if got := h.mustBegin(t, "a"); got != pid {
		t.Errorf("process %d answers, want %d", got, pid)
	}
}
