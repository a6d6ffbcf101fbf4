package provider

import (
	"slices"
	"syscall"
	"testing"
	"time"

	hclog "github.com/hashicorp/go-hclog"

	"github.com/doorward/doorward/host/internal/provider/process"
	"github.com/doorward/doorward/sdk"
)

// BenchmarkKilledPlugin kills a plugin under a call. "seen" is until the call has
// ended with an error, "serving" until another process answers.
func BenchmarkKilledPlugin(b *testing.B) {
	limits := defaultLimits
	limits.pauses.Settled, limits.pauses.Deaths = 0, 1<<30 // each death counts as the first
	h := startHost(b, Config{Binaries: binaries(b, "fake"), limits: limits, Providers: []Configured{configured("fake", "a")}})
	var seen, serving []float64
	for b.Loop() {
		pid, err := h.begin(b, "a", "")
		if err != nil {
			b.Fatal(err)
		}
		ended := h.hang(b, "a")
		killed := time.Now()
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			b.Fatal(err)
		}
		seen = append(seen, (<-ended).Sub(killed).Seconds()*1e3)
		h.awaitAnother(b, "a", pid)
		serving = append(serving, time.Since(killed).Seconds()*1e3)
	}
	reportTimes(b, "seen", seen)
	reportTimes(b, "serving", serving)
}

// hang makes a call that does not end until it is aborted, and tells when it did.
func (h host) hang(b *testing.B, provider string) <-chan time.Time {
	b.Helper()
	m, err := h.mechanism(b.Context(), provider)
	if err != nil {
		b.Fatal(err)
	}
	ended := make(chan time.Time, 1)
	go func() {
		_, err := m.Continue(b.Context(), sdk.ContinueRequest{State: "s", Answers: map[string]string{"do": "hang"}})
		ended <- time.Now()
		if err == nil {
			b.Error("the call went well")
		}
	}()
	calls := h.now.Load().handles[provider].current.Load().calls
	eventually(b, "the call", func() bool {
		calls.mu.Lock()
		defer calls.mu.Unlock()
		return calls.n == 1
	})
	return ended
}

// BenchmarkStartProcess is from nothing until a plugin has said what it is, the
// check of its digest included.
func BenchmarkStartProcess(b *testing.B) {
	from := binaries(b, "fake")
	launch := process.Launch{RuntimeDir: b.TempDir(), Logger: hclog.NewNullLogger(), Limits: process.DefaultLimits}
	var ready []float64
	for b.Loop() {
		begun := time.Now()
		binary, err := from.Open("fake")
		if err != nil {
			b.Fatal(err)
		}
		p, err := process.Start(b.Context(), binary, launch)
		if err != nil {
			b.Fatal(err)
		}
		ready = append(ready, time.Since(begun).Seconds()*1e3)
		b.StopTimer()
		p.Stop()
		b.StartTimer()
	}
	reportTimes(b, "ready", ready)
}

func reportTimes(b *testing.B, what string, ms []float64) {
	b.Helper()
	slices.Sort(ms)
	b.ReportMetric(ms[len(ms)/2], what+"-p50-ms")
	b.ReportMetric(ms[len(ms)-1], what+"-max-ms")
}
