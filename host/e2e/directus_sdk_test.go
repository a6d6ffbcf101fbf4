package e2e

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/plugins/openid/openidtest"
)

func needDirectusSDK(t *testing.T) string {
	t.Helper()
	return needNode(t, "directus-sdk", "@directus/sdk", "SDK of Directus")
}

// sdkSite is what clients of Directus meet: a directory at "corp", and the OpenID provider
// at "fake", and at "fakesession" in mode session.
type sdkSite struct {
	slapd *slapd
	fake  *openidtest.Provider
	env   map[string]string
}

// startSDKSite runs both for hosts at these public URLs.
func startSDKSite(t *testing.T, config openidtest.Config, public ...string) *sdkSite {
	t.Helper()
	ldapPlugin(t)
	client := openidtest.Client{ID: "doorward", Secret: newClientSecret()}
	for _, url := range public {
		for _, name := range []string{"fake", "fakesession"} {
			client.RedirectURIs = append(client.RedirectURIs, url+"/auth/login/"+name+"/callback")
		}
	}
	config.Clients = []openidtest.Client{client}
	site := &sdkSite{slapd: startSlapd(t, slapdConfig{}), fake: openidtest.Start(t, config)}
	site.env = map[string]string{"AUTH_PROVIDERS": "corp,fake,fakesession"}
	provider(site.env, "CORP", map[string]string{"DRIVER": "ldap", "DEFAULT_ROLE_ID": "editor"})
	for option, value := range site.slapd.options(nil) {
		site.env["AUTH_CORP_"+strings.ToUpper(option)] = value
	}
	for _, name := range []string{"FAKE", "FAKESESSION"} {
		provider(site.env, name, map[string]string{
			"DRIVER": "openid", "LABEL": "Fake Provider", "ICON": "key", "ISSUER_URL": site.fake.Issuer(),
			"CLIENT_ID": client.ID, "CLIENT_SECRET": client.Secret, "ALLOW_PUBLIC_REGISTRATION": "true",
		})
	}
	site.env["AUTH_FAKE_MODE"], site.env["AUTH_FAKESESSION_MODE"] = "cookie", "session"
	return site
}

// startHost runs a host of the site on the port.
func (s *sdkSite) startHost(t *testing.T, port int, env map[string]string) *testHost {
	t.Helper()
	all := maps.Clone(s.env)
	maps.Copy(all, env)
	host := startHost(t, HostConfig{Port: port, Env: all})
	host.secrets.add("password", s.slapd.Password)
	host.secrets.add("client secret", s.env["AUTH_FAKE_CLIENT_SECRET"])
	return host
}

// sdkBound is for all scenarios together, on a machine that has much else to do.
const sdkBound = 3 * time.Minute

// Programs that use the SDK of Directus as its documentation shows do so here.
func TestDirectusSDK(t *testing.T) {
	dir := needDirectusSDK(t)
	port, releasePort := holdPort(t)
	briefPort, releaseBriefPort := holdPort(t)
	site := startSDKSite(t, openidtest.Config{AutoApprove: true}, localURL("localhost", port), localURL("localhost", briefPort))
	releasePort()
	// A hundred programs are slow to come on a busy machine.
	host := site.startHost(t, port, map[string]string{"SESSION_REFRESH_GRACE_PERIOD": "1m"})
	releaseBriefPort()
	const brevity = 5 * time.Second
	brief := site.startHost(t, briefPort, map[string]string{"ACCESS_TOKEN_TTL": brevity.String()})

	told, err := json.Marshal(map[string]any{
		"host": host.URL, "brief": brief.URL, "brevity": brevity.Milliseconds(), "password": site.slapd.Password,
	})
	if err != nil {
		t.Fatal(err)
	}
	runSDK(t, dir, string(told))
	t.Run("the example of the page", func(t *testing.T) { runSDKExample(t, dir, host.URL, site.slapd.Password) })
}

// runSDKExample runs the program in docs/endpoints.md as it stands there.
func runSDKExample(t *testing.T, dir, host, password string) {
	t.Helper()
	program := documented(t, "endpoints.md", "By name and password", []string{"https://login.example.org", host, `"ldap"`, `"corp"`})
	for tried, want := range map[string]string{password: "alice@example.org editor\n", "not the password": "INVALID_CREDENTIALS "} {
		cmd := exec.CommandContext(t.Context(), "node", "--input-type=module")
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "PASSWORD="+tried)
		cmd.Stdin = strings.NewReader(`const identifier = "alice", password = process.env.PASSWORD;` + "\n" + program)
		out, err := cmd.CombinedOutput()
		if !strings.HasPrefix(string(out), want) {
			t.Errorf("%v: %q, want %q", err, out, want)
		}
	}
}

// runSDK runs all scenarios, each of which is a test.
func runSDK(t *testing.T, dir, site string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "node", "run.mjs")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "SITE="+site)
	process, err := StartProcess(cmd)
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-process.Done():
	case <-time.After(sdkBound):
		t.Errorf("the scenarios do not end, %v", process.Kill())
	}
	ran, said := 0, -1
	for line := range strings.Lines(process.Output()) {
		result := struct {
			Scenario string
			Error    *string
			Ran      *int
		}{}
		if err := json.Unmarshal([]byte(line), &result); err != nil {
			t.Errorf("the scenarios print %q", line)
			continue
		}
		if result.Ran != nil {
			said = *result.Ran
			continue
		}
		ran++
		t.Run(result.Scenario, func(t *testing.T) {
			if result.Error != nil {
				t.Error(*result.Error)
			}
		})
	}
	if ran == 0 || ran != said || process.ExitCode() != 0 {
		t.Errorf("%d scenarios ended, %d were run, exit status %d", ran, said, process.ExitCode())
	}
}
