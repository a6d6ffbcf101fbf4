package e2e

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/doorward/doorward/plugins/ldap/ldaptest"
	"github.com/doorward/doorward/plugins/oauth2/oauth2test"
	"github.com/doorward/doorward/plugins/openid/openidtest"
	"github.com/doorward/doorward/plugins/saml/samltest"
)

const (
	quickStartSecret     = "the client secret of the quick start"
	quickStartPassword   = "open sesame, quick start"
	openRegistrationLine = "AUTH_CORP_ALLOW_PUBLIC_REGISTRATION=true\n"
)

// quickStart is the .env that the manual of a plugin gives, with other values for what
// its reader has to fill in.
func quickStart(t *testing.T, plugin string, port string, filledIn ...string) string {
	t.Helper()
	manual, err := os.ReadFile(filepath.Join(repository(t), "plugins", plugin, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(manual), "## Quick start\n")
	_, rest, begins := strings.Cut(rest, "```sh\n")
	block, _, ends := strings.Cut(rest, "```")
	if !ok || !begins || !ends {
		t.Fatal("the manual has no quick start")
	}
	filledIn = append(filledIn,
		"SECRET=…", "SECRET="+strings.Repeat("quick start ", 4), "PUBLIC_URL=https://login.example.com", "PUBLIC_URL=http://localhost:"+port)
	for i := 0; i < len(filledIn); i += 2 {
		before := block
		if block = strings.Replace(block, filledIn[i], filledIn[i+1], 1); block == before {
			t.Fatalf("the quick start does not have %q", filledIn[i])
		}
	}
	return block
}

// startIn does what the manuals say: check, then serve, in a folder with nothing but .env.
func startIn(t *testing.T, port, dotenv, checkSays string) *testHost {
	t.Helper()
	dir, err := os.MkdirTemp("", "dw") // short, for the sockets
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.WriteFile(filepath.Join(dir, ".env"), []byte(dotenv), 0o600); err != nil {
		t.Fatal(err)
	}
	command := func(args ...string) *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), filepath.Join(repository(t), "bin", "doorward"), args...)
		cmd.Dir = dir
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "PORT=" + port, "SHUTDOWN_DELAY=0"}
		return cmd
	}
	if out, err := command("check").CombinedOutput(); err != nil || !strings.Contains(string(out), checkSays) {
		t.Errorf("doorward check: %v, want %q:\n%s", err, checkSays, out)
	}
	process, err := StartProcess(command("serve"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := process.Stop(hostStopBound); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("log of the host:\n%s", process.Output())
		}
	})
	host := &testHost{Host: &Host{URL: "http://localhost:" + port, Process: process}, secrets: &secretSet{}}
	if err := host.waitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	return host
}

// quickStartProviders start a provider for a host at that port, and return its quick
// start.
var quickStartProviders = map[string]func(t *testing.T, port string) string{
	"openid": func(t *testing.T, port string) string {
		op, err := openidtest.Listen(openidtest.Config{
			People: []openidtest.Person{{Subject: "alice"}},
			Clients: []openidtest.Client{{
				ID: "doorward", Secret: quickStartSecret, RedirectURIs: []string{"http://localhost:" + port + "/auth/login/corp/callback"},
			}},
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = op.Close() })
		return quickStart(t, "openid", port, "https://id.example.com", op.Issuer(), "CLIENT_SECRET=…", "CLIENT_SECRET="+quickStartSecret)
	},
	"saml": func(t *testing.T, port string) string {
		idp, err := samltest.Listen(samltest.Config{Users: []samltest.User{{NameID: "alice"}}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = idp.Close() })
		return quickStart(t, "saml", port, "https://id.example.com/saml/metadata", idp.MetadataURL())
	},
}

func TestQuickStarts(t *testing.T) {
	for plugin, start := range quickStartProviders {
		t.Run(plugin, func(t *testing.T) {
			port, _ := strings.CutPrefix(localURL("", freePort(t)), "http://:")
			dotenv := start(t, port)
			host := startIn(t, port, dotenv, "accounts: 0; anyone who signs in at the provider gets one")
			someone := newAgent(t, host, "alice")
			someone.signIn(host.URL + "/auth/login/corp")
			if me := someone.call(http.MethodGet, "/users/me", nil, nil); me.status != http.StatusOK || me.json(t).Data.ExternalIdentifier != "alice" {
				t.Errorf("after signing in: %d %s", me.status, me.body)
			}
		})
	}
}

