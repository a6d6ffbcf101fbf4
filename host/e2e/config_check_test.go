package e2e

import (
	"bytes"
	"encoding/json"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

// reportedJSON is what the help text says of doorward config check --json.
type reportedJSON struct {
	Sources   []string
	Settings  []givenJSON
	Apps      []struct{ Name, URL string }
	Providers []struct {
		Name, Driver, Preset, Version string
		Options                       []givenJSON
		URLs                          map[string]string
	}
	Findings []struct {
		Class, Text string
		Error       bool
	}
}

type givenJSON struct {
	Name, From, File string
	Understood       bool
	Value            string
	Hidden           bool
	Characters       int
}

func (r reportedJSON) texts(class string) string {
	var texts []string
	for _, f := range r.Findings {
		if f.Class == class {
			texts = append(texts, f.Text)
		}
	}
	return strings.Join(texts, "\n")
}

// configCheck runs doorward config check on an environment file, with the plugins that
// were built, as text and as JSON. Nothing may be left behind.
func configCheck(t *testing.T, dotenv string) (code int, report reportedJSON, shown string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, ".env"), []byte(dotenv), 0o600); err != nil {
		t.Fatal(err)
	}
	temporary, err := os.MkdirTemp("", "dw") // short, for the sockets
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(temporary) })
	for _, args := range [][]string{{"config", "check"}, {"config", "check", "--json"}} {
		cmd := exec.CommandContext(t.Context(), filepath.Join(repository(t), "bin", "doorward"), args...)
		var stdout, stderr bytes.Buffer
		cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &stdout, &stderr
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + temporary}
		_ = cmd.Run() // the exit code tells
		code = cmd.ProcessState.ExitCode()
		shown += stdout.String() + stderr.String()
		if args[len(args)-1] != "--json" {
			continue
		}
		decoder := json.NewDecoder(&stdout)
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&report); err != nil {
			t.Fatalf("%v\n%s", err, shown)
		}
	}
	for _, folder := range []string{dir, temporary} {
		entries, err := os.ReadDir(folder)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if e.Name() != ".env" {
				t.Errorf("doorward config check left %s behind", e.Name())
			}
		}
	}
	return code, report, shown
}

// goodConfig has a provider of each mechanism, at a server that nobody should ask.
func goodConfig(server string) string {
	return `SECRET=a secret of the tests, 0123456789
PUBLIC_URL=https://login.example.com
AUTH_PROVIDERS=op,far,hub,corp,idp
AUTH_FAR_DRIVER=openid
AUTH_FAR_ISSUER_URL=https://far.example.invalid
AUTH_FAR_ISSUER_DISCOVERY_MUST_SUCCEED=true
AUTH_FAR_CLIENT_ID=far
AUTH_FAR_CLIENT_SECRET=hunter2hunter2hunter2
AUTH_FAR_ALLOW_PUBLIC_REGISTRATION=true
AUTH_OP_DRIVER=openid
AUTH_OP_ISSUER_URL=http://` + server + `
AUTH_OP_ISSUER_DISCOVERY_MUST_SUCCEED=true
AUTH_OP_CLIENT_ID=123456789012345678
AUTH_OP_CLIENT_SECRET=hunter2hunter2hunter2
AUTH_OP_SCOPE=openid profile
AUTH_OP_PARAMS__PROMPT=login
AUTH_OP_CLIENT_HTTP_TIMEOUT=4000
AUTH_HUB_DRIVER=oauth2
AUTH_HUB_AUTHORIZE_URL=http://` + server + `/authorize
AUTH_HUB_ACCESS_URL=http://` + server + `/token
AUTH_HUB_PROFILE_URL=http://` + server + `/me
AUTH_HUB_IDENTIFIER_KEY=id
AUTH_HUB_CLIENT_ID=hub
AUTH_HUB_CLIENT_SECRET=hunter2hunter2hunter2
AUTH_CORP_DRIVER=ldap
AUTH_CORP_CLIENT_URL=ldap://` + server + `
AUTH_CORP_BIND_DN=cn=doorward
AUTH_CORP_BIND_PASSWORD=hunter2hunter2hunter2
AUTH_CORP_USER_DN=ou=people
AUTH_IDP_DRIVER=saml
AUTH_IDP_IDP_METADATA_URL=http://` + server + `/metadata
`
}

