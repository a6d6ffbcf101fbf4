package main

import (
	"encoding/json"
	"fmt"
	"net"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/people"
	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/store/sqlite"
)

// office is a database in which no host runs.
type office struct {
	t   *testing.T
	dir string
}

func newOffice(t *testing.T) office {
	t.Helper()
	o := office{t, t.TempDir()}
	o.inside(func(*sqlite.Store) error { return nil })
	return o
}

// inside does something to the database.
func (o office) inside(do func(s *sqlite.Store) error) {
	o.t.Helper()
	s, err := sqlite.Open(o.t.Context(), filepath.Join(o.dir, "d.db"), nil)
	if err != nil {
		o.t.Fatal(err)
	}
	if err := do(s); err != nil {
		o.t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		o.t.Fatal(err)
	}
}

// run runs a command, and checks its exit code and what it says.
func (o office) run(code int, says string, args ...string) string {
	o.t.Helper()
	got, out := runIn(o.t.Context(), o.t, o.dir, []string{"AUTH_PROVIDERS=corp", "AUTH_CORP_DRIVER=openid"}, args...)
	if got != code || !strings.Contains(out, says) {
		o.t.Errorf("doorward %s: exit code %d, want %d with %q:\n%s", strings.Join(args, " "), got, code, says, out)
	}
	return out
}

var uuidIn = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

func TestUsersByCommand(t *testing.T) {
	o := newOffice(t)
	id := uuidIn.FindString(o.run(0, "added: ", "user", "add", "--provider", "corp", "--subject", "ann", "--email", "ann@example.org"))
	o.run(1, "already belongs to user "+id+" (ann@example.org) and is not moved", "user", "add", "--provider", "corp", "--subject", "ann")
	o.run(0, `provider "crop" is not configured`, "user", "add", "--provider", "crop", "--subject-base64", "Ym9i", "--email", "bob@example.org")
	o.run(0, "nobody can sign in to this account", "user", "add", "--email", "bob@example.org")

	o.run(1, "several users have the e-mail address", "user", "suspend", "bob@example.org")
	o.run(1, "no user has the e-mail address", "user", "suspend", "cas@example.org")
	o.run(1, "not found", "user", "show", "nobody")
	o.run(1, "status is unknown", "user", "list", "--status", "suspnded")
	o.run(1, "no user has the e-mail address", "session", "end", "--user", "cas@example.org")
	o.run(1, "not found", "session", "end", "--user", "cas")
	o.run(1, "not found", "session", "list", "--user", "cas")
	o.run(0, "sessions ended: 0", "session", "end", "--user", "bob@example.org")
	o.run(0, "suspended: "+id, "user", "suspend", "ANN@example.org")
	o.run(0, "suspended", "user", "list", "--status", "suspended")
	o.run(0, "", "user", "list", "--status", "archived") // who came from Directus
	o.run(0, "active: "+id, "user", "activate", id)

	o.run(1, "role does not exist", "user", "set", id, "--role", "Editor")
	o.run(0, "added: ", "role", "add", "Editor", "--id", "653925a9-970e-487a-bfc0-ab6c96affcdc")
	o.run(0, "Editor", "user", "set", id, "--role", "Editor", "--first-name", "Ann")
	o.run(0, id, "user", "list", "--role", "653925A9-970E-487A-BFC0-AB6C96AFFCDC")
	o.run(1, "users have the role", "role", "remove", "Editor")
	o.run(0, "users who had it: 1", "role", "remove", "Editor", "--without")
	o.run(0, "role         -", "user", "show", id)

	o.run(0, "a-2 at corp", "user", "link", id, "--provider", "corp", "--subject", "a-2")
	o.run(0, "unlinked: "+id, "user", "unlink", id, "--provider", "corp", "--subject", "ann")
	o.run(1, "not found", "user", "unlink", id, "--provider", "corp", "--subject", "ann")
	o.run(1, "without a terminal to confirm it, add --yes", "user", "delete", id)
	o.run(0, "deleted: "+id, "user", "delete", "--yes", id)
	o.run(1, "not found", "user", "delete", "--yes", id)
}

