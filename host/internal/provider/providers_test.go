package provider

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
)

func TestOneProcessServesAllProvidersOfItsMechanism(t *testing.T) {
	h := startHost(t, Config{
		PluginDir: pluginDir(t, "fake", "other"),
		Providers: []Configured{configured("fake", "a"), configured("other", "b"), configured("fake", "c"), configured("fake", "d")},
	})
	pid := h.mustBegin(t, "a")
	for _, name := range []string{"c", "d"} {
		if got := h.mustBegin(t, name); got != pid {
			t.Errorf("provider %s is served by process %d, want %d", name, got, pid)
		}
	}
	if got := h.mustBegin(t, "b"); got == pid {
		t.Error("two mechanisms share a process")
	}
	var names []string
	for _, p := range h.List() {
		names = append(names, p.Name)
	}
	if diff := cmp.Diff([]string{"a", "b", "c", "d"}, names); diff != "" {
		t.Errorf("order of the providers (-want +got):\n%s", diff)
	}
}

func TestStatus(t *testing.T) {
	dir := pluginDir(t, "fake")
	h := startHost(t, Config{PluginDir: dir, Providers: []Configured{configured("fake", "a"), configured("missing", "b")}})
	got := h.Status()
	if !errors.Is(got[1].Err, ErrNoBinary) || !errors.Is(got[1].Err, sdk.ErrUnavailable) {
		t.Errorf("status of a provider without plugin: %v", got[1].Err)
	}
	got[1].Err = nil
	want := []Status{
		{Provider: "a", Plugin: filepath.Join(dir, "doorward-plugin-fake"), Version: "1.2.3"},
		{Provider: "b", Plugin: filepath.Join(dir, "doorward-plugin-missing")},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
}

func TestUnknownProvider(t *testing.T) {
	h := startHost(t, Config{PluginDir: pluginDir(t, "fake"), Providers: []Configured{configured("fake", "a")}})
	if _, err := h.Mechanism(t.Context(), "b"); !errors.Is(err, sso.ErrUnknownProvider) {
		t.Errorf("mechanism: %v", err)
	}
	if err := h.Available("b"); !errors.Is(err, sso.ErrUnknownProvider) {
		t.Errorf("available: %v", err)
	}
	if _, ok := h.Provider("b"); ok {
		t.Error("an unknown provider is found")
	}
}

func TestRefusedOptionsComeBackInTheOperatorsSpelling(t *testing.T) {
	refused := configured("fake", "b", "number", "many", "client_secret", "canary", "nubmer", "1")
	delete(refused.Options, "tenant")
	bare := configured("fake", "d", "number", "x")
	bare.Spelling = nil
	config, _, _ := newHost(Config{
		PluginDir: pluginDir(t, "fake", "other"),
		Providers: []Configured{configured("other", "a", "no_such", "1"), refused, configured("fake", "c"), bare},
	})
	p, err := Start(t.Context(), config)
	if err == nil {
		p.Stop()
		t.Fatal("wrong options are accepted")
	}
	lines := strings.Split(err.Error(), "\n")
	var got []string
	for _, line := range lines[1:] {
		name, _, _ := strings.Cut(strings.TrimSpace(line), ": ")
		got = append(got, name)
	}
	want := []string{"AUTH_A_NO_SUCH", "AUTH_B_NUMBER", "AUTH_B_TENANT", "AUTH_B_NUBMER", `provider "d", option number`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("names in the error (-want +got):\n%s\n%v", diff, err)
	}
	if strings.Contains(err.Error(), "canary") {
		t.Errorf("the error shows a secret: %v", err)
	}
}

// A provider that cannot be opened for another reason than its options is no
// error of the configuration: it is opened by a later login.
func TestProviderThatCannotBeOpened(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ready")
	limits := testLimits()
	limits.open = time.Second
	h := startHost(t, Config{
		PluginDir: pluginDir(t, "fake"), limits: limits,
		Providers: []Configured{
			configured("fake", "good"), configured("fake", "panics", "at_open", "panic"),
			configured("fake", "hangs", "at_open", "hang"), configured("fake", "waits", "at_open", "wait", "file", file),
		},
	})
	pid := h.mustBegin(t, "good")
	for _, name := range []string{"panics", "hangs", "waits"} {
		if err := h.Available(name); !errors.Is(err, sdk.ErrUnavailable) {
			t.Errorf("%s is available: %v", name, err)
		}
		if _, err := h.begin(t, name, ""); !errors.Is(err, sdk.ErrUnavailable) {
			t.Errorf("beginning through %s: %v", name, err)
		}
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := h.begin(t, "waits", ""); !errors.Is(err, sdk.ErrUnavailable) {
		t.Errorf("it is opened again before the pause is over: %v", err)
	}
	h.clock.advance(limits.pause)
	if got := h.mustBegin(t, "waits"); got != pid {
		t.Errorf("opened in process %d, want %d", got, pid)
	}
	if got := h.mustBegin(t, "good"); got != pid {
		t.Errorf("the others moved to process %d, want %d", got, pid)
	}
	if err := h.Available("panics"); !errors.Is(err, sdk.ErrUnavailable) {
		t.Errorf("what still fails is available: %v", err)
	}
}

func TestPluginThatDiesWhenItOpensOneProvider(t *testing.T) {
	h := startHost(t, Config{
		PluginDir: pluginDir(t, "fake", "other"),
		Providers: []Configured{configured("fake", "dies", "at_open", "die"), configured("other", "b")},
	})
	h.mustBegin(t, "b")
	if _, err := h.begin(t, "dies", ""); !errors.Is(err, sdk.ErrUnavailable) {
		t.Errorf("beginning: %v", err)
	}
}

func TestAvailableNeverBlocks(t *testing.T) {
	dir := pluginDir(t, "slow")
	config, _, _ := newHost(Config{PluginDir: dir, Providers: []Configured{configured("slow", "a")}})
	runtimeDir, err := makeRuntimeDir()
	if err != nil {
		t.Fatal(err)
	}
	p := newProviders(t.Context(), config, runtimeDir)
	t.Cleanup(p.Stop)
	started := make(chan error, 1)
	go func() { started <- p.startAll(t.Context()) }()
	awaitFile(t, filepath.Join(dir, "starts"))
	if err := p.Available("a"); !errors.Is(err, sdk.ErrUnavailable) {
		t.Errorf("available while the plugin starts: %v", err)
	}
	if got := p.Status()[0]; got.Err == nil || got.Version != "" {
		t.Errorf("status while the plugin starts: %+v", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Mechanism(ctx, "a"); !errors.Is(err, sdk.ErrUnavailable) {
		t.Errorf("a login that gives up: %v", err)
	}
	select {
	case err := <-started:
		t.Fatalf("the start is over too early, nothing is shown: %v", err)
	default:
	}
	touch(t, filepath.Join(dir, "go"))
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	if err := p.Available("a"); err != nil {
		t.Errorf("available after the start: %v", err)
	}
}

func TestStartUnderACancelledContext(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	dir := pluginDir(t, "fake", "deaf")
	config, _, _ := newHost(Config{PluginDir: dir, Providers: []Configured{configured("fake", "a"), configured("deaf", "b")}})
	config.limits.describe = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := Start(ctx, config)
		done <- err
	}()
	eventually(t, "the socket", func() bool {
		found, _ := filepath.Glob(filepath.Join(temporary, "doorward-*", "*", "deaf"))
		return len(found) > 0
	})
	cancel()
	mustTakeLess(t, soon, "giving up", func() {
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("starting: %v", err)
		}
	})
	if _, err := Start(ctx, config); !errors.Is(err, context.Canceled) {
		t.Errorf("starting once more: %v", err)
	}
	assertNoProcessOf(t, binaryPath(dir, "deaf"))
	assertNoProcessOf(t, binaryPath(dir, "fake"))
	if left, _ := os.ReadDir(temporary); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestRuntimeFolderWithALongPath(t *testing.T) {
	long := filepath.Join(t.TempDir(), strings.Repeat("x", 100))
	if err := os.Mkdir(long, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", long)
	config, _, _ := newHost(Config{PluginDir: t.TempDir()})
	if _, err := Start(t.Context(), config); err == nil || !strings.Contains(err.Error(), "set TMPDIR to a shorter one") {
		t.Errorf("starting: %v", err)
	}
	if left, _ := os.ReadDir(long); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
