package page_test

import (
	"io"
	"strings"
	"testing"

	"github.com/doorward/doorward/host/internal/web/page"
)

// BenchmarkSubmit is what the page costs that posts a large response again.
func BenchmarkSubmit(b *testing.B) {
	pages := newPages(b)
	for name, part := range map[string]string{"base64": "abcdefgh+/IJKLMN", "quotes": `""""""""""""""""`} {
		b.Run(name, func(b *testing.B) {
			view := page.Submit{Action: "/x", Fields: []page.HiddenField{{Name: "SAMLResponse", Value: strings.Repeat(part, 32<<10)}}}
			b.SetBytes(512 << 10)
			b.ReportAllocs()
			for b.Loop() {
				if err := pages.Render(io.Discard, view); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