// What a list shows was written by providers and clients: a terminal shows it, and does
// nothing.
func TestHostileTextsInLists(t *testing.T) {
	o := newOffice(t)
	const hostile = "\x1b]0;owned\x07 \u202egnp.exe \t x"
	o.inside(func(s *sqlite.Store) error {
		user := sso.User{ID: "u1", Provider: "corp", Subject: hostile, Status: sso.UserActive, Email: hostile, FirstName: hostile, LastName: hostile, Role: hostile}
		if err := s.AddUser(t.Context(), user, sso.Event{}); err != nil {
			return err
		}
		session := sso.Session{ID: "s1", UserID: "u1", Provider: "corp", Kind: sso.KindSession, ExpiresAt: time.Now().Add(time.Hour), IP: hostile}
		return s.CreateSession(t.Context(), sso.NewSession{Session: session, Token: sso.NewToken().Hash()})
	})
	for _, args := range [][]string{{"user", "list"}, {"user", "show", "u1"}, {"session", "list"}} {
		out := o.run(0, "u1", args...)
		if strings.ContainsAny(out, "\x1b\x07\u202e") || strings.Contains(out, "owned\t") {
			t.Errorf("doorward %v: %q", args, out)
		}
	}
	var listed struct{ Data []struct{ Subject string } }
	if err := json.Unmarshal([]byte(o.run(0, "", "user", "list", "--json")), &listed); err != nil || listed.Data[0].Subject != hostile {
		t.Errorf("as JSON: %+v, %v", listed, err)
	}
}

func TestPagesByCommand(t *testing.T) {
	o := newOffice(t)
	o.inside(func(s *sqlite.Store) error {
		for i := range 5 {
			if err := s.AddUser(t.Context(), sso.User{ID: fmt.Sprint("u", i), Status: sso.UserInvited}, sso.Event{}); err != nil {
				return err
			}
		}
		return nil
	})
	var seen []string
	for args := []string{"user", "list", "--limit", "2"}; args != nil; {
		out := o.run(0, "ID", args...)
		seen = append(seen, regexp.MustCompile(`(?m)^u\d`).FindAllString(out, -1)...)
		_, cursor, more := strings.Cut(strings.TrimSpace(out), "--cursor ")
		if args = nil; more {
			args = []string{"user", "list", "--limit", "2", "--cursor", cursor}
		}
		if len(seen) > 5 {
			break
		}
	}
	if got := strings.Join(seen, " "); got != "u0 u1 u2 u3 u4" {
		t.Errorf("pages: %s", got)
	}
	o.run(1, "limit must be from 1 to 1000", "user", "list", "--limit", "1001")
	o.run(1, "cursor is not a cursor of this list", "user", "list", "--cursor", "eA")
}

func TestKeysByCommand(t *testing.T) {
	o := newOffice(t)
	out := o.run(0, "key, shown this once: dwadm_", "key", "add", "sync", "--scope", "users:read,roles:read", "--expires", "30d")
	secret := regexp.MustCompile(`dwadm_\S+`).FindString(out)
	if listed := o.run(0, "users:read,roles:read", "key", "list"); strings.Contains(listed, secret) {
		t.Errorf("the key is shown again:\n%s", listed)
	}
	o.run(1, "already taken", "key", "add", "sync", "--scope", "users:read")
	o.run(1, `contains "all", which is not a scope; the scopes are users:read`, "key", "add", "else", "--scope", "all")
	o.run(0, "removed: sync", "key", "remove", "sync")
	o.run(1, "not found", "key", "remove", "sync")
}

// A host that has the socket and does not answer is left alone with its database.
func TestNothingIsDoneBesideASilentHost(t *testing.T) {
	o := newOffice(t)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "unix", filepath.Join(o.dir, "d.db.sock"))
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
			_ = conn.Close()
		}
	}()
	if out := o.run(1, "calling the host", "user", "add"); strings.Contains(out, "added") {
		t.Errorf("done all the same: %s", out)
	}
	o.inside(func(s *sqlite.Store) error {
		if users, _, err := s.FindUsers(t.Context(), people.UserFilter{}, people.Part{Limit: 1}); err != nil || len(users) > 0 {
			t.Errorf("in the database: %v, %v", users, err)
		}
		return nil
	})
}
