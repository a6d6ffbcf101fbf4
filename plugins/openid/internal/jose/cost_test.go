package jose

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/plugins/openid/internal/jose/josetest"
)

// hostileTokens returns tokens of the given length that are as expensive to read as possible.
func hostileTokens(size int) map[string]string {
	fill := func(begin, part, end string) string {
		return begin + strings.Repeat(part, (size*3/4-len(begin)-len(end)-100)/len(part)) + end
	}
	keys := strings.Builder{}
	for i := 0; keys.Len() < size*3/4-200; i++ {
		fmt.Fprintf(&keys, `"k%d":0,`, i)
	}
	header := josetest.Segment(`{"alg":"RS256"}`)
	return map[string]string{
		"dots":           strings.Repeat(".", size),
		"long header":    josetest.Segment(fill(`{"alg":"RS256","x":"`, "x", `"}`)) + ".e30.AA",
		"header members": josetest.Segment(`{`+keys.String()+`"alg":"RS256"}`) + ".e30.AA",
		"escapes":        josetest.Segment(fill(`{"alg":"RS256","x":"`, `\u00e9`, `"}`)) + ".e30.AA",
		"long payload":   header + "." + josetest.Segment(fill(`{"x":"`, "x", `"}`)) + ".AA",
		"long signature": header + ".e30." + josetest.Segment(fill("", "x", "")),
	}
}

// BenchmarkHostileToken reads tokens of 32 and of 64 KiB by turns, and reports how much more
// the longer ones cost at best: with more than 2.5 times, the parser is not linear.
func BenchmarkHostileToken(b *testing.B) {
	short, long := hostileTokens(maxJWT/2), hostileTokens(maxJWT)
	for _, name := range slices.Sorted(maps.Keys(short)) {
		b.Run(name, func(b *testing.B) {
			best := [2]time.Duration{time.Hour, time.Hour}
			for b.Loop() {
				for i, raw := range []string{short[name], long[name]} {
					start := time.Now()
					_, _ = parseCompact(raw, onlyRS256)
					best[i] = min(best[i], time.Since(start))
				}
			}
			b.ReportMetric(float64(best[1])/float64(best[0]), "64KiB/32KiB")
		})
	}
}
