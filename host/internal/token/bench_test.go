package token

import "testing"

func BenchmarkIssue(b *testing.B) {
	eachBenchmark(b, func(b *testing.B, n *node) {
		for b.Loop() {
			if _, err := n.Issue(b.Context(), claimsAt(start)); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	eachBenchmark(b, func(b *testing.B, n *node) {
		token := n.mustIssue(b)
		b.ReportMetric(float64(len(token)), "bytes-of-token")
		for b.Loop() {
			if _, err := n.Verify(b.Context(), token); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkMakeKey is the work of Maintain every 30 days, and of no request.
func BenchmarkMakeKey(b *testing.B) {
	eachBenchmark(b, func(b *testing.B, n *node) {
		for b.Loop() {
			if _, err := newKey(n.seal, n.config.Algorithm, start); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkReread is the work of one request a second.
func BenchmarkReread(b *testing.B) {
	eachBenchmark(b, func(b *testing.B, n *node) {
		for b.Loop() {
			if _, err := n.reread(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func eachBenchmark(b *testing.B, benchmark func(b *testing.B, n *node)) {
	for _, a := range algorithms {
		b.Run(string(a.name), func(b *testing.B) {
			n := startAlgorithm(b, &keyStore{}, start, string(a.name))
			b.ReportAllocs()
			benchmark(b, n)
		})
	}
}
