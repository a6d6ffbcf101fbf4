package e2e

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/doorward/doorward/plugins/openid/openidtest"
)

// atApplication is a signed-in browser that uses only an application for archers, behind a
// proxy that asks the host.
type atApplication struct {
	fakeSetup
	t      *testing.T
	person *agent
	app    string // host and port
	ask    string // URL
	cookie string
}

// startAtApplication signs alice in. The host asks her provider every 10 s.
func startAtApplication(t *testing.T, front func(w http.ResponseWriter, r *http.Request, fake http.Handler)) *atApplication {
	t.Helper()
	a := &atApplication{t: t, app: fmt.Sprint("localhost:", freePort(t))}
	address := fmt.Sprint("127.0.0.1:", freePort(t))
	a.ask = "http://" + address + "/forward-auth"
	file := filepath.Join(t.TempDir(), "doorward.yaml")
	if err := os.WriteFile(file, []byte("forward_auth: {apps: [{name: range, url: 'http://"+a.app+"', groups: [archers]}]}"), 0o600); err != nil {
		t.Fatal(err)
	}
	a.fakeSetup = startFakeBehind(t, front, openidtest.Config{AutoApprove: true}, openidtest.Client{}, map[string]string{
		"CONFIG_PATH": file, "AUTH_FAKE_OFFLINE_ACCESS": "true", "FORWARD_AUTH_ADDRESS": address,
		"FORWARD_AUTH_TRUST_PROXY": "127.0.0.1", "FORWARD_AUTH_ASK_EVERY": "10s",
	})
	a.person = newAgent(t, a.host, "alice")
	a.person.inSession("fake")
	a.cookie = a.person.cookie(sessionCookie)
	return a
}

// use sends the check of one request to the application.
func (a *atApplication) use() (status int, groups string) {
	a.t.Helper()
	req, err := http.NewRequestWithContext(a.t.Context(), http.MethodGet, a.ask, nil)
	if err != nil {
		a.t.Fatal(err)
	}
	for name, value := range map[string]string{
		"X-Forwarded-Method": "GET", "X-Forwarded-Proto": "http", "X-Forwarded-Host": a.app, "X-Forwarded-Uri": "/targets",
	} {
		req.Header.Set(name, value)
	}
	req.AddCookie(&http.Cookie{Name: sessionCookie, Value: a.cookie})
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		a.t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode, resp.Header.Get("Remote-Groups")
}

// want uses the application until the response has this status.
func (a *atApplication) want(what string, status int) {
	a.t.Helper()
	eventually(a.t, what, func() bool {
		got, _ := a.use()
		return got == status
	})
}

// TestProviderIsAskedAboutSessionsAtApplications: a browser that only uses applications,
// and never refreshes its session, loses a group within an interval after the provider
// removes it, and loses the session when the account is locked.
func TestProviderIsAskedAboutSessionsAtApplications(t *testing.T) {
	a := startAtApplication(t, nil)
	if status, groups := a.use(); status != http.StatusOK || groups != "archers,staff" {
		t.Fatalf("signed in: %d, groups %q", status, groups)
	}
	a.provider.SetClaims("alice", map[string]any{"name": "Alice Archer", "groups": []string{"staff"}})
	a.want("without the group", http.StatusForbidden)
	asked := a.provider.Hits(openidtest.TokenEndpoint)
	if asked != 2 {
		t.Errorf("the provider was asked for tokens %d times, for the login and once since", asked)
	}
	a.provider.SetClaims("alice", map[string]any{"name": "Alice Archer", "groups": []string{"staff", "archers"}})
	a.want("with the group again", http.StatusOK)
	a.provider.Revoke("alice")
	a.want("locked out", http.StatusUnauthorized)
	a.person.wantSession(false)
}

// TestStopWhileASessionIsAskedAbout: a host that stops waits for a running refresh. The
// refresh tokens of this provider can be used once, so that the session would otherwise be
// lost.
func TestStopWhileASessionIsAskedAbout(t *testing.T) {
	asked, release := make(chan struct{}, 1), make(chan struct{})
	free := sync.OnceFunc(func() { close(release) })
	t.Cleanup(free)
	a := startAtApplication(t, func(w http.ResponseWriter, r *http.Request, fake http.Handler) {
		if refreshesAt(r) {
			select {
			case asked <- struct{}{}:
			default:
			}
			<-release
		}
		fake.ServeHTTP(w, r)
	})
	eventually(t, "the provider is asked", func() bool {
		if status, _ := a.use(); status != http.StatusOK { // requests do not wait for the refresh
			t.Fatalf("the application is closed: %d", status)
		}
		return len(asked) > 0
	})
	stopped := make(chan error, 1)
	go func() { stopped <- a.host.Stop() }()
	eventually(t, "the host listens no more", func() bool {
		conn, err := net.Dial("tcp", net.JoinHostPort("localhost", strings.TrimPrefix(a.host.URL, "http://localhost:")))
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
	time.AfterFunc(6*time.Second, free) // plugins have less time to end
	if err := <-stopped; err != nil {
		t.Fatal(err)
	}
	if err := a.host.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := a.person.call(http.MethodPost, "/auth/refresh", map[string]any{"mode": "session"}, nil); got.status != http.StatusOK {
		t.Errorf("the next refresh: %d %s", got.status, got.body)
	}
	a.person.wantSession(true)
}
