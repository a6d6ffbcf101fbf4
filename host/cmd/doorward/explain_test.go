package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/store/sqlite"
)

const explained = `
forward_auth_address: 127.0.0.1:0
ip_trust_proxy: loopback
forward_auth:
  apps:
    - {name: wiki, url: https://wiki.example.org, groups: [staff], public: [{path: /health}]}
    - {name: admin, url: https://admin.example.org, roles: [Editor], preflight: true}
    - {name: chiefs, url: https://wiki.example.org/chiefs/, allow: [{groups: [chiefs]}, {users: [u-ann]}]}
`

func TestExplain(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "d.yaml"), []byte(explained), 0o600); err != nil {
		t.Fatal(err)
	}
	database, err := sqlite.Open(t.Context(), filepath.Join(dir, "d.db"), nil)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	if err := database.AddRole(t.Context(), sso.Role{ID: "r-1", Name: "Editor"}, sso.Event{}); err != nil {
		t.Fatal(err)
	}
	for _, u := range []sso.User{
		{ID: "u-ann", Provider: "corp", Subject: "1", Status: sso.UserActive, Email: "ann@example.org", Username: "ann", Role: "r-1", FirstName: "Ann"},
		{ID: "u-bob", Provider: "corp", Subject: "2", Status: sso.UserActive, Email: "bob@example.org"},
		{ID: "u-bob2", Provider: "other", Subject: "2", Status: sso.UserActive, Email: "Bob@example.org"},
		{ID: "u-eve", Provider: "corp", Subject: "3", Status: sso.UserSuspended, Email: "eve@example.org"},
	} {
		if _, err := database.CreateUser(t.Context(), u); err != nil {
			t.Fatal(err)
		}
	}
	session := sso.Session{ID: "s", UserID: "u-ann", Provider: "corp", Kind: sso.KindSession, CreatedAt: now, ExpiresAt: now.Add(time.Hour), Groups: sso.NewGroups([]string{"staff"})}
	if err := database.CreateSession(t.Context(), sso.NewSession{Session: session, Token: sso.NewToken().Hash()}); err != nil {
		t.Fatal(err)
	}
	if err := database.Close(); err != nil {
		t.Fatal(err)
	}
	for command, want := range map[string]string{
		"--user ann GET https://wiki.example.org/x":                 "app      wiki (https://wiki.example.org/)\nverdict  admitted\nbecause  the app admits every signed-in user with one of the groups staff\n",
		"--user ANN@example.org GET https://wiki.example.org/x":     "verdict  admitted",
		"--user u-ann --group other GET https://wiki.example.org/x": "groups   other\napp      wiki (https://wiki.example.org/)\nverdict  denied\nbecause  missing: one of the groups staff\n",
		"--user u-bob GET https://wiki.example.org/x":               "groups   not known: there is no session",
		"GET https://wiki.example.org/health?x":                     "verdict  public\nbecause  the path is public: /health",
		"POST https://wiki.example.org/health":                      "verdict  sign_in",
		"GET https://wiki.example.org/x/../y":                       "verdict  ambiguous\nbecause  the path can be read in more than one way: it has a dot segment",
		"GET https://other.example.org/":                            "verdict  unknown_app",
		"--user u-ann GET https://admin.example.org":                ", role Editor (r-1)\n",
		"--user ann GET https://admin.example.org":                  "verdict  admitted\nbecause  the app admits every signed-in user with one of the roles Editor",
		"--user u-bob GET https://admin.example.org":                "missing: one of the roles Editor",
		"--user ann GET https://wiki.example.org/chiefs":            "app      chiefs (https://wiki.example.org/chiefs/)\nverdict  admitted",
		"--user u-bob GET https://wiki.example.org/chiefs/x":        "missing: one of the groups chiefs; one of the users u-ann",
		"--user u-eve GET https://wiki.example.org/":                "the account is suspended, so they are not signed in\napp      wiki (https://wiki.example.org/)\nverdict  sign_in",
		"--user bob@example.org GET https://wiki.example.org/":      "several users match \"bob@example.org\", use an ID: u-bob (provider corp), u-bob2 (provider other)",
		"--user carol GET https://wiki.example.org/":                `has the ID, e-mail address or username "carol"`,
		"get https://wiki.example.org/":                             "the method must be in capitals",
		"GET wiki.example.org":                                      "the URL must be absolute",
		"GET":                                                       "METHOD and URL are needed",
		"GET https://wiki.example.org/\x1b[31m":                     `explaining "GET https://wiki.example.org/\x1b[31m": not a request`,
		"GET https://wiki.example.org/" + strings.Repeat("x", 1e5):  strings.Repeat("x", 100) + "…: not a request",
		"--group staff GET https://wiki.example.org/":               "--group needs --user",
		"--user= GET https://wiki.example.org/":                     "--user is empty",
	} {
		args := append([]string{"forward-auth", "explain", "--config", filepath.Join(dir, "d.yaml")}, strings.Fields(command)...)
		if _, out := runIn(t.Context(), t, dir, []string{"PUBLIC_URL=https://login.example.org", "SESSION_COOKIE_DOMAIN=example.org"}, args...); !strings.Contains(out, want) {
			t.Errorf("%s:\n%s\nwant %s", command, out, want)
		}
	}
	// The rules admit the user, but the app needs something that is not known about them.
	environ := []string{"PUBLIC_URL=https://login.example.org", "SESSION_COOKIE_DOMAIN=example.org", "FORWARD_AUTH_USER=email"}
	_, out := runIn(t.Context(), t, dir, environ, "forward-auth", "explain", "--config", filepath.Join(dir, "d.yaml"), "--user", "ann", "GET", "https://wiki.example.org/x")
	if want := "verdict  denied\nbecause  missing: a value for Remote-User (FORWARD_AUTH_USER)\n"; !strings.Contains(out, want) {
		t.Errorf("without an address that counts:\n%s\nwant %s", out, want)
	}
}
