package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/plugins/openid/openidtest"
)

// startBenchHost runs the built host with a provider that approves immediately.
func startBenchHost(b *testing.B) *Host {
	b.Helper()
	port, err := FreePort()
	if err != nil {
		b.Fatal(err)
	}
	client := openidtest.Client{
		ID: "doorward", Secret: newClientSecret(), RedirectURIs: []string{localURL("localhost", port) + "/auth/login/fake/callback"},
	}
	fake := openidtest.Start(b, openidtest.Config{AutoApprove: true, Clients: []openidtest.Client{client}})
	env := map[string]string{"AUTH_PROVIDERS": "fake"}
	provider(env, "FAKE", map[string]string{
		"DRIVER": "openid", "ISSUER_URL": fake.Issuer(), "CLIENT_ID": client.ID, "CLIENT_SECRET": client.Secret,
		"ALLOW_PUBLIC_REGISTRATION": "true",
	})
	host, err := StartHost(b.Context(), HostConfig{Port: port, Env: env})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := host.Remove(); err != nil {
			b.Error(err)
		}
	})
	return host
}

// BenchmarkLogin measures a complete login: host, plugin and provider, five requests in total,
// and a session in the database. "host-MB" is the memory of the host afterwards, without its
// plugins.
func BenchmarkLogin(b *testing.B) {
	host := startBenchHost(b)
	login := func(b *testing.B) {
		jar, err := cookiejar.New(nil)
		if err != nil {
			b.Fatal(err)
		}
		client := &http.Client{Jar: jar}
		req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, host.URL+"/auth/login/fake?redirect=/users/me&login_hint=alice", nil)
		if err != nil {
			b.Fatal(err)
		}
		resp, err := client.Do(req)
		if err != nil {
			b.Fatal(err)
		}
		defer resp.Body.Close()
		if body, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK || !strings.Contains(string(body), `"provider":"fake"`) {
			b.Fatalf("%s: %s", resp.Status, body)
		}
	}
	b.Run("one by one", func(b *testing.B) {
		for b.Loop() {
			login(b)
		}
	})
	b.Run("8 at once", func(b *testing.B) {
		b.SetParallelism(4) // times GOMAXPROCS
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				login(b)
			}
		})
		b.ReportMetric(memoryMB(b, host), "host-MB")
	})
}

// BenchmarkStart measures the time from the start of the process until it responds, with the
// plugin and the provider open. "host-MB" is the memory of an idle host, without its plugins.
func BenchmarkStart(b *testing.B) {
	host := startBenchHost(b)
	var idle float64
	for b.Loop() {
		b.StopTimer()
		if err := host.Stop(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
		err := host.Restart(ctx)
		cancel()
		if err != nil {
			b.Fatal(err)
		}
		idle = memoryMB(b, host)
	}
	b.ReportMetric(idle, "host-MB")
}

// BenchmarkPluginProcess measures the time from the start of a plugin until it has described
// itself, and its memory when its provider is open and nobody signs in: "MB" is resident
// memory, "anon-MB" is memory that is not shared with other processes.
func BenchmarkPluginProcess(b *testing.B) {
	host := startBenchHost(b)
	var ready []float64
	var resident, anonymous float64
	for b.Loop() {
		if err := errors.Join(host.Stop(), host.Restart(b.Context())); err != nil {
			b.Fatal(err)
		}
		_, rest, _ := strings.Cut(host.Output(), "plugin runs: plugin=openid")
		_, rest, _ = strings.Cut(rest, "ready_ms=")
		var ms float64
		if _, err := fmt.Sscan(rest, &ms); err != nil {
			b.Fatalf("reading how long the plugin took: %v\n%s", err, host.Output())
		}
		ready = append(ready, ms)
		pid := host.Plugins()[0]
		resident, anonymous = statusMB(b, pid, "VmRSS:"), statusMB(b, pid, "RssAnon:")
	}
	slices.Sort(ready)
	b.ReportMetric(ready[len(ready)/2], "ready-p50-ms")
	b.ReportMetric(resident, "MB")
	b.ReportMetric(anonymous, "anon-MB")
}

// memoryMB returns the resident memory of the host's process.
func memoryMB(b *testing.B, host *Host) float64 {
	b.Helper()
	return statusMB(b, host.PID(), "VmRSS:")
}

func statusMB(b *testing.B, pid int, field string) float64 {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Skipf("no /proc to read the memory from: %v", err)
	}
	_, rest, _ := strings.Cut(string(status), field)
	var kB float64
	if _, err := fmt.Sscan(rest, &kB); err != nil {
		b.Fatalf("reading the memory of a process: %v", err)
	}
	return kB / 1024
}
