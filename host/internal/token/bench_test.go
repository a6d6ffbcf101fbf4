package token

import "testing"

func BenchmarkIssue(b *testing.B) {
	n := newNode(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := n.Issue(b.Context(), claimsAt(start)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	n := newNode(b)
	token := n.mustIssue(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := n.Verify(b.Context(), token); err != nil {
			b.Fatal(err)
		}
	}
}