// What is right is found right, by the plugins themselves; no server is asked, and what
// the host would listen on may be taken.
func TestConfigCheckAsksPluginsAndNobodyElse(t *testing.T) {
	var asked atomic.Int64
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() { // ends with the listener
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			asked.Add(1)
			_ = conn.Close()
		}
	}()
	server := listener.Addr().String()
	_, port, _ := net.SplitHostPort(server)
	code, report, shown := configCheck(t, goodConfig(server)+"PORT="+port+"\nDB_CLIENT=pg\nDB_CONNECTION_STRING=postgresql://u:p@"+server+"/d\n")
	if code != 0 || report.texts("wrong") != "" {
		t.Errorf("exit code %d:\n%s", code, shown)
	}
	if n := asked.Load(); n > 0 {
		t.Errorf("%d connections were made", n)
	}
	values := map[string]string{}
	answersAt := map[string][]string{"corp": {"callback"}, "hub": {"callback", "logout"}, "idp": {"callback", "logout", "metadata"}}
	for _, p := range report.Providers {
		if want, ok := answersAt[p.Name]; ok && !slices.Equal(slices.Sorted(maps.Keys(p.URLs)), want) {
			t.Errorf("%s is told to know %v", p.Name, p.URLs)
		}
		if p.Version == "" || p.URLs["callback"] != "https://login.example.com/auth/login/"+p.Name+"/callback" {
			t.Errorf("provider %+v", p)
		}
		for _, o := range p.Options {
			values[o.Name] = o.Value
			if o.Hidden && o.Value == "" {
				values[o.Name] = "hidden"
			}
		}
	}
	for name, want := range map[string]string{
		"AUTH_OP_CLIENT_ID": "123456789012345678", "AUTH_OP_CLIENT_SECRET": "hidden", "AUTH_OP_CLIENT_HTTP_TIMEOUT": "4s",
		"AUTH_OP_PARAMS__PROMPT": "hidden", "AUTH_CORP_USER_DN": "ou=people", "AUTH_CORP_BIND_PASSWORD": "hidden",
	} {
		if values[name] != want {
			t.Errorf("%s is %q, want %q", name, values[name], want)
		}
	}
	for _, provider := range []string{"op", "hub", "idp"} { // ldap opens it by itself
		if !strings.Contains(report.texts("missing"), "registration is closed at "+provider) {
			t.Errorf("registration at %s: %s", provider, report.texts("missing"))
		}
	}
	if strings.Contains(report.texts("missing"), "corp") {
		t.Errorf("registration at corp: %s", report.texts("missing"))
	}
}

// What is wrong is told at once, of single options and of what they say together.
func TestConfigCheckOfWrongOptions(t *testing.T) {
	code, report, shown := configCheck(t, `SECRET=a secret of the tests, 0123456789
AUTH_PROVIDERS=op,hub,corp,idp
AUTH_OP_DRIVER=openid
AUTH_OP_CLIENT_ID=x
AUTH_OP_CLIENT_SECRET=short
AUTH_HUB_DRIVER=oauth2
AUTH_HUB_CLIENT_SECRET=hunter2hunter2hunter2
AUTH_HUB_SCOPPE=x
AUTH_HUB_CLIENT_HTTP_TIMEOUT=soon
AUTH_CORP_DRIVER=ldap
AUTH_CORP_CLIENT_URL=ldap://ad.example.com
AUTH_CORP_USER_DN=ou=people
AUTH_CORP_ALLOW_INSECURE_PLAINTEXT=true
AUTH_IDP_DRIVER=saml
AUTH_IDP_IDP_METADATA=<xml>
AUTH_IDP_INSECURE_ALLOW_SHA1=true
`)
	for class, wants := range map[string][]string{
		"missing":   {"AUTH_OP_ISSUER_URL: is missing", "AUTH_HUB_CLIENT_ID: is required"},
		"wrong":     {"AUTH_HUB_SCOPPE (.env:8): there is no such option; did you mean scope?", "AUTH_HUB_CLIENT_HTTP_TIMEOUT (.env:9): must be a duration", `provider "idp": `},
		"dangerous": {"AUTH_CORP_ALLOW_INSECURE_PLAINTEXT (.env:13) is true: ", "AUTH_IDP_INSECURE_ALLOW_SHA1 (.env:16) is true: ", "AUTH_OP_CLIENT_SECRET (.env:5): is weak"},
	} {
		for _, want := range wants {
			if !strings.Contains(report.texts(class), want) {
				t.Errorf("%s: no %q in\n%s", class, want, report.texts(class))
			}
		}
	}
	if code != 1 || report.texts("doubtful") != "" {
		t.Errorf("exit code %d:\n%s", code, shown)
	}
}

