package provider

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
	doorwardv1 "github.com/doorward/doorward/sdk/proto/doorward/v1"
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

func pidOf(step sdk.Step, err error) int {
	if err != nil {
		return 0
	}
	pid, _ := strconv.Atoi(string(step.(sdk.Redirect).Memory))
	return pid
}

// orphan reports whether the process has ended and is left to init to reap,
// which not every container has.
func orphan(pid int) bool {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, after, _ := bytes.Cut(data, []byte(") "))
	fields := strings.Fields(string(after))
	return fields[0] == "Z" && fields[1] != strconv.Itoa(os.Getpid())
}

func killChild(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Errorf("killing the child: %v", err)
	}
}

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

func TestK07PluginSeesNoSecretOfTheHost(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("reads /proc")
	}
	t.Setenv("SECRET", "canary-of-the-host")
	t.Setenv("AUTH_A_CLIENT_SECRET", "canary-of-a-provider")
	h := startHost(t, Config{PluginDir: pluginDir(t, "fake"), Providers: []Configured{configured("fake", "a", "client_secret", "canary-in-an-option")}})
	pid := h.mustBegin(t, "a")
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	if err != nil {
		t.Fatal(err)
	}
	if len(data) == 0 || bytes.Contains(data, []byte("canary")) {
		t.Errorf("environment: %q", data)
	}
	for _, variable := range strings.Split(strings.TrimRight(string(data), "\x00"), "\x00") {
		name, _, _ := strings.Cut(variable, "=")
		if !strings.HasPrefix(name, "PLUGIN_") && name != "DOORWARD_PLUGIN" {
			t.Errorf("variable %s", name)
		}
	}
	cmdline, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil || bytes.Contains(cmdline, []byte("canary")) {
		t.Errorf("command line: %q, %v", cmdline, err)
	}
}

func TestK06NobodyElseMayCallAPlugin(t *testing.T) {
	h := startHost(t, Config{PluginDir: pluginDir(t, "fake"), Providers: []Configured{configured("fake", "a")}})
	if info, err := os.Stat(h.runtimeDir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("folder of sockets: %v, %v", info.Mode(), err)
	}
	sockets, _ := filepath.Glob(filepath.Join(h.runtimeDir, "*", "*"))
	if len(sockets) != 1 {
		t.Fatalf("sockets: %v", sockets)
	}
	for name, transport := range map[string]credentials.TransportCredentials{
		"in the clear":                   insecure.NewCredentials(),
		"with TLS without a certificate": credentials.NewTLS(&tls.Config{InsecureSkipVerify: true}),
	} {
		conn, err := grpc.NewClient("unix:"+sockets[0], grpc.WithTransportCredentials(transport))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		if _, err := doorwardv1.NewPluginServiceClient(conn).Describe(ctx, &doorwardv1.DescribeRequest{}); err == nil {
			t.Errorf("a call %s is answered", name)
		}
		cancel()
		conn.Close()
	}
	h.mustBegin(t, "a")
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

func TestCallsThatGoWrong(t *testing.T) {
	h := startHost(t, Config{PluginDir: pluginDir(t, "fake"), Providers: []Configured{configured("fake", "a")}})
	pid := h.mustBegin(t, "a")
	for _, tc := range []struct {
		name, hint string
		limit      time.Duration
		want       error
	}{
		{"K01 panic in the handler", "panic", patience, sso.ErrPluginFault},
		{"K08 an answer larger than allowed", "huge", patience, sso.ErrPluginFault},
		{"K02 hangs until the deadline", "hang", 100 * time.Millisecond, sdk.ErrUnavailable},
		{"K02 hangs for good", "hang for good", 100 * time.Millisecond, sdk.ErrUnavailable},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), tc.limit)
			defer cancel()
			m, err := h.Mechanism(ctx, "a")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := m.Begin(ctx, sdk.BeginRequest{State: "s", LoginHint: tc.hint}); !errors.Is(err, tc.want) {
				t.Errorf("beginning: %v, want %v", err, tc.want)
			}
			if got := h.mustBegin(t, "a"); got != pid {
				t.Errorf("process %d answers, want %d", got, pid)
			}
		})
	}
	m, err := h.Mechanism(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	_, err = m.Continue(t.Context(), sdk.ContinueRequest{State: "s"})
	if !errors.Is(err, sdk.ErrDenied) || sdk.ReasonOf(err) != sdk.ReasonNotAllowed {
		t.Errorf("a refusal keeps neither kind nor reason: %v", err)
	}
}

func TestK08MessageToThePluginThatIsTooLarge(t *testing.T) {
	h := startHost(t, Config{PluginDir: pluginDir(t, "fake"), Providers: []Configured{configured("fake", "a")}})
	m, err := h.Mechanism(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	_, err = m.Continue(t.Context(), sdk.ContinueRequest{State: "s", Memory: make([]byte, 64<<20)})
	if !errors.Is(err, sdk.ErrInvalidResponse) {
		t.Errorf("continuing with 64 MiB: %v", err)
	}
	h.mustBegin(t, "a")
}

func TestHostileLogs(t *testing.T) {
	h := startHost(t, Config{PluginDir: pluginDir(t, "fake", "other"), Providers: []Configured{configured("fake", "a"), configured("other", "b")}})
	pid := h.mustBegin(t, "a")
	for _, kind := range []string{"bad lines", "long line", "control", "flood"} {
		if got, err := h.begin(t, "a", kind); err != nil || got != pid {
			t.Fatalf("%s: process %d, %v", kind, got, err)
		}
		h.mustBegin(t, "b")
		if kind != "flood" {
			h.logs.await(t, "log written")
		}
	}
	all := h.logs.String()
	if n := strings.Count(all, `"flood `); n > 2*maxLines {
		t.Errorf("%d lines of the flood are in the log", n)
	}
	for _, bad := range []string{"\\u001b", "\\n", "\\r", "\x1b", "\u202e", strings.Repeat("x", maxLine+1)} {
		if strings.Contains(all, bad) {
			t.Errorf("the log holds %.20q", bad)
		}
	}
}
