package e2e

import (
	"bytes"
	"crypto/rand"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/plugins/ldap/ldaptest"
)

// staffed is a host whose users are in a directory.
type staffed struct {
	*testHost
	directory *ldaptest.Directory
	program
}

const (
	staffBase     = "ou=people,dc=staff,dc=example"
	staffPassword = "open sesame to me"
)

func startStaffed(t *testing.T) staffed {
	t.Helper()
	entries := []ldaptest.Entry{{DN: "dc=staff,dc=example"}, {DN: staffBase}}
	for i, uid := range []string{"grace", "heidi", "ivan"} {
		entries = append(entries, ldaptest.Entry{DN: "uid=" + uid + "," + staffBase, Password: staffPassword, Attributes: map[string][]string{
			"objectClass": {"inetOrgPerson"}, "uid": {uid}, "cn": {uid}, "sn": {uid}, "mail": {uid + "@staff.example"},
			"entryUUID": {"5d0c6a52-7c1e-4f0b-9a53-0d5c1b6f8e0" + string(rune('1'+i))},
		}})
	}
	d := ldaptest.Start(t, ldaptest.Config{Entries: entries})
	host := startLDAPHost(t, staffPassword, map[string]map[string]string{"staff": {
		"client_url": d.URL(), "user_dn": staffBase, "user_attribute": "uid", "allow_public_registration": "true",
	}})
	return staffed{host, d, program{t, host, "staff"}}
}

// dismiss removes somebody from the directory.
func (s staffed) dismiss(uid string) {
	s.directory.Change(func(entries []ldaptest.Entry) (left []ldaptest.Entry) {
		for _, e := range entries {
			if !strings.HasPrefix(e.DN, "uid="+uid+",") {
				left = append(left, e)
			}
		}
		return left
	})
}

// under stops the host and starts it with these secrets; none means not set.
func (h *testHost) under(t *testing.T, secret, previous string) {
	t.Helper()
	if err := h.Stop(); err != nil {
		t.Fatal(err)
	}
	h.setSecrets(secret, previous)
	if err := h.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (h *testHost) setSecrets(secret, previous string) {
	h.config.Env["SECRET"], h.config.Env["SECRET_PREVIOUS"] = secret, previous
	h.secrets.add("SECRET", secret)
	h.secrets.add("SECRET_PREVIOUS", previous)
}

// wantNoStart starts a host that must refuse to start, and must change nothing.
func (h *testHost) wantNoStart(t *testing.T, what, secret, previous string) {
	t.Helper()
	before := h.databaseFiles(t)
	h.setSecrets(secret, previous)
	out, code := h.ended(t, h.Command("serve"))
	for _, want := range []string{"nothing was changed", "SECRET_PREVIOUS", "doorward session end --all --forget-secret"} {
		if code != 1 || !strings.Contains(out, want) {
			t.Errorf("%s: exit status %d, want 1 and %q\n%s", what, code, want, out)
		}
	}
	after := h.databaseFiles(t)
	if len(before) != len(after) {
		t.Errorf("%s: files %d, were %d", what, len(after), len(before))
	}
	for name, content := range before {
		if !bytes.Equal(after[name], content) {
			t.Errorf("%s: %s has changed", what, name)
		}
	}
}

// ended waits for a host to end by itself, and returns its output and exit code. A host
// that serves is stopped.
func (h *testHost) ended(t *testing.T, cmd *exec.Cmd) (string, int) {
	t.Helper()
	p, err := StartProcess(cmd)
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.Done():
		return p.Output(), p.ExitCode()
	case <-time.After(hostReadyBound):
		t.Errorf("the host serves, %v", p.Stop(hostStopBound))
		return p.Output(), -1
	}
}

