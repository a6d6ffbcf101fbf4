package profile

import (
	"net/url"
	"strings"
	"testing"
)

func TestNextLink(t *testing.T) {
	for field, want := range map[string]string{
		``:                                "",
		`<https://a/?page=2>; rel="next"`: "https://a/?page=2",
		`<https://a/?page=9>; rel="last", <https://a/?page=2>; rel="next"`: "https://a/?page=2",
		`<https://a/?page=1>; rel="first",<https://a/?page=2>;rel=next`:    "https://a/?page=2",
		`<https://a/?a=1,2>; title="x, y; z"; rel="prev next"`:             "https://a/?a=1,2",
		`<https://a/>; REL="NEXT"`:                                         "https://a/",
		`<https://a/>; rel="last"`:                                         "",
		`<https://a/>; results="true"; rel="previous"`:                     "",
		`<?cursor=abc>; rel="next"; results="true"; cursor="0:100:0"`:      "?cursor=abc",
		`<https://a/>; rel="nextx"`:                                        "",
		`<https://a/>; flag; rel="next"`:                                   "https://a/",
	} {
		got, err := nextLink(field)
		if got != want || err != nil {
			t.Errorf("%s: %q, %v", field, got, err)
		}
	}
	for _, bad := range []string{
		`https://a/; rel="next"`, `<https://a/; rel="next"`, `<https://a/>; rel="next`, `<a>; rel=next, <b>; rel=next`, `<a> x`, strings.Repeat("<a>,", 4000),
	} {
		if got, err := nextLink(bad); err == nil {
			t.Errorf("%.40s: %q", bad, got)
		}
	}
}

// FuzzNextLink: parsing ends for any field, and a next page is in the folder of the first
// page.
func FuzzNextLink(f *testing.F) {
	for _, example := range []string{`<https://api.example/user/orgs?page=2>; rel="next"`, `<//evil.example>; rel=next`, `</user/../x>;rel=next`, `<?page=2>; rel="next", <x>`, `<\\evil>; rel=next`, `<//API.example/user/>; rel=next`, `<//api.example/USER/>; rel=next`} {
		f.Add(example)
	}
	first, err := url.Parse("https://api.example/user/orgs?page=1")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, field string) {
		text, err := nextLink(field)
		if err != nil || text == "" {
			return
		}
		next, err := first.Parse(text)
		if err != nil || !sameFolder(first, next) {
			return
		}
		// The host is case-insensitive (RFC 3986 section 3.2.2), the path is not.
		const folder = "https://api.example/user/"
		followed := next.String()
		origin := min(len("https://api.example"), len(followed))
		followed = strings.ToLower(followed[:origin]) + followed[origin:]
		if !strings.HasPrefix(followed, folder) || strings.Contains(next.Path, "/../") {
			t.Fatalf("%q leads to %s", field, next)
		}
	})
}
