package main

import (
	"slices"
	"testing"
	"time"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/outbound"
)

// BenchmarkGuardedLogin compares logins through the guarded dialer with logins through the
// bare dialer. LDAP is the worst case for the guard: each login opens a connection for the
// bind, while HTTP reuses connections. The parts alternate, and the login has no client, so
// that the benchmark measures only the mechanism and the directory. "ratio" is guarded to
// bare, using the medians of 20 rounds; "noise" is bare to bare, measured in the same way.
func BenchmarkGuardedLogin(b *testing.B) {
	dialer, err := outbound.New(outbound.Settings{Allow: []string{"10.0.0.0/8", "directory.example"}})
	if err != nil {
		b.Fatal(err)
	}
	for name, p := range peers(b) {
		b.Run(name, func(b *testing.B) {
			sides := []*local{
				openLocal(b, func(env *sdk.Env) { env.Dial = dialer.Dial }, p.options()),
				openLocal(b, nil, p.options()),
				openLocal(b, nil, p.options()),
			}
			const rounds, logins = 20, 200
			took := make([][]time.Duration, len(sides))
			for b.Loop() {
				for range rounds {
					for i, side := range sides {
						begin := time.Now()
						for range logins {
							if err := side.loginOnce(); err != nil {
								b.Fatal(err)
							}
						}
						took[i] = append(took[i], time.Since(begin)/logins)
					}
				}
			}
			guarded, bare, again := median(took[0]), median(took[1]), median(took[2])
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(guarded.Microseconds()), "guarded-µs")
			b.ReportMetric(float64(bare.Microseconds()), "bare-µs")
			b.ReportMetric(float64(guarded)/float64(bare), "ratio")
			b.ReportMetric(float64(again)/float64(bare), "noise")
		})
	}
}

func median(list []time.Duration) time.Duration {
	slices.Sort(list)
	return list[len(list)/2]
}
