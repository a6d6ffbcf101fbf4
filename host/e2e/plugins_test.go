package e2e

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/doorward/doorward/plugins/openid/openidtest"
)

// A provider whose plugin file is missing is unavailable; everything else works,
// and the log says what to do.
func TestPluginMissing(t *testing.T) {
	env := map[string]string{"AUTH_PROVIDERS": "op"}
	provider(env, "OP", map[string]string{
		"DRIVER": "openid", "ISSUER_URL": "https://id.example.org", "CLIENT_ID": "doorward", "CLIENT_SECRET": newClientSecret(),
	})
	host := startHost(t, HostConfig{Plugins: []string{}, Env: env})
	person := newAgent(t, host, "alice")
	person.accept = "application/json"

	wantRefused(t, "signing in", person.signIn(host.URL+"/auth/login/op"), http.StatusServiceUnavailable, "SERVICE_UNAVAILABLE")
	wantStatus(t, "ping", person.call(http.MethodGet, "/server/ping", nil, nil), http.StatusOK)
	health := person.call(http.MethodGet, "/server/health", nil, nil)
	if health.status != http.StatusOK || !strings.Contains(health.body, `"warn"`) {
		t.Errorf("health: %d %s", health.status, health.body)
	}
	wantStatus(t, "the list of providers", person.call(http.MethodGet, "/auth", nil, nil), http.StatusOK)

	browser := newAgent(t, host, "alice")
	wantStatus(t, "the sign-in page", browser.get(host.URL+"/login"), http.StatusOK)
	page := browser.signIn(host.URL + "/auth/login/op")
	wantStatus(t, "the error page", page, http.StatusServiceUnavailable)
	for _, inner := range []string{"doorward-plugin-openid", "PLUGIN_DIR", host.Env("PLUGIN_DIR")} {
		if strings.Contains(page.body, inner) {
			t.Errorf("L08 the page tells everybody %q", inner)
		}
		if !strings.Contains(host.Logs(), inner) {
			t.Errorf("the log does not tell the operator %q", inner)
		}
	}
}

// A login does not depend on the memory of a plugin: a login in progress continues after
// the plugin crashes.
func TestPluginCrashesDuringLogin(t *testing.T) {
	setup := startFake(t, openidtest.Config{AutoApprove: true}, openidtest.Client{}, nil)
	person := newAgent(t, setup.host, "alice")
	begun := person.get(setup.host.URL + "/auth/login/fake?mode=session&redirect=/app")
	back := person.get(begun.location().String()) // the provider's redirect to the callback

	killPlugins(t, setup.host)
	eventually(t, "the plugin being back", func() bool {
		return newAgent(t, setup.host, "alice").get(setup.host.URL+"/auth/login/fake").location() != nil
	})
	got := person.get(back.location().String())
	if target := got.location(); target == nil || target.Path != "/app" || person.cookie(sessionCookie) == "" {
		t.Errorf("going on after the crash: %d, Location %q", got.status, got.header.Get("Location"))
	}
}

// Users who are signed in stay signed in while the plugin is gone.
func TestPluginCrashKeepsSessions(t *testing.T) {
	setup := startFake(t, openidtest.Config{AutoApprove: true}, openidtest.Client{}, nil)
	person := newAgent(t, setup.host, "alice")
	person.signIn(setup.host.URL + "/auth/login/fake?mode=session&redirect=/app")
	killPlugins(t, setup.host)
	wantStatus(t, "who am I", person.call(http.MethodGet, "/users/me", nil, nil), http.StatusOK)
	wantStatus(t, "ping", person.call(http.MethodGet, "/server/ping", nil, nil), http.StatusOK)
}

func killPlugins(t *testing.T, host *testHost) {
	t.Helper()
	pids := host.Plugins()
	if len(pids) == 0 {
		t.Fatal("no plugin runs")
	}
	for _, pid := range pids {
		process, err := os.FindProcess(pid)
		if err != nil {
			t.Fatal(err)
		}
		if err := process.Kill(); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the plugins being dead", func() bool { return len(host.Plugins()) == 0 })
}
