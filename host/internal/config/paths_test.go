package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/host/internal/config"
)

// apart is a setup with the YAML file in a separate folder.
func apart(t *testing.T, yaml string, environ ...string) setup {
	t.Helper()
	s := newSetup(t, append(environ, "CONFIG_PATH=etc/doorward.yaml")...)
	for _, dir := range []string{"etc", "etc/data", "bin"} {
		if err := os.Mkdir(filepath.Join(s.dir, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return s.file(t, "etc/doorward.yaml", yaml)
}

func TestPathsInTheYAMLFileCountFromItsFolder(t *testing.T) {
	s := apart(t, "secret: {file: s}\ndb_filename: data/d.db\nplugin_dir: p\nplugin_lock: {env: LOCK}\ncontrol_socket: c.sock\n"+
		"providers: {x: {driver: a, list: [{file: s}]}}", "SECRET=", "LOCK=l", "AUTH_X_TOKEN_FILE=k").
		file(t, "etc/s", goodSecret[7:]).file(t, "k", "key")
	c := s.mustLoad(t)
	got := []string{c.Secret.Reveal(), c.DBFilename, c.PluginDir, c.PluginLock, c.ControlSocket}
	etc := filepath.Join(s.dir, "etc")
	want := []string{goodSecret[7:], filepath.Join(etc, "data/d.db"), filepath.Join(etc, "p"), filepath.Join(s.dir, "l"), filepath.Join(etc, "c.sock")}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("paths (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]any{"token": "key", "list": []any{goodSecret[7:]}}, c.Providers[0].Options); diff != "" {
		t.Errorf("options (-want +got):\n%s", diff)
	}
	c = apart(t, "", "DB_FILENAME=e.db", "PLUGIN_DIR=bin").mustLoad(t)
	if filepath.Dir(c.DBFilename) != filepath.Dir(c.PluginDir) || filepath.Base(filepath.Dir(c.DBFilename)) == "etc" {
		t.Errorf("from the environment: %s, %s", c.DBFilename, c.PluginDir)
	}
}

// A database at the former base of paths must not be lost.
func TestPathsThatWereMeantFromTheWorkingDirectory(t *testing.T) {
	for yaml, option := range map[string]string{
		"db_filename: d.db":                       "db_filename (doorward.yaml:1)",
		"plugin_dir: bin":                         "plugin_dir (doorward.yaml:1)",
		"plugin_lock: d.db":                       "plugin_lock (doorward.yaml:1)",
		"public_url: {file: d.db}":                "public_url (doorward.yaml:1)",
		"providers: {x: {driver: {file: d.db} }}": "providers.x.driver (doorward.yaml:1)",
	} {
		s := apart(t, yaml).file(t, "d.db", "x")
		s.refused(t, option)
		_, err := s.load()
		for _, want := range []string{"relative paths in doorward.yaml start at its folder", "it exists in the working directory: write " + s.dir} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q is not in: %v", yaml, want, err)
			}
		}
	}
	apart(t, "db_filename: d.db").file(t, "d.db", "x").file(t, "etc/d.db", "y").mustLoad(t)
	apart(t, "db_filename: d.db").mustLoad(t)
}

func TestSocketPathNeedsNothingElse(t *testing.T) {
	s := apart(t, "control_socket: c.sock\ndb_filename: d.db\nno_such_setting: 1\nproviders: {x: {driver: {file: nowhere}}}")
	for name, tc := range map[string]struct {
		environ []string
		want    string
	}{
		"nothing at all":       {nil, "doorward.db.sock"},
		"the socket":           {[]string{"CONTROL_SOCKET=/run/d.sock"}, "/run/d.sock"},
		"a relative socket":    {[]string{"CONTROL_SOCKET=d.sock"}, "d.sock"},
		"the database":         {[]string{"DB_FILENAME=a/b.db"}, "a/b.db.sock"},
		"both":                 {[]string{"DB_FILENAME=a/b.db", "CONTROL_SOCKET=d.sock"}, "d.sock"},
		"a broken rest":        {[]string{"PORT=x", "AUTH_PROVIDERS=,,", "CONTROL_SOCKET=d.sock"}, "d.sock"},
		"the YAML file":        {[]string{"CONFIG_PATH=etc/doorward.yaml"}, "etc/c.sock"},
		"environment and YAML": {[]string{"CONFIG_PATH=etc/doorward.yaml", "CONTROL_SOCKET=d.sock"}, "d.sock"},
	} {
		got, err := config.SocketPath(config.Input{Environ: tc.environ, Dir: s.dir})
		want := tc.want
		if !filepath.IsAbs(want) {
			want = filepath.Join(s.dir, want)
		}
		if err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", name, got, err, want)
		}
	}
	for name, environ := range map[string][]string{
		"two ways":         {"CONTROL_SOCKET=a", "CONTROL_SOCKET_FILE=b"},
		"too long":         {"CONTROL_SOCKET=/" + strings.Repeat("a", 200)},
		"file that is not": {"CONFIG_PATH=none.yaml"},
		"no path":          {"CONFIG_PATH=number.yaml"},
	} {
		s.file(t, "number.yaml", "control_socket: 1")
		if got, err := config.SocketPath(config.Input{Environ: environ, Dir: s.dir}); err == nil {
			t.Errorf("%s: %s", name, got)
		}
	}
}
