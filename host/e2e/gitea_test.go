package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// gitea is a Gitea server with alice, a member of the team devs of the organization acme,
// and bob, who is not a member of a team.
type gitea struct {
	t        *testing.T
	URL      string
	program  string
	config   string
	password string
}

const giteaConfig = `I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true
RUN_MODE = prod
RUN_USER = %[1]s
WORK_PATH = %[2]s
[server]
PROTOCOL = http
HTTP_ADDR = 127.0.0.1
HTTP_PORT = %[3]d
ROOT_URL = http://127.0.0.1:%[3]d/
DISABLE_SSH = true
OFFLINE_MODE = true
STATIC_ROOT_PATH = %[4]s
[database]
DB_TYPE = sqlite3
PATH = %[2]s/gitea.db
[security]
INSTALL_LOCK = true
[oauth2]
ENABLED = true
[indexer]
ISSUE_INDEXER_TYPE = db
[log]
LEVEL = Warn
`

// startGitea runs the Gitea in GITEA_DIR, which .ci/gitea builds.
func startGitea(t *testing.T) *gitea {
	t.Helper()
	dir := os.Getenv("GITEA_DIR")
	if dir == "" {
		t.Skip("no Gitea: build one with .ci/gitea FOLDER, and set GITEA_DIR to the folder")
	}
	work, port := t.TempDir(), freePort(t)
	g := &gitea{
		t: t, URL: localURL("127.0.0.1", port), program: filepath.Join(dir, "gitea"), config: filepath.Join(work, "app.ini"), password: newClientSecret(),
	}
	user := "root"
	if name := os.Getenv("USER"); name != "" && os.Getuid() != 0 {
		user = name
	}
	text := fmt.Sprintf(giteaConfig, user, work, port, filepath.Join(dir, "source"))
	if err := os.WriteFile(g.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	g.run("migrate")
	g.run("admin", "user", "create", "--admin", "--username", "alice", "--password", g.password, "--email", "alice@example.com", "--must-change-password=false")
	g.run("admin", "user", "create", "--username", "bob", "--password", g.password, "--email", "bob@example.com", "--must-change-password=false")
	server, err := StartProcess(exec.Command(g.program, "--config", g.config, "web"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(peerReadyBound); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("output of Gitea:\n%s", server.Output())
		}
	})
	eventually(t, "Gitea to answer", func() bool {
		resp, err := http.Get(g.URL + "/api/healthz") //nolint:noctx // a short request
		if err == nil {
			resp.Body.Close()
		}
		return err == nil && resp.StatusCode == http.StatusOK
	})
	g.api("/orgs", map[string]any{"username": "acme"})
	team := g.api("/orgs/acme/teams", map[string]any{"name": "devs", "permission": "read", "units": []string{"repo.code"}})
	g.do(http.MethodPut, fmt.Sprintf("/teams/%v/members/alice", team["id"]), nil)
	return g
}

func (g *gitea) run(args ...string) {
	g.t.Helper()
	ctx, cancel := context.WithTimeout(g.t.Context(), time.Minute)
	defer cancel()
	if out, err := exec.CommandContext(ctx, g.program, append([]string{"--config", g.config}, args...)...).CombinedOutput(); err != nil {
		g.t.Fatalf("gitea %s: %v\n%s", args[0], err, out)
	}
}

// api sends a POST request to the API as alice.
func (g *gitea) api(path string, body any) map[string]any {
	g.t.Helper()
	return g.do(http.MethodPost, path, body)
}

func (g *gitea) do(method, path string, body any) map[string]any {
	g.t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		g.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(g.t.Context(), method, g.URL+"/api/v1"+path, bytes.NewReader(data))
	if err != nil {
		g.t.Fatal(err)
	}
	req.SetBasicAuth("alice", g.password)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		g.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode/100 != 2 {
		g.t.Fatalf("%s %s: %d %s", method, path, resp.StatusCode, text)
	}
	var got map[string]any
	if len(text) > 0 && json.Unmarshal(text, &got) != nil {
		g.t.Fatalf("%s %s: %s", method, path, text)
	}
	return got
}

var grantForm = regexp.MustCompile(`(?s)<form[^>]*action="/login/oauth/grant".*?</form>`)

