package plugintest

import (
	"context"
	"crypto/rand"
	"slices"
	"testing"
	"time"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/plugin"
)

// fullMemory begins with the largest memory that is allowed.
type fullMemory struct{ memory []byte }

func openFullMemory(context.Context, sdk.Env, struct{}) (sdk.Mechanism, error) {
	memory := make([]byte, sdk.MaxMemory)
	rand.Read(memory)
	return fullMemory{memory}, nil
}

func (f fullMemory) Begin(_ context.Context, req sdk.BeginRequest) (sdk.Step, error) {
	return sdk.Redirect{URL: "https://op.example/authorize?state=" + req.State, Memory: f.memory}, nil
}

func (f fullMemory) Continue(context.Context, sdk.ContinueRequest) (sdk.Step, error) {
	return nil, sdk.InvalidResponse("none", "not asked for")
}

// BenchmarkBegin is one call with 1 KiB of memory in the answer: over a unix socket in this
// process, and to another process with mutual TLS.
func BenchmarkBegin(b *testing.B) {
	b.Run("here", func(b *testing.B) {
		benchmarkBegin(b, Serve(b, plugin.Description{Mechanism: "bench"}, openFullMemory, nil))
	})
	b.Run("process", func(b *testing.B) {
		benchmarkBegin(b, Start(b, demoBinary(b, "bench")))
	})
}

func benchmarkBegin(b *testing.B, client *plugin.Client) {
	p, err := client.Open(b.Context(), Request(nil))
	if err != nil {
		b.Fatal(err)
	}
	begin := func() bool {
		_, err := p.Begin(b.Context(), sdk.BeginRequest{State: testState})
		if err != nil {
			b.Error(err)
		}
		return err == nil
	}
	b.Run("serial", func(b *testing.B) {
		b.ReportAllocs()
		var took []time.Duration
		for b.Loop() {
			begun := time.Now()
			begin()
			took = append(took, time.Since(begun))
		}
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)/2].Nanoseconds())/1e3, "p50-µs")
	})
	b.Run("parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.SetParallelism(8)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() && begin() {
			}
		})
	})
}

// BenchmarkStart starts a plugin process and waits for its first answer. Making the two keys
// of mutual TLS takes most of the time.
func BenchmarkStart(b *testing.B) {
	binary := magicBinary(b)
	for b.Loop() {
		client, kill := connect(b, processConfig(b, binary))
		if _, _, err := client.Describe(b.Context()); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		kill()
		b.StartTimer()
	}
}
