package web

import (
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// Queries and forms are read exactly as by net/url.
func FuzzParseParameters(f *testing.F) {
	for _, seed := range []string{
		"", "a=b&c=d", "a=b=c", "a+b=c+d", "%41=%2b%2B", "%", "%4", "%4x", "%zz", "a;b=c", "a=;", "&&&", "=", "a&a=1&a=", "%00=%ff", "%C3%A9=é", "+", "%+", "a%2=",
		strings.Repeat("%41+", 100), "x=" + strings.Repeat("abc%2Bdef+", 50) + "%",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		want, wantErr := url.ParseQuery(text)
		got, err := parseParameters("query", text, 1<<30)
		if (err != nil) != (wantErr != nil) || err == nil && !maps.EqualFunc(got, want, slices.Equal) {
			t.Errorf("%q: %v, %v; want %v, %v", text, got, err, want, wantErr)
		}
	})
}
