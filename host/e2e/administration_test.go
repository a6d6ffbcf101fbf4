package e2e

import (
	"encoding/json"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/plugins/openid/openidtest"
)

// addLine finds the command that admits somebody who was refused.
var addLine = regexp.MustCompile(`to admit the user: (doorward user add [^;]*);`)

// asInShell runs a line as an operator does who copied it.
func (h *testHost) asInShell(t *testing.T, line string) string {
	t.Helper()
	shell := exec.CommandContext(t.Context(), "sh", "-c", `doorward() { "$DOORWARD" "$@"; }; `+line)
	shell.Dir, shell.Env = h.dir, append(h.Command().Env, "DOORWARD="+h.config.Binary)
	out, err := shell.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", line, err, out)
	}
	return string(out)
}

// runJSON runs a command with --json, and decodes what it prints.
func (h *testHost) runJSON(t *testing.T, to any, args ...string) {
	t.Helper()
	cmd := h.Command(append(args, "--json")...)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("doorward %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	if err := json.Unmarshal(out, to); err != nil {
		t.Fatalf("doorward %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

type listedUsers struct {
	Data []struct{ ID, Status, Email, Provider, Subject string }
	Meta struct{ Next *string }
}

type listedSessions struct {
	Data []struct{ ID, User, Provider, Kind string }
}

// closed starts a host with a provider where registration is closed.
func closed(t *testing.T, env map[string]string) fakeSetup {
	all := map[string]string{"AUTH_FAKE_ALLOW_PUBLIC_REGISTRATION": "false"}
	for name, value := range env {
		all[name] = value
	}
	return startFake(t, openidtest.Config{AutoApprove: true}, openidtest.Client{}, all)
}

// aliceIn returns alice after a try to sign in.
func (s fakeSetup) aliceIn(t *testing.T, in bool) *agent {
	t.Helper()
	alice := newAgent(t, s.host, "alice")
	got := alice.signIn(s.host.URL + "/auth/login/fake?mode=session&redirect=/users/me")
	if signedIn := alice.cookie(sessionCookie) != ""; signedIn != in {
		t.Fatalf("signed in: %v, want %v; %d\n%s", signedIn, in, got.status, got.body)
	}
	return alice
}

func (a *agent) wantMe(what string, status int) {
	a.t.Helper()
	if got := a.call(http.MethodGet, "/users/me", nil, nil); got.status != status {
		a.t.Errorf("%s: %d %s, want %d", what, got.status, got.body, status)
	}
}

// From an empty database: somebody is refused, admitted by the command in the log,
// suspended, and admitted again.
func TestAPersonFromRefusalToSuspension(t *testing.T) {
	s := closed(t, nil)
	s.aliceIn(t, false)
	var found []string
	eventually(t, "the line with the command", func() bool {
		found = addLine.FindStringSubmatch(s.host.Logs())
		return found != nil
	})
	s.host.asInShell(t, found[1]+" --email alice@corp.example")

	alice := s.aliceIn(t, true)
	alice.wantMe("signed in", http.StatusOK)
	var users listedUsers
	s.host.runJSON(t, &users, "user", "list", "--provider", "fake", "--status", "active")
	if len(users.Data) != 1 || users.Data[0].Subject != "alice" || users.Meta.Next != nil {
		t.Fatalf("users: %+v", users)
	}
	id := users.Data[0].ID
	shown := s.host.mustRun(t, "user", "show", users.Data[0].Email)
	if !strings.Contains(shown, id) || !strings.Contains(shown, "alice at fake") {
		t.Errorf("shown:\n%s", shown)
	}
	var sessions listedSessions
	s.host.runJSON(t, &sessions, "session", "list", "--user", id)
	if len(sessions.Data) != 1 || sessions.Data[0].User != id || sessions.Data[0].Kind != "session" {
		t.Errorf("sessions: %+v", sessions)
	}

	began := time.Now()
	if said := s.host.mustRun(t, "user", "suspend", id); !strings.Contains(said, "sessions ended: 1") {
		t.Errorf("suspending: %s", said)
	}
	alice.wantMe("suspended", http.StatusUnauthorized)
	t.Logf("out %v after the command was started", time.Since(began))
	s.aliceIn(t, false)

	s.host.mustRun(t, "user", "activate", id)
	alice.wantMe("with the old cookie, active again", http.StatusUnauthorized)
	s.aliceIn(t, true).wantMe("after a new login", http.StatusOK)
}

// The access token of somebody who is suspended is good for nothing here.
func TestSuspendingRefusesAccessTokens(t *testing.T) {
	s := closed(t, nil)
	s.host.mustRun(t, "user", "add", "--provider", "fake", "--subject", "alice")
	alice := newAgent(t, s.host, "alice")
	tokens := alice.signIn(s.host.URL + "/auth/login/fake?mode=json").json(t).Data
	me := func() int { return alice.call(http.MethodGet, "/users/me", nil, bearer(tokens.AccessToken)).status }
	if got := me(); got != http.StatusOK {
		t.Fatalf("with an access token: %d", got)
	}
	var users listedUsers
	s.host.runJSON(t, &users, "user", "list")
	s.host.mustRun(t, "user", "suspend", users.Data[0].ID)
	if got := me(); got != http.StatusUnauthorized {
		t.Errorf("suspended: %d", got)
	}
	refresh := alice.call(http.MethodPost, "/auth/refresh", map[string]string{"mode": "json", "refresh_token": tokens.RefreshToken}, nil)
	if refresh.status != http.StatusUnauthorized {
		t.Errorf("a refresh: %d %s", refresh.status, refresh.body)
	}
}

// Where no host runs, the commands work in its database, and it finds what they did.
func TestAdministrationWithoutAHost(t *testing.T) {
	s := closed(t, nil)
	s.host.mustRun(t, "user", "add", "--provider", "fake", "--subject", "alice", "--email", "alice@corp.example")
	alice := s.aliceIn(t, true)
	if err := s.host.Stop(); err != nil {
		t.Fatal(err)
	}
	if out, code := s.host.run(t, "user", "list", "--socket", s.host.Env("DB_FILENAME")+".sock"); code != 1 || !strings.Contains(out, "no doorward is running") {
		t.Errorf("naming the socket: %d %s", code, out)
	}
	s.host.mustRun(t, "user", "suspend", "alice@corp.example")
	if out, code := s.host.run(t, "user", "delete", "alice@corp.example"); code != 1 || !strings.Contains(out, "--yes") {
		t.Errorf("deleting without being asked: %d %s", code, out)
	}
	if err := s.host.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	alice.wantMe("suspended while no host ran", http.StatusUnauthorized)
	s.aliceIn(t, false)
	s.host.mustRun(t, "user", "delete", "--yes", "alice@corp.example")
	var users listedUsers
	s.host.runJSON(t, &users, "user", "list")
	if len(users.Data) != 0 {
		t.Errorf("after deleting: %+v", users)
	}
}

// The listener of the administration wants keys; the public one has none of it.
func TestAdministrationByKey(t *testing.T) {
	port := freePort(t)
	admin := localURL("127.0.0.1", port)
	s := closed(t, map[string]string{"ADMIN_ADDRESS": strings.TrimPrefix(admin, "http://")})
	var key struct{ ID, Secret string }
	s.host.runJSON(t, &key, "key", "add", "reader", "--scope", "users:read,keys:read")
	s.host.secrets.add("key", key.Secret)
	person := newAgent(t, s.host, "")
	status := func(method, url, token string) int {
		return person.do(method, url, nil, http.Header{"Authorization": {"Bearer " + token}, "Accept": {"application/json"}}).status
	}
	for name, c := range map[string]struct {
		method, url, key string
		want             int
	}{
		"a key with the scope":       {http.MethodGet, admin + "/admin/users", key.Secret, 200},
		"the document":               {http.MethodGet, admin + "/admin/openapi.json", key.Secret, 200},
		"a key without the scope":    {http.MethodGet, admin + "/admin/roles", key.Secret, 403},
		"no key of ours":             {http.MethodGet, admin + "/admin/users", "nonsense", 401},
		"commands of the socket":     {http.MethodPost, admin + "/reload", key.Secret, 404},
		"on the public listener":     {http.MethodGet, s.host.URL + "/admin/users", key.Secret, 404},
		"the document, there":        {http.MethodGet, s.host.URL + "/admin/openapi.json", key.Secret, 404},
		"a write without its scope":  {http.MethodDelete, admin + "/admin/keys/" + key.ID, key.Secret, 403},
		"a path that is not there":   {http.MethodGet, admin + "/", key.Secret, 404},
		"a method that is not there": {http.MethodPut, admin + "/admin/users", key.Secret, 405},
	} {
		if got := status(c.method, c.url, c.key); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
	if listed := s.host.mustRun(t, "key", "list"); strings.Contains(listed, key.Secret) || !strings.Contains(listed, "reader") {
		t.Errorf("keys:\n%s", listed)
	}
	s.host.mustRun(t, "key", "remove", "reader")
	if got := status(http.MethodGet, admin+"/admin/users", key.Secret); got != http.StatusUnauthorized {
		t.Errorf("a removed key: %d", got)
	}
}