// databaseFiles are the database and the files that belong to it.
func (h *testHost) databaseFiles(t *testing.T) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob(h.Env("DB_FILENAME") + "*")
	if err != nil || len(paths) == 0 {
		t.Fatalf("database files: %v, %v", paths, err)
	}
	files := map[string][]byte{}
	for _, path := range paths {
		if files[path], err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func newSecret() string { return rand.Text() + rand.Text() }

const sealedAnewLine = "SECRET_PREVIOUS can be removed"

func TestSecretIsChanged(t *testing.T) {
	s := startStaffed(t)
	first, second := s.Env("SECRET"), newSecret()
	grace, heidi := s.login("grace", staffPassword), s.login("heidi", staffPassword)
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	s.wantNoStart(t, "another SECRET", second, "")
	s.wantNoStart(t, "another SECRET with a wrong previous one", second, newSecret())

	s.under(t, second, first)
	if got := s.me(grace); got.status != http.StatusOK {
		t.Errorf("an access token of before: %d %s", got.status, got.body)
	}
	grace = s.wantGoesOn("grace, after the change", grace)
	s.dismiss("heidi")
	s.wantEnded("heidi, who was removed from the directory", heidi)
	eventually(t, "the line about SECRET_PREVIOUS", func() bool { return strings.Contains(s.Logs(), sealedAnewLine) })

	s.under(t, second, "")
	grace = s.wantGoesOn("grace, without the previous SECRET", grace)
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	s.wantNoStart(t, "the first SECRET again", first, "")
	s.under(t, second, "")
	grace = s.wantGoesOn("grace, after a refused start", grace)
	s.dismiss("grace")
	s.wantEnded("grace, who was removed from the directory", grace)
	if strings.Contains(s.Logs(), "the session continues until it expires") {
		t.Error("a provider that was not asked")
	}
}

func TestSecretIsLost(t *testing.T) {
	s := startStaffed(t)
	grace := s.login("grace", staffPassword)
	id := s.me(grace).Data.ID
	if out, code := s.run(t, "session", "end", "--all", "--forget-secret"); code != 1 || !strings.Contains(out, "stop it") {
		t.Errorf("while the host runs: %d\n%s", code, out)
	}
	grace = s.wantGoesOn("grace, after that", grace)
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	s.setSecrets("", "") // the command must not need it
	if out := s.mustRun(t, "session", "end", "--all", "--forget-secret"); !strings.Contains(out, "sessions ended: 1\n") {
		t.Errorf("what was ended: %s", out)
	}
	s.setSecrets(newSecret(), "")
	if err := s.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := s.refresh(grace); got.status != http.StatusUnauthorized {
		t.Errorf("a session of before: %d %s", got.status, got.body)
	}
	if got := s.signedIn("grace", staffPassword).Data.ID; got != id {
		t.Errorf("grace is user %q now, was %q", got, id)
	}
}

func TestSessionEnd(t *testing.T) {
	s := startStaffed(t)
	sessions := map[string]directAnswer{}
	for _, uid := range []string{"grace", "heidi", "ivan"} {
		sessions[uid] = s.login(uid, staffPassword)
	}
	end := func(want string, args ...string) {
		t.Helper()
		if out := s.mustRun(t, append([]string{"session", "end"}, args...)...); out != "sessions ended: "+want+"\n" {
			t.Errorf("session end %q: %s", args, out)
		}
	}
	end("1", "--user", "Grace@staff.example")
	end("0", "--provider", "else")
	if got := s.me(sessions["grace"]); got.status != http.StatusUnauthorized {
		t.Errorf("grace: %d", got.status)
	}
	if got := s.me(sessions["heidi"]); got.status != http.StatusOK {
		t.Errorf("heidi: %d", got.status)
	}
	end("2", "--all")
	if got := s.me(sessions["ivan"]); got.status != http.StatusUnauthorized {
		t.Errorf("ivan: %d", got.status)
	}
	for _, args := range [][]string{{}, {"--all", "--provider", "staff"}, {"--provider", "staff", "--forget-secret"}} {
		if out, code := s.run(t, append([]string{"session", "end"}, args...)...); code == 0 {
			t.Errorf("session end %q: %s", args, out)
		}
	}
	s.login("grace", staffPassword)
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	end("1", "--provider", "staff") // no host runs
	missing := filepath.Join(t.TempDir(), "none.db")
	cmd := s.Command("session", "end", "--all")
	cmd.Env = append(cmd.Env, "DB_FILENAME="+missing)
	if out, code := runCommand(t, cmd); code != 1 || !strings.Contains(out, "DB_FILENAME") {
		t.Errorf("without a database: %d\n%s", code, out)
	}
	if _, err := os.Stat(missing); err == nil {
		t.Error("a database was made")
	}
}
