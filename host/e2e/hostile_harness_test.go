package e2e

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// hostileDir is where hostilePlugin builds. TestMain makes and removes it.
var hostileDir string

func TestMain(m *testing.M) {
	if os.Getenv(floodVariable) != "" {
		serveFlood(os.Stdin, os.Stdout)
		return
	}
	syscall.Umask(0o022) // a plugin that others may write is refused
	var err error
	if hostileDir, err = os.MkdirTemp("", "dw-hostile"); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(hostileDir)
	if err := stopShared(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// hostilePlugin builds, once for all tests, the plugin that behaves as badly as it
// is told.
var hostilePlugin = sync.OnceValues(func() (string, error) {
	path := filepath.Join(hostileDir, "plugin")
	build := exec.Command("go", "build", "-buildvcs=false", "-o", path, "github.com/doorward/doorward/host/internal/provider/testdata/plugin")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the hostile plugin: %w\n%s", err, out)
	}
	return path, nil
})

// hostileAs gives the hostile plugin the name that makes it a mechanism, and
// further bytes, which make it another build.
func hostileAs(t *testing.T, mechanism, more string) string {
	t.Helper()
	built, err := hostilePlugin()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "doorward-plugin-"+mechanism)
	if err := copyProgram(built, path); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(more); err != nil {
		t.Fatal(err)
	}
	return path
}

// lockAsIs writes the digests of all plugins into the lock file, also of those
// that cannot be added because they do not start.
func (h *testHost) lockAsIs(t *testing.T) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(h.pluginDir(), "doorward-plugin-*"))
	if err != nil {
		t.Fatal(err)
	}
	var list []map[string]string
	for _, path := range files {
		name := filepath.Base(path)
		list = append(list, map[string]string{
			"mechanism": strings.TrimPrefix(name, "doorward-plugin-"), "file": name, "version": "1.2.3", "sha256": digestOf(t, path),
		})
	}
	text, err := json.Marshal(map[string]any{"plugins": list})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(h.pluginDir(), "plugins.lock"), text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func digestOf(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", sha256.Sum256(data))
}

// hostileHost is a host with one provider, "evil", of the hostile plugin, in addition to
// the honest provider.
type hostileHost struct {
	*reloadable
	logged int // how much of the log was there before the misbehaviour
	asked  int // logins so far
}

// elsewhere returns the address of a client that has not been here yet: of one client
// not every line is for the operator.
func (h *hostileHost) elsewhere() string {
	h.asked++
	return fmt.Sprintf("192.0.2.%d", h.asked)
}

func startHostile(t *testing.T, mechanism string) *hostileHost {
	t.Helper()
	return &hostileHost{reloadable: startReloadable(t, HostConfig{Env: map[string]string{"IP_TRUST_PROXY": "loopback"}}, hostileAs(t, mechanism, ""))}
}

// addEvil adds the provider to the running host, and returns what `doorward
// reload` says of that.
func (h *hostileHost) addEvil(t *testing.T, mechanism string) (string, int) {
	t.Helper()
	h.lockAsIs(t)
	h.providers["evil"] = map[string]any{"driver": mechanism, "allow_public_registration": true}
	if mechanism != "raw" && !strings.HasPrefix(mechanism, "streams-") {
		h.providers["evil"]["tenant"] = "t"
	}
	h.write(t)
	h.logged = len(h.Logs())
	return h.run(t, "reload")
}

// evilLogin signs in through the hostile plugin: the hint tells it what to do.
func (h *hostileHost) evilLogin(t *testing.T, hint string) answer {
	t.Helper()
	person := newAgent(t, h.testHost, "mallory")
	person.from, person.accept = h.elsewhere(), "application/json"
	got := person.get(h.URL + "/auth/login/evil?mode=json&" + url.Values{"login_hint": {hint}}.Encode())
	if target := got.location(); target != nil {
		// The plugin logged something and went on: now it says no.
		got = person.get(h.URL + "/auth/login/evil/callback?state=" + url.QueryEscape(target.Query().Get("state")))
	}
	person.signedOut()
	return got
}

// evilAnswer signs in with a form, whose answer tells the plugin what to do.
func (h *hostileHost) evilAnswer(t *testing.T, person *agent, provider, do string) answer {
	t.Helper()
	page := person.get(h.URL + "/auth/login/" + provider + "?mode=json&login_hint=ask")
	forms, err := readForms(page.body)
	if err != nil || len(forms) == 0 || !slices.Contains(forms[0].asks, "do") {
		t.Fatalf("the form of the login: %v %d %s", err, page.status, page.body)
	}
	values := forms[0].hidden
	values.Set("do", do)
	person.accept = "application/json"
	return person.post(page.url, forms[0].action, values)
}

// complaint is a line of the log of level warn or error, in words of the host: what
// a plugin itself writes has the name of the plugin as its module.
type complaint struct {
	Level    string `json:"@level"`
	Module   string `json:"@module"`
	Message  string `json:"@message"`
	Plugin   string `json:"plugin"`
	Provider string `json:"provider"`
	State    string `json:"state"`
	Error    string `json:"error"`
	What     string `json:"what"`
}

// complaints are those since the misbehaviour began.
func (h *hostileHost) complaints(t *testing.T) []complaint {
	t.Helper()
	var list []complaint
	for line := range strings.Lines(h.Logs()[h.logged:]) {
		var c complaint
		if !strings.HasSuffix(line, "\n") {
			break // half written
		}
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			t.Fatalf("a line of the log that is not JSON: %q", line)
		}
		ours := c.Module == "doorward" || strings.Contains(c.Message, lineDropped)
		if ours && (c.Level == "warn" || c.Level == "error") {
			list = append(list, c)
		}
	}
	return list
}

// wantComplaints checks that the operator got these lines and no more, each with
// the message, the name of the plugin or the provider, and the cause.
func (h *hostileHost) wantComplaints(t *testing.T, want ...[2]string) {
	t.Helper()
	eventually(t, "lines for the operator", func() bool { return len(h.complaints(t)) >= len(want) })
	got := h.complaints(t)
	if len(got) != len(want) {
		t.Errorf("%d lines for the operator, want %d", len(got), len(want))
	}
	for _, w := range want {
		if !slices.ContainsFunc(got, func(c complaint) bool {
			named := c.Plugin != "" || c.Provider == "evil" || strings.HasPrefix(c.What, "plugin ") || strings.HasPrefix(c.Module, "doorward.")
			return named && strings.Contains(c.Message, w[0]) && strings.Contains(c.Error+c.What, w[1])
		}) {
			t.Errorf("no line for the operator that says %q because of %q", w[0], w[1])
		}
	}
	if t.Failed() {
		for _, c := range got[:min(len(got), 10)] {
			t.Logf("%+v", c)
		}
	}
}

// wantNothingGained checks that a hostile login was refused.
func wantNothingGained(t *testing.T, got answer, status int, code string) {
	t.Helper()
	wantRefused(t, "the hostile login", got, status, code)
	if strings.Contains(got.body, "_token\"") {
		t.Errorf("tokens in the answer: %s", got.body)
	}
	for _, cookie := range (&http.Response{Header: got.header}).Cookies() {
		if cookie.Value != "" && (cookie.Name == sessionCookie || cookie.Name == refreshCookie) {
			t.Errorf("the answer sets the cookie %s", cookie.Name)
		}
	}
}
