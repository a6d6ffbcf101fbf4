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

func TestPluginThatDies(t *testing.T) {
	for _, hint := range []string{"exit", "panic in a goroutine"} {
		t.Run("K01 "+hint, func(t *testing.T) {
			h := startHost(t, Config{PluginDir: pluginDir(t, "fake", "other"), Providers: []Configured{configured("fake", "a"), configured("other", "b")}})
			first, other := h.mustBegin(t, "a"), h.mustBegin(t, "b")
			if _, err := h.begin(t, "a", hint); !errors.Is(err, sdk.ErrUnavailable) {
				t.Errorf("the login that killed it: %v", err)
			}
			h.awaitDeath(t, "fake")
			if !gone(first) {
				t.Errorf("process %d is still there", first)
			}
			if err := h.Available("a"); err != nil {
				t.Errorf("the next login would start it again, but: %v", err)
			}
			if got := h.mustBegin(t, "b"); got != other {
				t.Errorf("the other plugin moved from process %d to %d", other, got)
			}
			if _, err := h.begin(t, "a", ""); !errors.Is(err, sdk.ErrUnavailable) {
				t.Errorf("it is started again before the pause is over: %v", err)
			}
			h.clock.advance(h.config.limits.pause)
			if second := h.mustBegin(t, "a"); second == first {
				t.Error("the dead process answers")
			}
			h.logs.await(t, "plugin has died, starting it again")
			if hint != "exit" {
				h.logs.await(t, "panic: in a goroutine")
			}
		})
	}
}

func TestKilledPluginIsStartedOnceForAll(t *testing.T) {
	h := startHost(t, Config{PluginDir: pluginDir(t, "fake"), Providers: []Configured{configured("fake", "a"), configured("fake", "b")}})
	first := h.mustBegin(t, "a")
	if err := syscall.Kill(first, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	h.awaitDeath(t, "fake")
	h.clock.advance(h.config.limits.pause)
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
	if sockets, _ := os.ReadDir(h.runtimeDir); len(sockets) != 1 {
		t.Errorf("%d folders of sockets after a restart", len(sockets))
	}
}

// The pause counts from the end of a start: else everybody who waited for a
// start that hangs would start the plugin again, one after the other.
func TestPauseCountsFromTheEndOfAStart(t *testing.T) {
	dir := pluginDir(t, "slow")
	touch(t, filepath.Join(dir, "go"))
	h := startHost(t, Config{PluginDir: dir, Providers: []Configured{configured("slow", "a")}})
	first := h.mustBegin(t, "a")
	if err := os.Remove(filepath.Join(dir, "go")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(first, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	h.awaitDeath(t, "slow")
	h.clock.advance(h.config.limits.pause)
	failed := make(chan error, 1)
	go func() { _, err := h.begin(t, "a", ""); failed <- err }()
	eventually(t, "the second start", func() bool { return len(startsOf(t, dir)) == 2 })
	h.clock.advance(time.Hour) // the start takes long, and fails
	if err := syscall.Kill(startsOf(t, dir)[1], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := <-failed; !errors.Is(err, sdk.ErrUnavailable) {
		t.Errorf("the login that started it: %v", err)
	}
	touch(t, filepath.Join(dir, "go"))
	if _, err := h.begin(t, "a", ""); !errors.Is(err, sdk.ErrUnavailable) {
		t.Errorf("it is started again before the pause is over: %v", err)
	}
	if n := len(startsOf(t, dir)); n != 2 {
		t.Errorf("started %d times", n)
	}
	h.clock.advance(h.config.limits.pause)
	h.mustBegin(t, "a")
}

func TestLoginThatGivesUpDoesNotBreakOffTheStart(t *testing.T) {
	dir := pluginDir(t, "slow")
	touch(t, filepath.Join(dir, "go"))
	h := startHost(t, Config{PluginDir: dir, Providers: []Configured{configured("slow", "a")}})
	if err := os.Remove(filepath.Join(dir, "go")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(h.mustBegin(t, "a"), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	h.awaitDeath(t, "slow")
	h.clock.advance(h.config.limits.pause)
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	go func() { _, err := h.Mechanism(ctx, "a"); failed <- err }()
	eventually(t, "the second start", func() bool { return len(startsOf(t, dir)) == 2 })
	cancel()
	if err := <-failed; !errors.Is(err, sdk.ErrUnavailable) || !errors.Is(err, context.Canceled) {
		t.Errorf("the login that gave up: %v", err)
	}
	touch(t, filepath.Join(dir, "go"))
	if got, want := h.mustBegin(t, "a"), startsOf(t, dir)[1]; got != want {
		t.Errorf("process %d answers, want %d, which the first login started", got, want)
	}
}

func TestBinaryThatIsReplaced(t *testing.T) {
	dir := pluginDir(t, "fake")
	h := startHost(t, Config{PluginDir: dir, Providers: []Configured{configured("fake", "a")}})
	first := h.mustBegin(t, "a")
	path := binaryPath(dir, "fake")
	if err := os.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
	if got := h.mustBegin(t, "a"); got != first {
		t.Errorf("a process that runs is left: %d, want %d", got, first)
	}
	if err := syscall.Kill(first, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	h.awaitDeath(t, "fake")
	h.clock.advance(h.config.limits.pause)
	if _, err := h.begin(t, "a", ""); !errors.Is(err, ErrNoBinary) {
		t.Errorf("beginning without a binary: %v", err)
	}
	if err := os.Rename(path+".away", path); err != nil {
		t.Fatal(err)
	}
	h.clock.advance(h.config.limits.pause)
	h.mustBegin(t, "a")
}

// TestMissingPluginThatArrives: nobody clicks on a provider that is shown as
// unavailable, so asking whether it is must be enough to bring it back.
func TestMissingPluginThatArrives(t *testing.T) {
	full, dir := pluginDir(t, "fake"), t.TempDir()
	h := startHost(t, Config{PluginDir: dir, Providers: []Configured{configured("fake", "a")}})
	if err := h.Available("a"); !errors.Is(err, ErrNoBinary) {
		t.Fatalf("without the file: %v", err)
	}
	s := h.plugins["fake"]
	for range 3 {
		h.clock.advance(testLimits().pause)
		_ = h.Available("a")
		s.starting <- struct{}{} // waits for the attempt
		<-s.starting
	}
	if n := strings.Count(h.logs.String(), `"@level":"error"`); n != 1 {
		t.Errorf("the same failure is logged %d times as an error:\n%s", n, h.logs)
	}
	if err := os.Symlink(binaryPath(full, "fake"), binaryPath(dir, "fake")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the provider is available", func() bool {
		h.clock.advance(testLimits().pause)
		return h.Available("a") == nil
	})
	h.mustBegin(t, "a")
}

func TestK02PluginThatHangsIsReplaced(t *testing.T) {
	limits := testLimits()
	limits.describe = 500 * time.Millisecond
	h := startHost(t, Config{PluginDir: pluginDir(t, "fake"), Providers: []Configured{configured("fake", "a")}, limits: limits})
	pid := h.mustBegin(t, "a")
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	m, err := h.Mechanism(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := m.Begin(ctx, sdk.BeginRequest{State: "s"}); !errors.Is(err, sdk.ErrUnavailable) {
		t.Errorf("while it hangs: %v", err)
	}
	h.awaitDeath(t, "fake")
	h.clock.advance(limits.pause)
	if again := h.mustBegin(t, "a"); again == pid {
		t.Error("the same process answers")
	}
}