// signIn uses the pages of Gitea for sign-in and consent.
func (g *gitea) signIn(person *agent, target string) answer {
	g.t.Helper()
	got := person.get(target)
	for range maxSteps {
		if next := got.location(); next != nil {
			if !person.isStep(next) {
				return got
			}
			got = person.get(next.String())
			continue
		}
		switch {
		case strings.Contains(got.body, `name="user_name"`) && got.status == http.StatusOK:
			forms, err := readForms(got.body)
			if err != nil {
				g.t.Fatal(err)
			}
			values := forms[len(forms)-1].hidden
			for _, f := range forms {
				if strings.Contains(f.action, "/user/login") {
					values = f.hidden
				}
			}
			values.Set("user_name", person.login)
			values.Set("password", g.password)
			got = person.post(got.url, "/user/login", values)
		case grantForm.MatchString(got.body):
			forms, err := readForms(grantForm.FindString(got.body))
			if err != nil {
				g.t.Fatal(err)
			}
			values := forms[0].hidden
			values.Set("granted", "true")
			got = person.post(got.url, "/login/oauth/grant", values)
		default:
			return got
		}
	}
	g.t.Fatal("the login does not end")
	return answer{}
}

// TestGitea signs in with the preset and a real Gitea: a member of the team is admitted,
// another user is refused.
func TestGitea(t *testing.T) {
	g := startGitea(t)
	port := freePort(t)
	app := g.api("/user/applications/oauth2", map[string]any{
		"name": "doorward", "confidential_client": true, "redirect_uris": []string{localURL("localhost", port) + "/auth/login/gitea/callback"},
	})
	secret := fmt.Sprint(app["client_secret"])
	env := map[string]string{"AUTH_PROVIDERS": "gitea"}
	provider(env, "GITEA", map[string]string{
		"PRESET": "gitea", "BASE_URL": g.URL, "CLIENT_ID": fmt.Sprint(app["client_id"]), "CLIENT_SECRET": secret,
		"ALLOWED_TEAMS": "acme/devs", "ALLOW_PUBLIC_REGISTRATION": "true", "REQUIRE_VERIFIED_EMAIL": "true",
	})
	host := startHost(t, HostConfig{Port: port, Env: env})
	host.secrets.add("client secret", secret)
	out, code := host.run(t, "check", "gitea")
	if code != 0 || !strings.Contains(out, "the token endpoint accepts the client") {
		t.Errorf("check: %d\n%s", code, out)
	}
	alice := newAgent(t, host, "alice")
	got := g.signIn(alice, host.URL+"/auth/login/gitea?mode=json")
	if got.status != http.StatusOK {
		t.Fatalf("signing in: %d %s", got.status, got.body)
	}
	tokens := got.json(t).Data
	me := alice.call(http.MethodGet, "/users/me", nil, bearer(tokens.AccessToken)).json(t).Data
	if me.Email != "alice@example.com" || me.ExternalIdentifier != "1" {
		t.Errorf("signed in as %+v", me)
	}
	again := alice.call(http.MethodPost, "/auth/refresh", map[string]string{"refresh_token": tokens.RefreshToken, "mode": "json"}, nil)
	wantStatus(t, "refresh", again, http.StatusOK)
	bob := newAgent(t, host, "bob")
	bob.accept = "text/html"
	if got := g.signIn(bob, host.URL+"/auth/login/gitea?redirect=/app"); got.code(t) != "INVALID_CREDENTIALS" {
		t.Errorf("bob: %d %s", got.status, got.header.Get("Location"))
	}
	eventually(t, "the log to tell why", func() bool { return strings.Contains(host.Logs(), "in none of the allowed groups") })
	// A user who leaves the team loses the session.
	team := g.do(http.MethodGet, "/orgs/acme/teams/search?q=devs", nil)
	id := team["data"].([]any)[0].(map[string]any)["id"]
	g.do(http.MethodDelete, fmt.Sprintf("/teams/%v/members/alice", id), nil)
	gone := alice.call(http.MethodPost, "/auth/refresh", map[string]string{"refresh_token": again.json(t).Data.RefreshToken, "mode": "json"}, nil)
	if gone.status != http.StatusUnauthorized && gone.status != http.StatusForbidden {
		t.Errorf("after leaving the team: %d %s", gone.status, gone.body)
	}
}
