package e2e

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// wordsHoldFor are the folders and files in which the words are not allowed. A folder stands
// for its Markdown, Go, proto and HTML files. Tests are left out, because the names of their
// cases stay as they are, and so are migrations, which never change.
var wordsHoldFor = []string{"README.md", "CONTRIBUTING.md", "docs", "host", "plugins", "sdk"}

// forTests matches the folders of packages that only tests use.
var forTests = regexp.MustCompile(`(^|/)([a-z0-9]+test|e2e|testdata)/`)

// words are words over which a reader stumbles, and what to write in their place.
var words = []struct{ pattern, instead string }{
	{`the seed\b`, "Directus"},
	{`attack catalogue`, "a row of docs/attacks.md"},
	{`vouch(ed|es)? for you`, "confirmed who you are"},
	{`(does|did|do) not hold\b`, "is not valid, could not be verified"},
	{`default: nowhere`, "off by default"},
	{`and always so`, "always …; otherwise …"},
	{`to mend`, "to fix; check found errors"},
	{`(of|in|takes|to|is) some [0-9]`, "about …"},
	{`for ever`, "permanently, indefinitely, forever"},
	{`who(m|se)?ever`, "anyone who, people who, clients that"},
	{`anew`, "again"},
	{`likewise`, "also, in the same way"},
	{`there(by|of|upon)|where(of|by|upon)`, "by which, of which"},
	{`thus`, "so, therefore"},
	{`meanwhile`, "in the meantime, while …"},
	{`besides?`, "next to, in addition to, also"},
	{`or else`, "otherwise"},
	{`by the hand`, "manually"},
	{`needs to know of us`, "our metadata"},
}

func TestWords(t *testing.T) {
	files := wordedFiles(t)
	if len(files) < 50 {
		t.Fatalf("only %d files are found", len(files))
	}
	for _, word := range words {
		found := regexp.MustCompile(`(?i)\b(?:` + strings.ReplaceAll(word.pattern, " ", `\s+(?://\s+)?`) + `)(?:\b|[^\w]|$)`)
		for _, file := range files {
			text := source(t, file)
			for _, at := range found.FindAllStringIndex(text, -1) {
				t.Errorf("%s:%d: %q: write: %s", file, 1+strings.Count(text[:at[0]], "\n"), strings.TrimSpace(text[at[0]:at[1]]), word.instead)
			}
		}
	}
}

// wordedFiles are the files of the repository in which the words are not allowed.
func wordedFiles(t *testing.T) []string {
	t.Helper()
	return slices.DeleteFunc(trackedFiles(t), func(name string) bool {
		return !slices.Contains([]string{".md", ".go", ".proto", ".html"}, path.Ext(name)) ||
			strings.HasSuffix(name, ".pb.go") || strings.HasSuffix(name, "_test.go") || forTests.MatchString(name) ||
			!slices.ContainsFunc(wordsHoldFor, func(scope string) bool { return name == scope || strings.HasPrefix(name, scope+"/") })
	})
}
