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
		Binaries:  binaries(t, "fake", "other"),
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

func TestPlugins(t *testing.T) {
	b := binaries(t, "fake")
	h := startHost(t, Config{Binaries: b, Providers: []Configured{
		configured("fake", "a"), configured("missing", "b"), configured("fake", "c", "number", "x"),
	}})
	got := h.Plugins()
	if len(got) != 2 {
		t.Fatalf("plugins: %+v", got)
	}
	fake, missing := got[0], got[1]
	if fake.State != StateReady || fake.Version != "1.2.3" || fake.File != filepath.Join(b.Dir, "doorward-plugin-fake") ||
		len(fake.SHA256) != 64 || fake.PID != h.mustBegin(t, "a") || fake.LastError != "" {
		t.Errorf("the one that runs: %+v", fake)
	}
	if len(fake.Providers) != 2 || fake.Providers[0].Name != "a" || fake.Providers[0].Error != "" || !strings.Contains(fake.Providers[1].Error, "number") {
		t.Errorf("its providers: %+v", fake.Providers)
	}
	if missing.State != StateRejected || !strings.Contains(missing.LastError, filepath.Join(b.Dir, "doorward-plugin-missing")) ||
		missing.Version != "" || missing.ErrorAt.IsZero() || missing.NextTry.IsZero() {
		t.Errorf("the one without a file: %+v", missing)
	}
	if err := h.Available("b"); !errors.Is(err, ErrNoPlugin) || !errors.Is(err, sdk.ErrUnavailable) {
		t.Errorf("its provider: %v", err)
	}
}

// The operator's word counts; without one, the plugin's, also while it is down.
func TestRegistrationByDefault(t *testing.T) {
	unset := func(c Configured) Configured { c.RegistrationUnset = true; return c }
	closed := configured("directory", "closed")
	open := configured("fake", "open")
	open.AllowPublicRegistration = true
	h := startHost(t, Config{Binaries: binaries(t, "fake", "directory"), Providers: []Configured{
		unset(configured("directory", "people")), closed, unset(configured("fake", "web")), open,
	}})
	want := map[string]bool{"people": true, "closed": false, "web": false, "open": true}
	check := func(when string) {
		for _, p := range h.List() {
			one, _ := h.Provider(p.Name)
			if p.AllowPublicRegistration != want[p.Name] || one.AllowPublicRegistration != want[p.Name] {
				t.Errorf("%s, provider %s: registration %v, want %v", when, p.Name, p.AllowPublicRegistration, want[p.Name])
			}
		}
	}
	check("while they run")
	if p, _ := h.Provider("closed"); p.Spelled.AllowPublicRegistration != "AUTH_CLOSED_ALLOW_PUBLIC_REGISTRATION" ||
		p.Spelled.RequireVerifiedEmail != "AUTH_CLOSED_REQUIRE_VERIFIED_EMAIL" {
		t.Errorf("options in the operator's words: %+v", p.Spelled)
	}
	for _, s := range h.supervisors {
		if err := s.do(t.Context(), func() { s.running.Kill() }); err != nil {
			t.Fatal(err)
		}
	}
	check("after they died")
}

// The operator's word counts; without one, roles go by the names of groups where the
// plugin names an option that is given, also while it is down.
func TestRolesByGroupNameByDefault(t *testing.T) {
	unset := func(c Configured, options map[string]any) Configured {
		c.RolesByGroupNameUnset, c.Options = true, options
		return c
	}
	groups := map[string]any{"groups_in": "ou=groups"}
	on := configured("fake", "on")
	on.RolesByGroupName = true
	off := configured("directory", "off")
	off.Options = groups
	h := startHost(t, Config{Binaries: binaries(t, "fake", "directory"), Providers: []Configured{
		unset(configured("directory", "people"), groups), unset(configured("directory", "empty"), map[string]any{"groups_in": ""}),
		unset(configured("directory", "without"), map[string]any{}), unset(configured("fake", "web"), map[string]any{}), on, off,
	}})
	want := map[string]bool{"people": true, "empty": false, "without": false, "web": false, "on": true, "off": false}
	check := func(when string) {
		t.Helper()
		for _, p := range h.List() {
			if p.RolesByGroupName != want[p.Name] || p.Spelled.RolesByGroupName == "" {
				t.Errorf("%s, provider %s: by the names of groups %v, spelled %q, want %v", when, p.Name, p.RolesByGroupName, p.Spelled.RolesByGroupName, want[p.Name])
			}
		}
	}
	check("while they run")
	for _, s := range h.supervisors {
		if err := s.do(t.Context(), func() { s.running.Kill() }); err != nil {
			t.Fatal(err)
		}
	}
	check("after they died")
}

// A response is refused for its size by what the plugin said, also while it is
// down; of one that was never up, nobody knows.
func TestInboundLimit(t *testing.T) {
	h := startHost(t, Config{Binaries: binaries(t, "fake", "directory"), Providers: []Configured{
		configured("directory", "large"), configured("fake", "default"), configured("missing", "unknown"),
	}})
	want := map[string]int64{"large": 100_000, "default": sdk.DefaultInbound, "unknown": sdk.MaxInbound}
	check := func(when string) {
		for _, p := range h.List() {
			if p.InboundLimit() != want[p.Name] {
				t.Errorf("%s, provider %s: %d bytes, want %d", when, p.Name, p.InboundLimit(), want[p.Name])
			}
		}
	}
	check("while they run")
	for _, name := range []string{"fake", "directory"} {
		s := h.supervisors[name]
		if err := s.do(t.Context(), func() { s.running.Kill() }); err != nil {
			t.Fatal(err)
		}
	}
	check("after they died")
}

