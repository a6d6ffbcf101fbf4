package e2e

import (
	"maps"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// The names of the cookies in all tests.
const (
	sessionCookie = "e2e_session"
	refreshCookie = "e2e_refresh"
)

// testHost is a host of one test.
type testHost struct {
	*Host
	secrets *secretSet
}

// startHost runs Doorward until the test ends. Then nothing may be left of it, and its
// log must not contain a secret.
func startHost(t testing.TB, config HostConfig) *testHost {
	t.Helper()
	if config.Binary == "" {
		if _, err := os.Stat(filepath.Join(repository(t), "bin", "doorward")); err != nil {
			t.Fatal("bin/doorward is not there: run make build")
		}
	}
	env := map[string]string{
		"SESSION_COOKIE_NAME": sessionCookie, "REFRESH_TOKEN_COOKIE_NAME": refreshCookie, "LOG_LEVEL": "trace",
	}
	maps.Copy(env, config.Env)
	config.Env = env
	h, err := StartHost(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	host := &testHost{Host: h, secrets: &secretSet{}}
	host.secrets.add("SECRET", h.Env("SECRET"))
	t.Cleanup(func() { host.finish(t) })
	return host
}

func (h *testHost) finish(t testing.TB) {
	if err := h.Remove(); err != nil {
		t.Error(err)
	}
	h.secrets.checkLogs(t, h.Logs())
	if t.Failed() {
		t.Logf("log of the host:\n%s", h.Logs())
	}
}

// provider returns the environment variables of one provider.
func provider(host map[string]string, name string, options map[string]string) {
	prefix := "AUTH_" + name + "_"
	for option, value := range options {
		host[prefix+option] = value
	}
}

// eventually fails the test if the condition does not become true in time.
func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	late := time.After(time.Minute)
	for !condition() {
		select {
		case <-again.C:
		case <-late:
			t.Fatalf("timed out: %s", what)
		}
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	port, err := FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// holdPort is [freePort] for a test that starts other servers before the host: no other
// server can get the port until it is released.
func holdPort(t *testing.T) (port int, release func()) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener.Addr().(*net.TCPAddr).Port, func() { _ = listener.Close() }
}

func localURL(name string, port int) string { return "http://" + name + ":" + strconv.Itoa(port) }
