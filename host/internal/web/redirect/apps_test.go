package redirect_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/doorward/doorward/host/internal/web/redirect"
)

// Deep links into applications: any path and query, and no other location.
func TestApps(t *testing.T) {
	plain, err := redirect.New("https://sso.test", []string{"https://other.test/welcome"})
	if err != nil {
		t.Fatal(err)
	}
	rules := plain.WithApps([]string{"https://app.test/", "https://team.test/wiki/", "https://port.test:8443/"})
	for asked, want := range map[string]string{
		"https://app.test":                              "https://app.test/",
		"https://app.test/x/y?a=b&c=%26%23%2B+e;f":      "https://app.test/x/y?a=b&c=%26%23%2B+e;f", // FA32
		"https://app.test/gr%C3%BC%C3%9Fe?q=1#top":      "https://app.test/gr%C3%BC%C3%9Fe?q=1#top",
		"https://APP.test:443/x":                        "https://app.test/x",
		"https://app.test/a?b=https://evil":             "https://app.test/a?b=https://evil",
		"https://app.test/@evil":                        "https://app.test/@evil",
		"https://app.test/logout":                       "https://app.test/logout",
		"https://app.test/" + strings.Repeat("a", 1900): "https://app.test/" + strings.Repeat("a", 1900),
		"https://app.test//evil":                        "https://app.test//evil",
		`https://app.test/\evil`:                        "https://app.test//evil",
		"https://app.test/%09/evil":                     "https://app.test/", // FA33
		"https://app.test/%00":                          "https://app.test/",
		"https://app.test/" + strings.Repeat("a", 4096): "https://app.test/",
		"https://app.test/\x01":                         "https://app.test/",
		"https://app.test/" + strings.Repeat("ü", 700):  "https://app.test/",
		"https://team.test/wiki/x":                      "https://team.test/wiki/x",
		"https://team.test/wiki/%00":                    "https://team.test/wiki/",
		"https://port.test:8443/x":                      "https://port.test:8443/x",
		"https://other.test/welcome?x":                  "https://other.test/welcome?x",
		"/x":                                            "/x",
	} {
		if got, err := rules.Resolve(asked); got != want || err != nil {
			t.Errorf("FA31 %.80s: to %q, %v; want %q", asked, got, err, want)
		}
	}
	for _, asked := range []string{
		"https://app.test.evil/x", "https://app.test@evil/x", `https://app.test\@evil/x`, "https://app.test:8443/x", "http://app.test/x", "https://evil/https://app.test/",
		"https://team.test/", "https://team.test/wiki", "https://team.test/wikix/", "https://team.test/other", "https://port.test/", "https://x.app.test/", "//app.test/x",
		"https:app.test/x", "https:/app.test/x", "https://other.test/other", "https://app.test%2f@evil/", "https://ａpp.test/", "javascript:https://app.test/", "https://team.test/%00",
	} {
		if got, err := rules.Resolve(asked); !errors.Is(err, redirect.ErrNotAllowed) {
			t.Errorf("%s: to %q, %v", asked, got, err)
		}
	}
	if got, err := rules.Resolve("https://team.test/wiki/../x"); got != "https://team.test/wiki/" || err != nil {
		t.Errorf("out of the app: to %q, %v", got, err)
	}
	if _, err := plain.Resolve("https://app.test/x"); !errors.Is(err, redirect.ErrNotAllowed) {
		t.Errorf("without apps: %v", err)
	}
}
