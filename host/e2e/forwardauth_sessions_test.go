package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/doorward/doorward/plugins/openid/openidtest"
)

// TestProviderIsAskedAboutSessionsAtApplications: a browser that only uses applications,
// and never refreshes its session, loses what its provider takes away: a group within an
// interval, and all of it when the account is locked.
func TestProviderIsAskedAboutSessionsAtApplications(t *testing.T) {
	appPort, askPort := freePort(t), freePort(t)
	file := filepath.Join(t.TempDir(), "doorward.yaml")
	rules := fmt.Sprintf("forward_auth: {apps: [{name: range, url: 'http://localhost:%d', groups: [archers]}]}", appPort)
	if err := os.WriteFile(file, []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	setup := startFake(t, openidtest.Config{AutoApprove: true}, openidtest.Client{}, map[string]string{
		"CONFIG_PATH": file, "AUTH_FAKE_OFFLINE_ACCESS": "true", "FORWARD_AUTH_ADDRESS": fmt.Sprint("127.0.0.1:", askPort),
		"FORWARD_AUTH_TRUST_PROXY": "127.0.0.1", "FORWARD_AUTH_ASK_EVERY": "10s",
	})
	person := newAgent(t, setup.host, "alice")
	person.inSession("fake")
	cookie := person.cookie(sessionCookie)
	ask := func() (status int, groups string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d/forward-auth", askPort), nil)
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range map[string]string{
			"X-Forwarded-Method": "GET", "X-Forwarded-Proto": "http", "X-Forwarded-Host": fmt.Sprint("localhost:", appPort), "X-Forwarded-Uri": "/targets",
		} {
			req.Header.Set(name, value)
		}
		req.AddCookie(&http.Cookie{Name: sessionCookie, Value: cookie})
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode, resp.Header.Get("Remote-Groups")
	}
	want := func(what string, status int) {
		t.Helper()
		eventually(t, what, func() bool {
			got, _ := ask()
			return got == status
		})
	}
	if status, groups := ask(); status != http.StatusOK || groups != "archers,staff" {
		t.Fatalf("signed in: %d, groups %q", status, groups)
	}
	setup.provider.SetClaims("alice", map[string]any{"name": "Alice Archer", "groups": []string{"staff"}})
	want("without the group", http.StatusForbidden)
	asked := setup.provider.Hits(openidtest.TokenEndpoint)
	if asked != 2 {
		t.Errorf("the provider was asked for tokens %d times, for the login and once since", asked)
	}
	setup.provider.SetClaims("alice", map[string]any{"name": "Alice Archer", "groups": []string{"staff", "archers"}})
	want("with the group again", http.StatusOK)
	setup.provider.Revoke("alice")
	want("locked out", http.StatusUnauthorized)
	person.wantSession(false)
}
