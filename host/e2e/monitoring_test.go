package e2e

import (
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// Metrics and health on the monitoring listener, after a login, a denial and the death
// of a plugin.
func TestMonitoring(t *testing.T) {
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(freePort(t)))
	h := hostileHost{reloadable: startReloadable(t, HostConfig{Env: map[string]string{"METRICS_ADDRESS": address}}, hostileAs(t, "evil", ""))}
	if out, code := h.addEvil(t, "evil"); code != 0 {
		t.Fatalf("adding the provider: %s", out)
	}
	if err := wholeLogin(t.Context(), h.URL, "fake"); err != nil {
		t.Fatal(err)
	}
	wantNothingGained(t, h.evilAnswer(t, newAgent(t, h.testHost, "mallory"), "evil", "nothing"), http.StatusUnauthorized, denied)
	first := h.plugin(t, "evil")
	if err := syscall.Kill(first.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	h.awaitReady(t, "evil", first.PID)

	var text string
	eventually(t, "both providers in the metrics", func() bool {
		text = fetch(t, "http://"+address+"/metrics")
		return strings.Contains(text, `doorward_provider_available{plugin="evil",provider="evil"} 1`)
	})
	for _, want := range []string{
		`doorward_plugin_call_seconds_count{code="ok",method="begin",plugin="openid",provider="fake",source="none"} 1`,
		`doorward_plugin_call_seconds_count{code="ok",method="continue",plugin="openid",provider="fake",source="none"} 1`,
		`doorward_plugin_call_seconds_count{code="denied",method="continue",plugin="evil",provider="evil",source="user"} 1`,
		`doorward_plugin_calls_in_flight{plugin="openid"} 0`,
		`doorward_plugin_calls_waiting{plugin="openid",provider="fake"} 0`,
		`doorward_plugin_deaths_total{plugin="evil"} 1`,
		`doorward_plugin_ready{plugin="evil",state="ready",version="1.2.3"} 1`,
		`doorward_provider_available{plugin="openid",provider="fake"} 1`,
		"go_goroutines ", "process_resident_memory_bytes ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the metrics do not have %s", want)
		}
	}
	if health := fetch(t, "http://"+address+"/health"); !strings.Contains(health, `"status":"ok"`) || !strings.Contains(health, first.SHA256) {
		t.Errorf("health: %s", health)
	}
	if t.Failed() {
		t.Log(text)
	}
	for _, path := range []string{"/metrics", "/health"} {
		if got := newAgent(t, h.testHost, "").get(h.URL + path); got.status != http.StatusNotFound {
			t.Errorf("%s is served to everybody: %d", path, got.status)
		}
	}
}

func fetch(t *testing.T, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %v", url, resp.Status, err)
	}
	return string(body)
}
