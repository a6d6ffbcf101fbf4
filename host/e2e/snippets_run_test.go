package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/doorward/doorward/host/internal/store/pgtest"
	"github.com/doorward/doorward/plugins/openid/openidtest"
)

// settingsSnippets are the code blocks with settings. `doorward config check` must
// understand each of them.
var settingsSnippets = []struct {
	page, has string
	with      string   // settings that complete the block
	here      []string // texts of the block that are different here: old, new, old, new ...
}{
	{page: "docs/directus.md", has: "CORS_ENABLED"},
	{page: "docs/directus.md", has: "AUTH_ALLOWED_PUBLIC_URLS"},
	{page: "docs/endpoints.md", has: "SESSION_COOKIE_NAME"},
	{page: "docs/endpoints.md", has: "CORS_ENABLED"},
	{page: "docs/plugins.md", has: "AUTH_GITHUB_PRESET", here: []string{"CLIENT_ID=…", "CLIENT_ID=doorward", "CLIENT_SECRET=…", "CLIENT_SECRET=secret-of-the-client"}},
	{page: "docs/postgresql.md", has: "DB_CLIENT=pg"},
	{page: "docs/proxies.md", has: "HTTPS_PROXY=http://proxy"},
	{page: "docs/proxies.md", has: "the-password@"},
	{page: "docs/proxies.md", has: "NO_PROXY=", with: "HTTPS_PROXY=http://proxy.corp.example:3128\n"},
	{page: "docs/proxies.md", has: "AUTH_INSIDE_PROXY", with: "AUTH_PROVIDERS=corp,inside\nAUTH_INSIDE_DRIVER=openid\nAUTH_INSIDE_ISSUER_URL=https://inside.example\nAUTH_INSIDE_CLIENT_ID=doorward\nAUTH_INSIDE_CLIENT_SECRET=secret-of-the-client\n"},
	{page: "docs/proxies.md", has: "OUTBOUND_ALLOW="},
	{page: "docs/settings.md", has: "keycloak:", here: []string{"{file: /run/secrets/keycloak}", "{file: /etc/doorward/secret}\n    client_id: doorward\n    issuer_url: https://id.example.org"}},
	{page: "docs/trust.md", has: "AUTH_CORP_CA_FILE"},
	{page: "docs/trust.md", has: "driver: ldap", here: []string{"driver: ldap", "driver: ldap\n    client_url: ldaps://ldap.example.org\n    bind_dn: cn=doorward\n    bind_password: secret-of-the-reader\n    user_dn: ou=people"}},
	{page: "docs/trust.md", has: "OUTBOUND_EXTRA_CA_FILE"},
	{page: "docs/trust.md", has: "AUTH_CORP_CERT_FILE"},
}

// documentedFolder is the folder in which the pages keep the files that settings name.
const documentedFolder = "/etc/doorward"