// A secret in a file that cannot be read is reported once, and not also as missing.
func TestConfigCheckOfAnUnreadableSecret(t *testing.T) {
	_, report, shown := configCheck(t, `SECRET=a secret of the tests, 0123456789
AUTH_PROVIDERS=op
AUTH_OP_DRIVER=openid
AUTH_OP_ISSUER_URL=https://id.example.com
AUTH_OP_CLIENT_ID=x
AUTH_OP_CLIENT_SECRET_FILE=/nowhere/secret
AUTH_OP_ALLOW_PUBLIC_REGISTRATION=true
`)
	if !strings.Contains(report.texts("wrong"), "AUTH_OP_CLIENT_SECRET_FILE (.env:6): reading /nowhere/secret: ") || report.texts("missing") != "" {
		t.Errorf("said:\n%s", shown)
	}
}

var secretRow = regexp.MustCompile("(?m)^\\| `([a-z0-9_]+)` \\| ([a-z]+), secret")

// No secret of any mechanism comes out, however it is given and whatever is wrong.
func TestConfigCheckShowsNoSecret(t *testing.T) {
	const canary = "canary9f1c"
	forms := map[string]string{"string": canary + "%" + canary, "list": canary + ", " + canary, "map": `{"X-Key":"` + canary + `"}`, "object": `{"password":{"is":"` + canary + `"}}`, "json": `[{"kty":"oct","k":"` + canary + `"}]`}
	for _, mechanism := range []string{"openid", "oauth2", "ldap", "saml"} {
		t.Run(mechanism, func(t *testing.T) {
			table, err := exec.CommandContext(t.Context(), filepath.Join(repository(t), "bin", "plugins", "doorward-plugin-"+mechanism), "options").Output()
			if err != nil {
				t.Fatal(err)
			}
			rows := secretRow.FindAllStringSubmatch(string(table), -1)
			if len(rows) < 2 {
				t.Fatalf("%d secret options in\n%s", len(rows), table)
			}
			good := strings.ReplaceAll(goodConfig("127.0.0.1:9"), "AUTH_PROVIDERS=op,far,hub,corp,idp", "AUTH_PROVIDERS="+map[string]string{"openid": "op", "oauth2": "hub", "ldap": "corp", "saml": "idp"}[mechanism])
			prefix := regexp.MustCompile(`AUTH_([A-Z]+)_DRIVER=` + mechanism).FindStringSubmatch(good)[1]
			right, bad, url := good, good, good
			for _, row := range rows {
				name := "AUTH_" + prefix + "_" + strings.ToUpper(row[1])
				form, ok := forms[row[2]]
				if !ok {
					t.Fatalf("%s: no form of a %s", name, row[2])
				}
				right += name + "='" + form + "'\n"
				bad += name + `='{"` + canary + "'\n" + name + "__" + canary + "=" + canary + "\n"
				url += name + "=https://user:" + canary + "@host.example/\n"
			}
			for _, option := range []string{"CLIENT_URL", "ISSUER_URL", "AUTHORIZE_URL", "IDP_METADATA_URL", "PROFILE_URL", "PARAMS__X", "CLIENT_HTTP_HEADERS__X"} {
				url += "AUTH_" + prefix + "_" + option + "=ldap://user:" + canary + "@host.example\n"
			}
			right += "AUTH_" + prefix + `_PARAMS='{"password":"` + canary + `"}'` + "\nAUTH_" + prefix + `_TOKEN_PARAMS='{"password":"` + canary + "\"}'\n"
			for _, dotenv := range []string{right, bad, url} {
				_, report, shown := configCheck(t, dotenv)
				if len(report.Providers) != 1 || report.Providers[0].Version == "" {
					t.Errorf("the plugin was not asked:\n%s", shown)
				}
				// An option may be named by it, and is shown then; its value is not.
				for line := range strings.Lines(shown) {
					if strings.Contains(strings.ReplaceAll(strings.ToLower(line), "__"+canary, ""), canary) {
						t.Errorf("shown: %s", line)
					}
				}
			}
		})
	}
}