// Without the line that opens registration, the check and the log say so.
func TestQuickStartsWithoutRegistration(t *testing.T) {
	for plugin, start := range quickStartProviders {
		t.Run(plugin, func(t *testing.T) {
			port, _ := strings.CutPrefix(localURL("", freePort(t)), "http://:")
			dotenv := start(t, port)
			closed := strings.Replace(dotenv, openRegistrationLine, "", 1)
			if closed == dotenv {
				t.Fatalf("the quick start does not have %q", openRegistrationLine)
			}
			host := startIn(t, port, closed, "warning  accounts: nobody can sign in through corp: there is no account, and registration is closed; make accounts with doorward user add, or set AUTH_CORP_ALLOW_PUBLIC_REGISTRATION to true")
			got := newAgent(t, host, "alice").signIn(host.URL + "/auth/login/corp")
			if got.status != http.StatusUnauthorized || !strings.Contains(got.body, "no account for you yet") {
				t.Errorf("answered %d: %s", got.status, got.body)
			}
			eventually(t, "the log names the option and the person", func() bool {
				return strings.Contains(host.Output(), `at provider corp: subject \"alice\"; to admit the user: doorward user add --provider corp --subject alice; to create accounts at the first login, set AUTH_CORP_ALLOW_PUBLIC_REGISTRATION to true`)
			})
		})
	}
}

// The quick start of OAuth 2.0 admits only the people that it names.
func TestQuickStartOfOAuth2(t *testing.T) {
	port, _ := strings.CutPrefix(localURL("", freePort(t)), "http://:")
	gitHub := oauth2test.Start(t, oauth2test.Config{Kind: oauth2test.GitHub, Clients: []oauth2test.Client{{
		ID: "doorward", Secret: quickStartSecret, RedirectURIs: []string{"http://localhost:" + port + "/auth/login/github/callback"},
	}}})
	dotenv := quickStart(t, "oauth2", port, "CLIENT_ID=…", "CLIENT_ID=doorward", "CLIENT_SECRET=…", "CLIENT_SECRET="+quickStartSecret)
	dotenv += "AUTH_GITHUB_BASE_URL=" + gitHub.Base() + "\nAUTH_GITHUB_API_URL=" + gitHub.API() + "\n"
	host := startIn(t, port, dotenv, "accounts: 0; anyone who signs in at the provider gets one")
	for person, want := range map[string]int{"alice": http.StatusOK, "bob": http.StatusUnauthorized} {
		someone := newAgent(t, host, person)
		someone.signIn(host.URL + "/auth/login/github")
		if me := someone.call(http.MethodGet, "/users/me", nil, nil); me.status != want {
			t.Errorf("%s: %d %s", person, me.status, me.body)
		}
	}
}

func TestQuickStartOfLDAP(t *testing.T) {
	ldapPlugin(t)
	directory, err := ldaptest.Listen(ldaptest.Config{Entries: []ldaptest.Entry{
		{DN: "dc=example,dc=com"}, {DN: "ou=people,dc=example,dc=com"}, {DN: "cn=reader,dc=example,dc=com", Password: quickStartPassword},
		{DN: "uid=grace,ou=people,dc=example,dc=com", Password: quickStartPassword, Attributes: map[string][]string{
			"objectClass": {"inetOrgPerson"}, "uid": {"grace"}, "entryUUID": {"5d0c6a52-7c1e-4f0b-9a53-0d5c1b6f8e01"},
		}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(directory.Stop)
	password := filepath.Join(t.TempDir(), "reader")
	if err := os.WriteFile(password, []byte(quickStartPassword+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	port, _ := strings.CutPrefix(localURL("", freePort(t)), "http://:")
	dotenv := quickStart(t, "ldap", port, "ldaps://ldap1.example.com,ldaps://ldap2.example.com", directory.URL(), "/run/secrets/ldap-reader", password)
	host := startIn(t, port, dotenv, "accounts: 0; anyone who signs in at the provider gets one")
	login := newAgent(t, host, "grace").call(http.MethodPost, "/auth/login/corp", map[string]string{
		"identifier": "grace", "password": quickStartPassword, "mode": "json",
	}, nil)
	if login.status != http.StatusOK || login.json(t).Data.AccessToken == "" {
		t.Errorf("signing in: %d %s", login.status, login.body)
	}
}
