package e2e

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/doorward/doorward/host/internal/store/pgtest"
	"github.com/doorward/doorward/plugins/openid/openidtest"
)

// startPostgres starts a server that syncs, with a database for the settings that are
// returned. The server gets more settings of its own, such as "max_connections=20".
func startPostgres(t testing.TB, settings ...string) (*pgtest.Server, map[string]string) {
	t.Helper()
	server, err := pgtest.Start(append(settings, pgtest.Durable...)...)
	pgtest.Require(t, err)
	t.Cleanup(func() {
		if err := server.Remove(); err != nil {
			t.Error(err)
		}
	})
	server.Exec(t, "postgres", "CREATE DATABASE logins")
	return server, map[string]string{
		"DB_CLIENT": "pg", "DB_HOST": server.Host, "DB_PORT": strconv.Itoa(server.Port), "DB_USER": pgtest.User,
		"DB_DATABASE": "logins", "DB_PASSWORD": "not asked for",
	}
}

// A host on PostgreSQL is what it is on SQLite: also while the server is away, and when
// it starts before the server does.
func TestPostgres(t *testing.T) {
	server, env := startPostgres(t)
	s := startFake(t, openidtest.Config{}, openidtest.Client{}, env)
	host := s.host
	host.secrets.add("DB_PASSWORD", env["DB_PASSWORD"])
	person := newAgent(t, host, "alice")
	const login = "/auth/login/fake?redirect=/sso/users/me"
	if got := person.signIn(host.URL + login); got.location() == nil || got.location().Path != "/sso/users/me" {
		t.Fatalf("login: %d %.300s", got.status, got.body)
	}
	person.wantStatus("a session", http.StatusOK)
	if err := errors.Join(host.Stop(), host.Restart(t.Context())); err != nil {
		t.Fatal(err)
	}
	person.wantStatus("a session after a restart", http.StatusOK)

	health := func(status int) func() bool {
		return func() bool { return person.get(host.URL+"/server/health").status == status }
	}
	eventually(t, "healthy", health(http.StatusOK))
	server.Stop()
	eventually(t, "not healthy while the server is away", health(http.StatusServiceUnavailable))
	late := newAgent(t, host, "bob")
	if got := late.signIn(host.URL + login); got.location() == nil || got.code(t) != "SERVICE_UNAVAILABLE" || late.cookie(sessionCookie) != "" {
		t.Errorf("a login while the server is away: %d to %v, cookie %q", got.status, got.location(), late.cookie(sessionCookie))
	}
	for request, got := range map[string]answer{
		"a refresh": late.call(http.MethodPost, "/auth/refresh", map[string]string{"mode": "json", "refresh_token": "any"}, nil),
		"a logout":  late.call(http.MethodPost, "/auth/logout", map[string]string{"mode": "json", "refresh_token": "any"}, nil),
		"who am I":  late.call(http.MethodGet, "/users/me", nil, bearer("any")),
		"home":      late.call(http.MethodGet, "/", nil, bearer("any")),
	} {
		wantRefused(t, request+" while the server is away", got, http.StatusServiceUnavailable, "SERVICE_UNAVAILABLE")
		if !strings.Contains(got.body, `"service":"database"`) {
			t.Errorf("%s while the server is away: %s", request, got.body)
		}
	}
	eventually(t, "the log says what to do", func() bool {
		return strings.Contains(host.Logs(), "PostgreSQL cannot be reached: check that it runs, and DB_HOST")
	})
	if err := server.Resume(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "healthy when it is back", health(http.StatusOK))
	person.wantStatus("the session when it is back", http.StatusOK)

	if err := host.Stop(); err != nil {
		t.Fatal(err)
	}
	server.Stop()
	waits, err := StartProcess(host.Command("serve"))
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "a start that waits, and says so", func() bool { return strings.Contains(waits.Output(), "waiting for the database") })
	if err := server.Resume(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the session after a start that waited", func() bool {
		return strings.Contains(waits.Output(), "ready: ") && person.call(http.MethodGet, "/users/me", nil, nil).status == http.StatusOK
	})
	if err := waits.Stop(hostStopBound); err != nil {
		t.Fatal(err)
	}
	if out, code := host.run(t, "session", "end", "--all"); code != 0 || !strings.Contains(out, "sessions ended: 1") {
		t.Errorf("session end while no host runs: %d %s", code, out)
	}
	cmd := host.Command("check")
	cmd.Env = append(cmd.Env, "SECRET="+strings.Repeat("another", 8))
	if out, code := runCommand(t, cmd); code == 0 || !strings.Contains(out, "SECRET") {
		t.Errorf("check with another SECRET: %d %s", code, out)
	}
	cmd = host.Command("serve")
	cmd.Env = append(cmd.Env, "SECRET="+strings.Repeat("another", 8))
	if out, code := runCommand(t, cmd); code == 0 || !strings.Contains(out, fmt.Sprintf("postgresql://%s:%d/logins", server.Host, server.Port)) {
		t.Errorf("a host with another SECRET: %d %s", code, out)
	}
}