func TestSettingsOnPages(t *testing.T) {
	folder := t.TempDir()
	ca, err := newAuthority(folder)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := ca.issue("doorward", "localhost")
	if err != nil {
		t.Fatal(err)
	}
	for name, from := range map[string]string{"client.pem": pair.CertFile, "client.key": pair.KeyFile, "corp-ca.pem": pair.CertFile} {
		text := readText(t, from)
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"database-password", "secret"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte("a secret of this test"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, row := range settingsSnippets {
		t.Run(filepath.Base(row.page)+" "+row.has, func(t *testing.T) {
			text := replaceAll(t, theSnippet(t, row.page, row.has).text, row.here)
			text = strings.ReplaceAll(text, documentedFolder, folder)
			report := settingsReport(t, text, row.with)
			understood := map[string]bool{}
			for _, given := range report.Settings {
				understood[given.Name] = given.Understood
			}
			for _, provider := range report.Providers {
				for _, given := range provider.Options {
					understood[given.Name[strings.LastIndex(given.Name, ".")+1:]] = given.Understood
				}
			}
			names := namesIn(text)
			if len(names) == 0 {
				t.Error("the block has no setting")
			}
			for _, name := range names {
				if !understood[name] {
					t.Errorf("%s is not understood: %+v", name, report)
				}
			}
			for _, finding := range report.Findings {
				if finding.Class == "wrong" || finding.Class == "no_effect" {
					t.Errorf("%s: %s", finding.Class, finding.Text)
				}
			}
		})
	}
}

var (
	variable  = regexp.MustCompile(`(?m)^([A-Z][A-Z0-9_]+)=`)
	yamlEntry = regexp.MustCompile(`(?m)^    ([a-z_]+):`)
)

// namesIn are the names of the settings in a block, as config check writes them.
func namesIn(text string) (names []string) {
	for _, found := range variable.FindAllStringSubmatch(text, -1) {
		names = append(names, found[1])
	}
	for _, found := range yamlEntry.FindAllStringSubmatch(text, -1) {
		names = append(names, found[1])
	}
	return names
}

// settingsReport is the report of config check about a block together with a configuration
// that is valid without it.
func settingsReport(t *testing.T, text, with string) (report reportedJSON) {
	t.Helper()
	dotenv, args := text, []string{"config", "check", "--json"}
	dir := t.TempDir()
	if strings.HasPrefix(text, "providers:") {
		file := filepath.Join(dir, "doorward.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--config", file)
		dotenv = "PUBLIC_URL=https://login.example.org\nSECRET=" + strings.Repeat("settings ", 5) + "\n"
	} else {
		dotenv += with
		there := namesIn(dotenv)
		for line := range strings.Lines("PUBLIC_URL=https://login.example.org\nSECRET=" + strings.Repeat("settings ", 5) +
			"\nAUTH_PROVIDERS=corp\nAUTH_CORP_DRIVER=openid\nAUTH_CORP_ISSUER_URL=https://id.example.org\nAUTH_CORP_CLIENT_ID=doorward\nAUTH_CORP_CLIENT_SECRET=secret-of-the-client\n") {
			name, _, _ := strings.Cut(line, "=")
			strange := strings.HasPrefix(name, "AUTH_CORP_") && !strings.Contains(dotenv, "corp") && slices.Contains(there, "AUTH_PROVIDERS")
			if !slices.Contains(there, name) && !strange { // options of a provider that the block does not name have no effect
				dotenv += line
			}
		}
	}
	if err := os.WriteFile(filepath.Join(dir, ".env"), []byte(dotenv), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(repository(t), "bin", "doorward"), args...)
	cmd.Dir, cmd.Env = dir, []string{"PATH=" + os.Getenv("PATH"), "PLUGIN_DIR=" + filepath.Join(repository(t), "bin", "plugins")}
	out, _ := cmd.Output() // the exit code is also 1 if a setting is missing
	if err := json.Unmarshal(out, &report); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return report
}

// replaceAll replaces texts (old, new, old, new ...), each of which must be there.
func replaceAll(t *testing.T, text string, here []string) string {
	t.Helper()
	for i := 0; i < len(here); i += 2 {
		before := text
		if text = strings.ReplaceAll(text, here[i], here[i+1]); text == before {
			t.Fatalf("the code block does not have %q:\n%s", here[i], text)
		}
	}
	return text
}

// command is a code block with commands.
type command struct {
	page, has string
	before    string   // shell commands that make what the page assumes
	here      []string // texts of the block that are different here: old, new, old, new ...
	says      string   // part of the output
}

// commandSessions are code blocks with commands, in the order of their execution, as a
// shell in the folder of a host runs them. The host has a provider corp.
var commandSessions = []struct {
	name string
	rows []command
}{
	{name: "a host runs", rows: []command{
		{page: "docs/administration.md", has: "--subject 248289761001 --email", before: "doorward role add Editor", says: "added"},
		{page: "docs/administration.md", has: "--email-provider corp", here: []string{"ann@example.org", "ben@example.org"}, says: "/invitation?token="},
		{page: "docs/administration.md", has: "doorward user list\n", says: "ann@example.org"},
		{
			page: "docs/administration.md", has: "doorward key add hr-sync", says: "ann@example.org",
			here: []string{"--expires 1y\n", "--expires 1y > key\nKEY=$(sed -n 's/^key, shown this once: //p' key)\n", "'http://127.0.0.1:8057/admin/users?status=active'", `"http://$ADMIN_ADDRESS/admin/users?status=active"`},
		},
		{page: "docs/administration.md", has: "curl --unix-socket", here: []string{"/var/lib/doorward/", ""}, says: "ann@example.org"},
		{page: "docs/config-check.md", has: "doorward config check --config", before: `echo '{"LOG_STYLE": "json"}' > doorward.yaml`, here: []string{"/etc/doorward.yaml", "doorward.yaml"}, says: "LOG_STYLE"},
		{page: "docs/config-check.md", has: "| jq "},
		{page: "docs/plugins.md", has: "doorward plugin verify", before: "mkdir new && cp $PLUGIN_DIR/doorward-plugin-ldap new/", here: []string{"./doorward-plugin-kerberos", "new/doorward-plugin-ldap", "kerberos", "ldap"}, says: "openid"},
		{page: "docs/plugins.md", has: "doorward reload"},
		{page: "docs/plugins.md", has: "doorward plugins", here: []string{"[PROVIDER]", "corp"}, says: "callback"},
		{page: "docs/production.md", has: "doorward backup", before: "mkdir first", here: []string{"/var/backups", "first"}},
		{page: "docs/backup.md", has: "doorward backup", before: "mkdir backups", here: []string{"/var/backups", "backups"}},
	}},
	{name: "no host runs", rows: []command{
		{page: "docs/backup.md", has: "mkdir old", here: []string{"/var/lib/doorward", "."}},
		{page: "docs/backup.md", has: "install -o", here: []string{"-o doorward -g doorward ", "", "/var/backups/doorward-2026-11-30.db", "backups/*"}},
		{page: "docs/backup.md", has: "session end", says: "sessions ended: 0"},
		{page: "docs/backup.md", has: "/tmp/try.db", here: []string{"/var/backups/doorward-2026-11-30.db", "backups/*", "/tmp/", "./"}, says: "callback"},
		{page: "docs/forward-auth/README.md", has: "explain", before: "export PUBLIC_URL=https://sso.example.org SESSION_COOKIE_DOMAIN=example.org FORWARD_AUTH_ADDRESS=127.0.0.1:8056 FORWARD_AUTH_APPS=https://files.example.org", says: "files.example.org"},
	}},
}

func TestCommandsOnPages(t *testing.T) {
	port, adminPort, clientSecret := freePort(t), freePort(t), newClientSecret()
	fake := openidtest.Start(t, openidtest.Config{Clients: []openidtest.Client{{
		ID: "doorward", Secret: clientSecret, RedirectURIs: []string{localURL("localhost", port) + "/auth/login/corp/callback"},
	}}})
	env := map[string]string{"AUTH_PROVIDERS": "corp", "ADMIN_ADDRESS": "127.0.0.1:" + strconv.Itoa(adminPort)}
	provider(env, "CORP", map[string]string{"DRIVER": "openid", "ISSUER_URL": fake.Issuer(), "CLIENT_ID": "doorward", "CLIENT_SECRET": clientSecret})
	host := startHost(t, HostConfig{Port: port, Env: env})
	for i, session := range commandSessions {
		if i > 0 {
			if err := host.Stop(); err != nil {
				t.Fatal(err)
			}
		}
		for _, row := range session.rows {
			host.runSnippet(t, row)
		}
	}
	if err := host.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if users := host.mustRun(t, "user", "list"); !strings.Contains(users, "ann@example.org") {
		t.Errorf("the restored database has not the users of the backup:\n%s", users)
	}
}

// runSnippet executes a block and fails with it.
func (h *testHost) runSnippet(t *testing.T, row command) {
	t.Helper()
	s := theSnippet(t, row.page, row.has)
	out := h.asInShell(t, "set -e\n"+row.before+"\n"+replaceAll(t, s.text, row.here))
	if !strings.Contains(out, row.says) {
		t.Errorf("%s:%d: it does not say %q but\n%s", row.page, s.line, row.says, out)
	}
}

// postgresSnippets are the commands that back up and restore a PostgreSQL database.
var postgresSnippets = []command{
	{page: "docs/postgresql.md", has: "pg_dump"},
	{page: "docs/postgresql.md", has: "pg_restore", here: []string{"doorward-2026-11-30.dump", "doorward-*.dump"}, says: "sessions ended: 0"},
}

func TestPostgreSQLCommandsOnThePage(t *testing.T) {
	server, err := pgtest.Start()
	pgtest.Require(t, err)
	t.Cleanup(func() {
		if err := server.Remove(); err != nil {
			t.Error(err)
		}
	})
	database := server.NewDatabase(t)
	host := startHost(t, HostConfig{Env: map[string]string{
		"DB_CLIENT": "pg", "DB_CONNECTION_STRING": "postgresql://" + pgtest.User + "@" + server.Host + ":" + strconv.Itoa(server.Port) + "/" + database + "?sslmode=disable",
	}})
	host.mustRun(t, "role", "add", "Editor")
	host.runSnippet(t, postgresSnippets[0])
	host.mustRun(t, "role", "add", "after the backup")
	if err := host.Stop(); err != nil {
		t.Fatal(err)
	}
	host.runSnippet(t, postgresSnippets[1])
	if roles := host.mustRun(t, "role", "list"); !strings.Contains(roles, "Editor") || strings.Contains(roles, "after the backup") {
		t.Errorf("restored:\n%s", roles)
	}
}

// TestReadmeServes does what the README says: check, then serve.
func TestReadmeServes(t *testing.T) {
	port, clientSecret := strconv.Itoa(freePort(t)), newClientSecret()
	fake := openidtest.Start(t, openidtest.Config{Clients: []openidtest.Client{{
		ID: "doorward", Secret: clientSecret, RedirectURIs: []string{"https://sso.example.org/auth/login/corp/callback"},
	}}})
	dir, err := os.MkdirTemp("", "dw") // short, for the sockets
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Symlink(filepath.Join(repository(t), "bin"), filepath.Join(dir, "bin")); err != nil {
		t.Fatal(err)
	}
	secret := filepath.Join(dir, "corp")
	if err := os.WriteFile(secret, []byte(clientSecret), 0o600); err != nil {
		t.Fatal(err)
	}
	text := replaceAll(t, theSnippet(t, "README.md", "bin/doorward serve").text, []string{
		"make build\n", "", "HOST=0.0.0.0", "HOST=127.0.0.1", "https://id.example.org", fake.Issuer(), "/run/secrets/corp", secret,
		"bin/doorward serve", "exec bin/doorward serve",
	})
	cmd := exec.Command("sh", "-e", "-c", text)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + dir, "PORT=" + port, "SHUTDOWN_DELAY=0"}
	process, err := StartProcess(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := process.Stop(hostStopBound); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Log(process.Output())
		}
	})
	eventually(t, "the host serves", func() bool {
		resp, err := http.Get("http://127.0.0.1:" + port + "/server/ping") //nolint:noctx // bounded by eventually
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	if said := process.Output(); !strings.Contains(said, "https://sso.example.org/auth/login/corp/callback") {
		t.Errorf("check does not print the callback:\n%s", said)
	}
}
