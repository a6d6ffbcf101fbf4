package e2e

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
)

// A plugin that floods the streams of go-plugin's own services costs the host no
// memory: as much as one that does not flood, or less than twice of it.
func TestK08StreamsOfTheLibrary(t *testing.T) {
	quiet := hostPeakMB(t, "quiet")
	for _, kind := range []string{"conninfo", "knock", "stdio"} {
		t.Run(kind, func(t *testing.T) {
			peak := hostPeakMB(t, kind)
			t.Logf("%.0f MB at most, with a quiet plugin %.0f MB", peak, quiet)
			if peak > 2*quiet {
				t.Errorf("the host had %.0f MB, with a quiet plugin %.0f MB", peak, quiet)
			}
		})
	}
}

// hostPeakMB is the most memory that a host ever had, after people have signed in
// while the plugin ran, and have started logins through it.
func hostPeakMB(t *testing.T, kind string) float64 {
	t.Helper()
	mechanism := "streams-" + kind
	h := startHostile(t, mechanism)
	if out, code := h.addEvil(t, mechanism); code != 0 {
		t.Fatalf("adding the provider: %s", out)
	}
	people := h.signingIn(t, 2)
	for range 1000 {
		person := newAgent(t, h.testHost, "mallory")
		if got := person.get(h.URL + "/auth/login/evil"); got.status != http.StatusFound {
			t.Fatalf("starting a login: %d %s", got.status, got.body)
		}
	}
	people.disperse()
	return peakMB(t, h.PID())
}

func peakMB(t *testing.T, pid int) float64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Skipf("no /proc to read the memory from: %v", err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	var kB float64
	if _, err := fmt.Sscan(rest, &kB); err != nil {
		t.Fatalf("reading the memory of a process: %v", err)
	}
	return kB / 1024
}
