package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/doorward/doorward/plugins/openid/openidtest"
)

// reloadable is a host whose providers are in a YAML file. One of them is
// "fake", an openidtest.Provider in this process.
type reloadable struct {
	*testHost
	fake *openidtest.Provider

	file      string
	providers map[string]map[string]any
}

// startReloadable runs a host with the provider "fake" and with plugins in addition to
// those of `make build`, which are not locked yet. The log is in JSON.
func startReloadable(t *testing.T, config HostConfig, plugins ...string) *reloadable {
	t.Helper()
	r := newReloadable(t, &config, plugins...)
	r.testHost = startHost(t, config)
	return r
}

// newReloadable writes the files and completes the configuration of the host.
func newReloadable(t *testing.T, config *HostConfig, plugins ...string) *reloadable {
	t.Helper()
	config.Port = freePort(t)
	client := openidtest.Client{
		ID: "doorward", Secret: newClientSecret(), RedirectURIs: []string{localURL("localhost", config.Port) + "/auth/login/fake/callback"},
	}
	r := &reloadable{fake: openidtest.Start(t, openidtest.Config{AutoApprove: true, Clients: []openidtest.Client{client}})}
	r.file = filepath.Join(t.TempDir(), "doorward.yaml")
	r.providers = map[string]map[string]any{"fake": {
		"driver": "openid", "issuer_url": r.fake.Issuer(), "client_id": client.ID, "client_secret": client.Secret,
		"allow_public_registration": true,
	}}
	r.write(t)
	ours, err := filepath.Glob(filepath.Join(repository(t), "bin", "plugins", "*"))
	if err != nil {
		t.Fatal(err)
	}
	config.Plugins = append(ours, plugins...)
	env := map[string]string{"CONFIG_PATH": r.file, "LOG_STYLE": "json"}
	maps.Copy(env, config.Env)
	config.Env = env
	return r
}

// write writes the providers to the file.
func (r *reloadable) write(t *testing.T) {
	t.Helper()
	text, err := json.Marshal(map[string]any{"providers": r.providers}) // JSON is YAML, too
	if err != nil {
		t.Fatal(err)
	}
	r.writeText(t, string(text))
}

func (r *reloadable) writeText(t *testing.T, text string) {
	t.Helper()
	if err := os.WriteFile(r.file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// run runs `doorward` with these arguments while the host runs, and returns its output
// and its exit status.
func (h *testHost) run(t *testing.T, args ...string) (string, int) {
	t.Helper()
	return runCommand(t, h.Command(args...))
}

func runCommand(t *testing.T, cmd *exec.Cmd) (string, int) {
	t.Helper()
	out, err := cmd.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return string(out), exit.ExitCode()
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(out), 0
}

// mustRun is run for commands that must succeed.
func (h *testHost) mustRun(t *testing.T, args ...string) string {
	t.Helper()
	out, code := h.run(t, args...)
	if code != 0 {
		t.Fatalf("doorward %s: exit status %d\n%s", strings.Join(args, " "), code, out)
	}
	return out
}

// standing is the status of a plugin, as `doorward plugins --json` prints it.
type standing struct {
	Name      string   `json:"name"`
	State     string   `json:"state"`
	Version   string   `json:"version"`
	SHA256    string   `json:"sha256"`
	PID       int      `json:"pid"`
	Restarts  int      `json:"restarts"`
	Swaps     int      `json:"swaps"`
	LastError string   `json:"last_error"`
	LastLines []string `json:"last_lines"`
	Providers []struct {
		Name  string `json:"name"`
		Error string `json:"error"`
	} `json:"providers"`
}

// plugin is the status of one plugin; the zero value if no plugin has that name.
func (h *testHost) plugin(t *testing.T, name string) standing {
	t.Helper()
	var all []standing
	if err := json.Unmarshal([]byte(h.mustRun(t, "plugins", "--json")), &all); err != nil {
		t.Fatal(err)
	}
	if i := slices.IndexFunc(all, func(s standing) bool { return s.Name == name }); i >= 0 {
		return all[i]
	}
	return standing{}
}

// awaitReady waits until the plugin runs, in another process than before.
func (h *testHost) awaitReady(t *testing.T, name string, before int) standing {
	t.Helper()
	var got standing
	eventually(t, "plugin "+name+" to run", func() bool {
		got = h.plugin(t, name)
		return got.State == "ready" && got.PID != before
	})
	return got
}

// crowd is people who sign in through "fake", one login after the other.
type crowd struct {
	t      *testing.T
	host   *testHost
	logins atomic.Int64
	group  sync.WaitGroup
	leave  chan struct{}
}

// signingIn has people sign in until the returned crowd disperses.
func (h *testHost) signingIn(t *testing.T, people int) *crowd {
	c := &crowd{t: t, host: h, leave: make(chan struct{})}
	for range people {
		c.group.Go(c.keepSigningIn)
	}
	c.awaitMore(people)
	return c
}

func (c *crowd) keepSigningIn() {
	for {
		select {
		case <-c.leave:
			return
		default:
		}
		if err := wholeLogin(c.t.Context(), c.host.URL, "fake"); err != nil {
			c.t.Errorf("signing in through another provider: %v", err)
			return
		}
		c.logins.Add(1)
	}
}

// awaitMore waits for this number of further logins to end.
func (c *crowd) awaitMore(logins int) {
	c.t.Helper()
	want := c.logins.Load() + int64(logins)
	eventually(c.t, "logins through another provider", func() bool { return c.t.Failed() || c.logins.Load() >= want })
}

// disperse waits for logins that began after now, and then for the last one.
func (c *crowd) disperse() {
	c.t.Helper()
	c.awaitMore(8)
	close(c.leave)
	c.group.Wait()
}

// loginBound is how long a whole login may take, with any other load of the test.
const loginBound = 10 * time.Second

var errNotSignedIn = errors.New("not signed in")

// wholeLogin signs somebody in with their own browser.
func wholeLogin(ctx context.Context, host, provider string) error {
	ctx, cancel := context.WithTimeout(ctx, loginBound)
	defer cancel()
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet,
		host+"/auth/login/"+provider+"?mode=session&redirect=/users/me&login_hint=alice", nil)
	if err != nil {
		return err
	}
	resp, err := (&http.Client{Jar: jar}).Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || !strings.Contains(string(body), `"provider":"`+provider+`"`) {
		return fmt.Errorf("%s: %s: %w", resp.Status, body, errors.Join(err, errNotSignedIn))
	}
	return nil
}

func decode(t *testing.T, text string, to any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), to); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
}