func TestUnknownProvider(t *testing.T) {
	h := startHost(t, Config{Binaries: binaries(t, "fake"), Providers: []Configured{configured("fake", "a")}})
	if _, err := h.mechanism(t.Context(), "b"); !errors.Is(err, sso.ErrUnknownProvider) {
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
	config, _ := newHost(Config{
		Binaries:  binaries(t, "fake", "other"),
		Providers: []Configured{configured("other", "a", "no_such", "1"), refused, bare},
	})
	p, err := Start(t.Context(), config)
	if !errors.Is(err, ErrNoneUsable) {
		p.Stop()
		t.Fatalf("every provider is misconfigured: %v", err)
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
	if meant := "AUTH_A_NO_SUCH: there is no such option; did you mean AUTH_A_NEAR?"; !strings.Contains(err.Error(), meant) {
		t.Errorf("want %q in\n%v", meant, err)
	}
	if strings.Contains(err.Error(), "canary") {
		t.Errorf("the error shows a secret: %v", err)
	}
}

// One provider with bad options does not keep the others from signing people in.
func TestOneMisconfiguredProvider(t *testing.T) {
	h := startHost(t, Config{Binaries: binaries(t, "fake"), Providers: []Configured{
		configured("fake", "good"), configured("fake", "bad", "number", "many"),
	}})
	h.mustBegin(t, "good")
	if _, err := h.begin(t, "bad", ""); !errors.Is(err, sdk.ErrMisconfigured) {
		t.Errorf("beginning: %v", err)
	}
	if all := h.logs.String(); !strings.Contains(all, "AUTH_BAD_NUMBER") || strings.Count(all, "provider cannot be opened") != 1 {
		t.Errorf("the log names the setting once:\n%s", all)
	}
}

// A provider that cannot be opened for another reason than its options is opened
// again, automatically.
func TestProviderThatCannotBeOpened(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ready")
	limits := testLimits()
	limits.open = 300 * time.Millisecond
	h := startHost(t, Config{
		Binaries: binaries(t, "fake"), limits: limits,
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
	eventually(t, "the provider to be opened", func() bool { return h.Available("waits") == nil })
	for _, name := range []string{"waits", "good"} {
		if got := h.mustBegin(t, name); got != pid {
			t.Errorf("%s is in process %d, want %d", name, got, pid)
		}
	}
	if err := h.Available("panics"); !errors.Is(err, sdk.ErrUnavailable) {
		t.Errorf("what still fails is available: %v", err)
	}
	if n := strings.Count(h.logs.String(), `"provider":"waits","timestamp`) + strings.Count(h.logs.String(), "the file is not there yet"); n > 50 {
		t.Errorf("the log repeats itself %d times", n)
	}
}

func TestPluginThatDiesWhenItOpensOneProvider(t *testing.T) {
	h := startHost(t, Config{
		Binaries:  binaries(t, "fake", "other"),
		Providers: []Configured{configured("fake", "dies", "at_open", "die"), configured("other", "b")},
	})
	h.mustBegin(t, "b")
	if _, err := h.begin(t, "dies", ""); !errors.Is(err, sdk.ErrUnavailable) {
		t.Errorf("beginning: %v", err)
	}
}

func TestAvailableNeverBlocks(t *testing.T) {
	b := binaries(t, "slow")
	config, _ := newHost(Config{Binaries: b, Providers: []Configured{configured("slow", "a")}})
	p := newTestProviders(t, config)
	started := make(chan struct{})
	go func() { p.setUp(config.Providers); close(started) }()
	awaitFile(t, filepath.Join(b.Dir, "starts"))
	eventually(t, "the provider to be listed", func() bool { return len(p.List()) == 1 })
	if err := p.Available("a"); err != nil {
		t.Errorf("a plugin that is about to run: %v", err)
	}
	if got := p.Plugins()[0]; got.State != StateStarting || got.Version != "" {
		t.Errorf("while the plugin starts: %+v", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (host{Providers: p}).mechanism(ctx, "a"); !errors.Is(err, sdk.ErrUnavailable) || !errors.Is(err, context.Canceled) {
		t.Errorf("a login that gives up: %v", err)
	}
	select {
	case <-started:
		t.Fatal("the start is over too early, nothing is shown")
	default:
	}
	touch(t, filepath.Join(b.Dir, "go"))
	<-started
	if _, err := (host{Providers: p}).mechanism(t.Context(), "a"); err != nil {
		t.Errorf("after the start: %v", err)
	}
}

func newTestProviders(t *testing.T, config Config) *Providers {
	t.Helper()
	runtime, err := makeRuntimeDir()
	if err != nil {
		t.Fatal(err)
	}
	p := newProviders(t.Context(), config, runtime)
	t.Cleanup(p.Stop)
	return p
}

func TestCancelledStart(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	b := binaries(t, "fake", "deaf")
	config, logs := newHost(Config{Binaries: b, Providers: []Configured{configured("fake", "a"), configured("deaf", "b")}})
	t.Cleanup(func() { t.Log(logs.String()) })
	config.limits.process.Describe = time.Hour
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
	assertNoProcessOf(t, filepath.Join(b.Dir, FileName("deaf")))
	assertNoProcessOf(t, filepath.Join(b.Dir, FileName("fake")))
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
	config, _ := newHost(Config{})
	if _, err := Start(t.Context(), config); err == nil || !strings.Contains(err.Error(), "set TMPDIR to a shorter one") {
		t.Errorf("starting: %v", err)
	}
	if left, _ := os.ReadDir(long); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
