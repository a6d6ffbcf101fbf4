package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/doorward/doorward/plugins/openid/openidtest"
)

// firstVersion is the commit with the first version of the contract, before host and plugin
// told each other their features. Its binaries are built from the history of the
// repository.
const firstVersion = "fe62c3a3291ad5ddd423a9d2942f38c02a508f4a"

// firstVersionBuilt builds the host and the openid plugin of the first version, once for
// all tests, and returns their folder.
var firstVersionBuilt = sync.OnceValues(func() (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(hostileDir, "first")
	script := `set -eu
mkdir -p "$1/source" "$1/bin"
git archive "$2" | tar -x -C "$1/source"
cd "$1/source"
CGO_ENABLED=0 go build -buildvcs=false -o "$1/bin/doorward" ./host/cmd/doorward
CGO_ENABLED=0 go build -buildvcs=false -o "$1/bin/doorward-plugin-openid" ./plugins/openid`
	build := exec.Command("bash", "-c", script, "bash", dir, firstVersion)
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return "", &buildError{string(out), err}
	}
	return filepath.Join(dir, "bin"), nil
})

type buildError struct {
	out string
	err error
}

func (e *buildError) Error() string { return e.err.Error() + "\n" + e.out }

// needFirstVersion returns the folder with the binaries of the first version.
func needFirstVersion(t *testing.T) string {
	t.Helper()
	have := exec.CommandContext(t.Context(), "git", "cat-file", "-e", firstVersion+"^{commit}")
	have.Dir = repository(t)
	if err := have.Run(); err != nil {
		missing(t, "history: the commit "+firstVersion+" is not in this clone, run git fetch --unshallow")
	}
	dir, err := firstVersionBuilt()
	if err != nil {
		t.Fatalf("building the first version: %v", err)
	}
	return dir
}

// added adds plugins to a folder with the host's own program, and returns their files.
func added(t *testing.T, host string, plugins ...string) []string {
	t.Helper()
	dir := t.TempDir()
	out, err := exec.CommandContext(t.Context(), host, append([]string{"plugin", "add", "--dir", dir}, plugins...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("plugin add: %v\n%s", err, out)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestOldAndNewVersionsSignIn(t *testing.T) {
	first, now := needFirstVersion(t), filepath.Join(repository(t), "bin")
	for name, test := range map[string]struct{ host, plugin string }{
		"an old plugin on a new host": {filepath.Join(now, "doorward"), filepath.Join(first, "doorward-plugin-openid")},
		"a new plugin on an old host": {filepath.Join(first, "doorward"), filepath.Join(now, "plugins", "doorward-plugin-openid")},
	} {
		t.Run(name, func(t *testing.T) {
			port := freePort(t)
			client := openidtest.Client{ID: "doorward", Secret: newClientSecret(), RedirectURIs: []string{localURL("localhost", port) + "/auth/login/fake/callback"}}
			fake := openidtest.Start(t, openidtest.Config{Clients: []openidtest.Client{client}})
			env := map[string]string{"AUTH_PROVIDERS": "fake"}
			provider(env, "FAKE", map[string]string{
				"DRIVER": "openid", "ISSUER_URL": fake.Issuer(), "CLIENT_ID": client.ID, "CLIENT_SECRET": client.Secret,
				"ALLOW_PUBLIC_REGISTRATION": "true",
			})
			h := startHost(t, HostConfig{Binary: test.host, Plugins: added(t, test.host, test.plugin), Port: port, Env: env})
			h.secrets.add("client secret", client.Secret)
			alice := newAgent(t, h, "alice")
			alice.hint = "alice"
			got := alice.signIn(h.URL + "/auth/login/fake?mode=json")
			wantStatus(t, "signing in", got, 200)
			refreshed := alice.call("POST", "/auth/refresh", map[string]any{"refresh_token": got.json(t).Data.RefreshToken}, nil)
			wantStatus(t, "refreshing", refreshed, 200)
		})
	}
}

// A plugin that requires a feature that the host lacks never reaches a login: "plugin add"
// refuses it, and so does the start. An old host does not know of features; there the
// plugin itself refuses.
func TestPluginThatRequiresMoreThanTheHostHas(t *testing.T) {
	demanding := hostileAs(t, "demanding", "")
	says := []string{"plugin demanding 1.2.3 requires (step/poll", "update doorward, or use an older version of the plugin"}
	for name, host := range map[string]string{
		"a new host": filepath.Join(repository(t), "bin", "doorward"),
		"an old one": filepath.Join(needFirstVersion(t), "doorward"),
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			out, err := exec.CommandContext(t.Context(), host, "plugin", "add", "--dir", dir, demanding).CombinedOutput()
			if err == nil {
				t.Errorf("plugin add: accepted\n%s", out)
			}
			env := map[string]string{"AUTH_PROVIDERS": "evil", "AUTH_EVIL_DRIVER": "demanding", "AUTH_EVIL_TENANT": "t"}
			h := startHost(t, HostConfig{Binary: host, Plugins: []string{demanding}, Flags: []string{"--dev"}, Env: env})
			eventually(t, "the refusal at the start", func() bool { return strings.Contains(h.Logs(), says[0]) })
			for _, text := range says {
				if !strings.Contains(string(out), text) || !strings.Contains(h.Logs(), text) {
					t.Errorf("%q is not said by plugin add, or not in the log: %s", text, out)
				}
			}
			if files, _ := os.ReadDir(dir); len(files) > 0 {
				t.Errorf("plugin add leaves %v", files)
			}
		})
	}
}
