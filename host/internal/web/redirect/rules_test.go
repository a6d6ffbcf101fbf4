package redirect_test

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/doorward/doorward/host/internal/web/redirect"
)

// refused stands for ErrNotAllowed in the tables.
const refused = "(refused)"

func rules(t testing.TB, publicURL string, allowList ...string) *redirect.Rules {
	t.Helper()
	r, err := redirect.New(publicURL, allowList)
	if err != nil {
		t.Fatalf("making the rules: %v", err)
	}
	return r
}

func check(t *testing.T, r *redirect.Rules, raw, want string) {
	t.Helper()
	got, err := r.Resolve(raw)
	if err != nil {
		if !errors.Is(err, redirect.ErrNotAllowed) {
			t.Errorf("Resolve(%q): error %v is not ErrNotAllowed", raw, err)
		}
		if got != "" {
			t.Errorf("Resolve(%q) returned %q beside an error", raw, got)
		}
		got = refused
	}
	if got != want {
		t.Errorf("Resolve(%q) = %q (%v), want %q", raw, got, err, want)
	}
}

// Behavior that Directus clients rely on.
func TestSeedTable(t *testing.T) {
	tests := []struct{ raw, want string }{
		{"", "/"},
		{"admin/x", "/admin/x"},
		{"./a", "/a"},
		{"../a", "/a"},
		{"?a=b", "/?a=b"},
		{"#x", "/#x"},
		{`\evil.com`, "/evil.com"},
		{"/\tevil.com", "/evil.com"},
		{"/ evil.com", "/%20evil.com"},
		{"//evil.com", refused},
		{`/\evil.com`, refused},
		{`\\evil.com`, refused},
		{"%2F%2Fevil.com", "/%2F%2Fevil.com"},
		{"javascript:alert(1)", refused},
		{"myapp://cb", refused},
		{"https:evil.com", refused},
		{"https://directus.app@evil.com", refused},
		{"http://directus.app/", refused},
		{"https://directus.app/any?x#y", "https://directus.app/any?x#y"},
		{"https://directus.app", "https://directus.app/"},
		{"HTTPS://DIRECTUS.APP:443/A", "https://directus.app/A"},
		{"/admin/login?continue=", "/admin/login?continue="},
		{"https://directus.app/admin/login?continue=", "https://directus.app/admin/login?continue="},
		{"/content/ä?q=ü 'x'#ö", "/content/%C3%A4?q=%C3%BC%20%27x%27#%C3%B6"},
	}
	r := rules(t, "https://directus.app")
	for _, tt := range tests {
		t.Run(tt.raw, func(t *testing.T) { check(t, r, tt.raw, tt.want) })
	}
}

func TestBasePathOfPublicURLDoesNotMatter(t *testing.T) {
	r := rules(t, "https://directus.app/sub/")
	check(t, r, "admin", "/admin")
	check(t, r, "https://directus.app/elsewhere", "https://directus.app/elsewhere")
}

func TestAllowList(t *testing.T) {
	r := rules(t, "https://directus.app",
		"https://app.example/cb", " https://app.example/other?x=1#y", "http://app.example:8080/cb", "",
		"https://bücher.example/", "https://app.example/a%20b")
	tests := []struct{ raw, want string }{
		{"https://app.example/cb", "https://app.example/cb"},
		{"https://app.example/cb?any=1#thing", "https://app.example/cb?any=1#thing"},
		{"https://app.example:443/cb", "https://app.example/cb"},
		{"https://app.example/other", "https://app.example/other"},
		{"http://app.example:8080/cb", "http://app.example:8080/cb"},
		{"https://xn--bcher-kva.example/", "https://xn--bcher-kva.example/"},
		{"https://app.example/a b", "https://app.example/a%20b"},
		{"https://directus.app/still/allowed", "https://directus.app/still/allowed"},
		{"https://app.example/login", refused},
		{"https://app.example/cb/", refused},
		{"https://app.example/c%62", refused},
		{"https://app.example/cb/../other2", refused},
		{"https://app.example/", refused},
		{"http://app.example/cb", refused},
		{"https://app.example:8080/cb", refused},
		{"https://sub.app.example/cb", refused},
	}
	for _, tt := range tests {
		t.Run(tt.raw, func(t *testing.T) { check(t, r, tt.raw, tt.want) })
	}
}

func TestAllowListEntryNamedLoginElsewhereIsNoLoop(t *testing.T) {
	r := rules(t, "https://directus.app", "https://app.example/login")
	check(t, r, "https://app.example/login", "https://app.example/login")
}

func TestNewRefuses(t *testing.T) {
	tests := []struct{ name, public, entry string }{
		{"a path as public URL", "/", ""},
		{"no public URL", "", ""},
		{"a public URL with a password", "https://a:b@directus.app", ""},
		{"another scheme as public URL", "ftp://directus.app", ""},
		{"a custom scheme", "", "myapp://cb"},
		{"a script", "", "javascript:alert(1)"},
		{"a bare host", "", "app.example"},
		{"a path", "", "/cb"},
		{"a user name", "", "https://me@app.example/cb"},
		{"a wildcard host (L09)", "", "https://*.app.example/cb"},
		{"a wildcard path", "", "https://app.example/*"},
		{"a port out of range", "", "https://app.example:99999/"},
		{"a NUL", "", "https://app.example/\x00a"},
		{"broken UTF-8", "", "https://app.example/\xff"},
		{"too long", "", "https://app.example/" + strings.Repeat("a", redirect.MaxSize)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			public, list := "https://directus.app", []string{"https://fine.example/", tt.entry}
			if tt.entry == "" {
				public = tt.public
			}
			_, err := redirect.New(public, list)
			if err == nil {
				t.Fatal("no error")
			}
			named := tt.entry
			if named == "" {
				named = "public URL"
			}
			if len(named) < 64 && named[0] < 0x7f && !strings.Contains(named, "\x00") && utf8.ValidString(named) && !strings.Contains(err.Error(), named) {
				t.Errorf("error %q does not name %q", err, named)
			}
		})
	}
}

func TestErrorsRepeatNothingOfTheTarget(t *testing.T) {
	r := rules(t, "https://directus.app")
	for _, raw := range []string{
		"https://s3cret.example/", "//s3cret.example", "s3cret:x", "/\x00s3cret", "/%00s3cret", "https://s3cret@directus.app",
		"https://[s3cret/", strings.Repeat("s3cret", 1000), "/s3cret\xff",
	} {
		if _, err := r.Resolve(raw); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("Resolve(%q): %v", raw, err)
		}
	}
}
