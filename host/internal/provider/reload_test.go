package provider

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/host/internal/provider/lock"
	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
)

func (h host) reload(t *testing.T, providers ...Configured) Reloaded {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), long)
	defer cancel()
	done, err := h.Reload(ctx, providers)
	if err != nil {
		t.Fatalf("reloading: %v", err)
	}
	return done
}

// replaceBinary puts another build of the test plugin in the place of a mechanism,
// as a package manager would: next to it, and then renamed.
func replaceBinary(t *testing.T, b Binaries, mechanism, with string) {
	t.Helper()
	path := filepath.Join(b.Dir, FileName(mechanism))
	if err := os.Symlink(with, path+".new"); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

func TestReloadProviders(t *testing.T) {
	b := binaries(t, "fake", "other")
	stays, changes, goes := configured("fake", "stays"), configured("fake", "changes"), configured("fake", "goes")
	h := startHost(t, Config{Binaries: b, Providers: []Configured{stays, changes, goes}})
	pid := h.mustBegin(t, "changes")
	old, err := h.mechanism(t.Context(), "changes")
	if err != nil {
		t.Fatal(err)
	}
	gone, err := h.mechanism(t.Context(), "goes")
	if err != nil {
		t.Fatal(err)
	}
	changed := configured("fake", "changes", "number", 7)
	relabelled := stays
	relabelled.Label = "Another label"
	done := h.reload(t, configured("other", "comes"), relabelled, changed)
	want := Reloaded{Added: []string{"comes"}, Changed: []string{"stays", "changes"}, Removed: []string{"goes"}, Started: []string{"other"}}
	if diff := cmp.Diff(want, done); diff != "" {
		t.Errorf("what was done (-want +got):\n%s", diff)
	}
	if got := h.mustBegin(t, "changes"); got != pid {
		t.Errorf("new options moved it to process %d, want %d", got, pid)
	}
	h.mustBegin(t, "comes")
	if p, _ := h.Provider("stays"); p.Label != "Another label" {
		t.Errorf("label %q", p.Label)
	}
	if _, err := h.mechanism(t.Context(), "goes"); !errors.Is(err, sso.ErrUnknownProvider) {
		t.Errorf("what was removed: %v", err)
	}
	if _, err := old.Begin(t.Context(), sdk.BeginRequest{State: "s"}); err != nil {
		t.Errorf("a login that had begun before: %v", err)
	}
	if _, err := gone.Begin(t.Context(), sdk.BeginRequest{State: "s"}); !errors.Is(err, sdk.ErrUnavailable) || !errors.Is(err, errRemoved) {
		t.Errorf("a login through what was removed: %v", err)
	}
	if done := h.reload(t, configured("other", "comes"), relabelled, changed); !done.Empty() {
		t.Errorf("once more: %s", done)
	}
	// The last provider of a plugin goes, and with it the plugin.
	h.reload(t, relabelled)
	eventually(t, "the plugin to end", func() bool { return len(h.Plugins()) == 1 && h.Plugins()[0].Name == "fake" })
	eventually(t, "its folder to be gone", func() bool {
		folders, _ := filepath.Glob(filepath.Join(h.runtime.path, "plugin*"))
		return len(folders) == 1
	})
}

// Options that are refused leave the provider as it was, and say why.
func TestReloadThatIsRefused(t *testing.T) {
	h := startHost(t, Config{Binaries: binaries(t, "fake"), Providers: []Configured{configured("fake", "a"), configured("fake", "b")}})
	h.mustBegin(t, "a")
	bad := configured("fake", "a", "number", "many")
	bad.Label = "new label"
	done := h.reload(t, bad, configured("fake", "b", "number", 1), configured("fake", "c", "nubmer", 1))
	if len(done.Failed) != 2 || !strings.Contains(done.Failed[0]+done.Failed[1], "AUTH_A_NUMBER") ||
		!strings.Contains(done.Failed[0]+done.Failed[1], "AUTH_C_NUBMER") || !strings.Contains(done.String(), "FAILED") {
		t.Errorf("what failed: %q", done.Failed)
	}
	h.mustBegin(t, "a")
	h.mustBegin(t, "b")
	if p, _ := h.Provider("a"); p.Label != "" {
		t.Errorf("half of it was changed: label %q", p.Label)
	}
	if err := h.Available("c"); !errors.Is(err, sdk.ErrMisconfigured) {
		t.Errorf("the one that was added: %v", err)
	}
}

// 20 replacements of the binary under 16 callers: not one call fails, and what
// began on the old process ends.
func TestK10SwapsUnderLoad(t *testing.T) {
	b := binaries(t, "fake")
	providers := []Configured{configured("fake", "a"), configured("fake", "b")}
	h := startHost(t, Config{Binaries: b, Providers: providers})
	builds := []string{namedPlugin(t, "one"), namedPlugin(t, "two")}
	var calls, failed atomic.Int64
	pids := sync.Map{}
	ctx, stop := context.WithCancel(t.Context())
	var group sync.WaitGroup
	for i := range 16 {
		group.Go(func() {
			hint := ""
			if i%4 == 0 {
				hint = "take a moment"
			}
			for ctx.Err() == nil {
				pid, err := h.begin(t, []string{"a", "b"}[i%2], hint)
				calls.Add(1)
				if err != nil {
					failed.Add(1)
					t.Errorf("beginning: %v", err)
				}
				pids.Store(pid, true)
			}
		})
	}
	for i := range 20 {
		replaceBinary(t, b, "fake", builds[i%2])
		lockAll(t, b, "fake")
		if done := h.reload(t, providers...); len(done.Replaced) != 1 || len(done.Failed) > 0 {
			t.Errorf("swap %d: %s", i, done)
		}
	}
	stop()
	group.Wait()
	if failed.Load() > 0 || calls.Load() < 100 {
		t.Errorf("%d of %d calls failed", failed.Load(), calls.Load())
	}
	different := 0
	pids.Range(func(any, any) bool { different++; return true })
	if different < 10 {
		t.Errorf("%d processes answered, there were 21", different)
	}
	if got := h.plugin(t, "fake"); got.Swaps != 20 || got.Restarts != 0 {
		t.Errorf("how it stands: %+v", got)
	}
	eventually(t, "the old processes to end", func() bool {
		folders, _ := filepath.Glob(filepath.Join(h.runtime.path, "plugin*"))
		return len(folders) == 1
	})
}

// If a new binary does not work, the old one keeps running.
func TestSwapThatFails(t *testing.T) {
	b := binaries(t, "fake", "quitter")
	providers := []Configured{configured("fake", "a")}
	h := startHost(t, Config{Binaries: b, Providers: providers})
	pid := h.mustBegin(t, "a")
	for _, tc := range []struct {
		name, says string
		prepare    func()
	}{
		{"K03 file without its lock line", "is locked; if you replaced it", func() { replaceBinary(t, b, "fake", namedPlugin(t, "unlocked")) }},
		{"K03 file that was removed", "not found", func() { _ = os.Remove(filepath.Join(b.Dir, FileName("fake"))) }},
		{"no plugin", "exec format error", func() {
			path := filepath.Join(b.Dir, FileName("fake"))
			if err := os.WriteFile(path, []byte("\x7fELF no more"), 0o755); err != nil {
				t.Fatal(err)
			}
			lockAll(t, b, "fake")
		}},
		{"plugin that knows the options no more", "provider a", func() {
			_ = os.Remove(filepath.Join(b.Dir, FileName("fake")))
			replaceBinary(t, b, "fake", namedPlugin(t, "stricter"))
			lockAll(t, b, "fake")
		}},
		{"K03 lock file that cannot be read", "reading lock file", func() {
			if err := os.WriteFile(b.Lock, []byte("nonsense"), 0o600); err != nil {
				t.Fatal(err)
			}
		}},
		{"taken out of the lock file", "plugin is not in the lock file", func() {
			if err := os.Remove(b.Lock); err != nil {
				t.Fatal(err)
			}
			if err := lock.Write(b.Lock, lock.File{}); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.prepare()
			done := h.reload(t, providers...)
			if len(done.Failed) != 1 || !strings.Contains(done.Failed[0], tc.says) {
				t.Errorf("what failed: %q, want %q", done.Failed, tc.says)
			}
			if got := h.mustBegin(t, "a"); got != pid {
				t.Errorf("process %d answers, want %d", got, pid)
			}
		})
	}
}

// A call that does not end does not keep an old process alive forever.
func TestSwapEndsCallsThatDoNotEnd(t *testing.T) {
	limits := testLimits()
	limits.drain = 100 * time.Millisecond
	b := binaries(t, "fake")
	providers := []Configured{configured("fake", "a")}
	h := startHost(t, Config{Binaries: b, Providers: providers, limits: limits})
	pid := h.mustBegin(t, "a")
	m, err := h.mechanism(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := m.Continue(t.Context(), sdk.ContinueRequest{State: "s", Answers: map[string]string{"do": "hang"}})
		ended <- err
	}()
	eventually(t, "the call to be in flight", func() bool { return h.inFlight("a") == 1 })
	replaceBinary(t, b, "fake", namedPlugin(t, "next"))
	lockAll(t, b, "fake")
	if done := h.reload(t, providers...); len(done.Replaced) != 1 {
		t.Errorf("swapping: %s", done)
	}
	if err := <-ended; !errors.Is(err, sdk.ErrUnavailable) {
		t.Errorf("the call that did not end: %v", err)
	}
	eventually(t, "the old process to end", func() bool { return gone(pid) })
	h.logs.await(t, "calls of a replaced plugin that do not end")
	h.mustBegin(t, "a")
}

// A provider with its own process is not affected when others fail.
func TestIsolation(t *testing.T) {
	alone := configured("fake", "alone")
	alone.Isolated = true
	h := startHost(t, Config{Binaries: binaries(t, "fake"), Providers: []Configured{configured("fake", "a"), alone, configured("fake", "b")}})
	shared := h.mustBegin(t, "a")
	if got := h.mustBegin(t, "b"); got != shared {
		t.Errorf("processes %d and %d for two that share", shared, got)
	}
	own := h.mustBegin(t, "alone")
	if own == shared {
		t.Error("it does not have its own process")
	}
	if got := h.plugin(t, "fake/alone"); got.Mechanism != "fake" || len(got.Providers) != 1 {
		t.Errorf("how it stands: %+v", got)
	}
}

// A call that outlives the drain must not keep the provider in the plugin forever.
func TestReloadClosesWhatACallHolds(t *testing.T) {
	limits := testLimits()
	limits.drain = 10 * time.Millisecond
	closed := filepath.Join(t.TempDir(), "closed")
	h := startHost(t, Config{
		Binaries: binaries(t, "fake"), limits: limits, Providers: []Configured{configured("fake", "a", "closed", closed)},
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	m, err := h.mechanism(ctx, "a")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = m.Begin(ctx, sdk.BeginRequest{State: "s", LoginHint: "hang"})
	}()
	old := h.now.Load().handles["a"].current.Load()
	eventually(t, "the call", func() bool {
		old.calls.mu.Lock()
		defer old.calls.mu.Unlock()
		return old.calls.n > 0
	})
	if done := h.reload(t, configured("fake", "a", "number", 7)); len(done.Failed) > 0 {
		t.Fatalf("failed: %q", done.Failed)
	}
	h.logs.await(t, "closing a provider although its calls have not ended")
	cancel()
	<-ended
	eventually(t, closed, func() bool { _, err := os.Stat(closed); return err == nil })
}
