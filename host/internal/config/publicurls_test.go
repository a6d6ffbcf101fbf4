package config_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/host/internal/config"
)

func TestAllowedPublicURLs(t *testing.T) {
	c := newSetup(t, "PUBLIC_URL=https://login.example.org", "AUTH_ALLOWED_PUBLIC_URLS=https://Intern.Example:443/sso/,https://login.example.org/ , http://localhost:8055,https://intern.example/sso,https://login.example.org:8443").mustLoad(t)
	var got []string
	for _, u := range c.AllowedPublicURLs {
		got = append(got, u.String())
	}
	if diff := cmp.Diff([]string{"https://intern.example/sso", "http://localhost:8055", "https://login.example.org:8443"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(got, c.Settings.AllowedPublicURLs); diff != "" {
		t.Errorf("as settled (-want +got):\n%s", diff)
	}
	if len(c.Warnings) > 0 {
		t.Errorf("warnings: %q", c.Warnings)
	}
	yaml := newSetup(t).yaml(t, "public_url: https://login.example.org\nauth_allowed_public_urls: [https://b.example]\n").mustLoad(t)
	if len(yaml.AllowedPublicURLs) != 1 || yaml.AllowedPublicURLs[0].Host != "b.example" {
		t.Errorf("in YAML: %v", yaml.AllowedPublicURLs)
	}
	if c := newSetup(t).mustLoad(t); c.AllowedPublicURLs != nil {
		t.Errorf("by default: %v", c.AllowedPublicURLs)
	}
}

// Each entry follows the rules of PUBLIC_URL, and no two have the same host.
func TestAllowedPublicURLsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"http://b.example":                            "number 1 must be https",
		"https://b.example,b.example":                 "number 2 must be an absolute URL",
		"https://hunter2@b.example":                   "number 1 must not have a user",
		"https://*.example.org":                       "host name",
		"https://b.example?x":                         "query or a fragment",
		"https://b.example/a/../b":                    "plain path",
		"https://login.example.org/sso":               "of the host login.example.org",
		"https://b.example,https://b.example/sso":     "of the host b.example",
		"https://localhost,http://localhost":          "of the host localhost",
		"https://b.example:8443,https://b.example:x/": "number 2",
	} {
		_, err := newSetup(t, "PUBLIC_URL=https://login.example.org", "AUTH_ALLOWED_PUBLIC_URLS="+text).load()
		if err == nil || !strings.Contains(err.Error(), "AUTH_ALLOWED_PUBLIC_URLS: ") || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func TestPrefixedCookiesAtAnHTTPURL(t *testing.T) {
	const public = "PUBLIC_URL=https://login.example.org"
	for _, tt := range []struct {
		env  []string
		want int
	}{
		{[]string{public, "AUTH_ALLOWED_PUBLIC_URLS=http://localhost:8055", "SESSION_COOKIE_NAME=__Host-session_token"}, 1},
		{[]string{public, "AUTH_ALLOWED_PUBLIC_URLS=http://localhost:8055"}, 0},
		{[]string{public, "AUTH_ALLOWED_PUBLIC_URLS=https://b.example", "SESSION_COOKIE_NAME=__Host-session_token"}, 0},
	} {
		c := newSetup(t, tt.env...).mustLoad(t)
		if len(c.Warnings) != tt.want || tt.want > 0 && !strings.Contains(c.Warnings[0], "SESSION_COOKIE_NAME begins with __Host- or __Secure-, and some browsers do not keep such a cookie from http://localhost:8055") {
			t.Errorf("%v: warnings %q", tt.env, c.Warnings)
		}
	}
}

func TestNoAppAtAnAllowedPublicURL(t *testing.T) {
	_, err := newSetup(t, "PUBLIC_URL=https://login.example.org", "SESSION_COOKIE_DOMAIN=example.org", "AUTH_ALLOWED_PUBLIC_URLS=https://b.example.org",
		"FORWARD_AUTH_ADDRESS=127.0.0.1:8056", "FORWARD_AUTH_APPS=https://b.example.org").load()
	if err == nil || !strings.Contains(err.Error(), "is an origin of AUTH_ALLOWED_PUBLIC_URLS") {
		t.Errorf("got %v", err)
	}
}

func TestAllowedPublicURLsNeedARestart(t *testing.T) {
	one := newSetup(t, "PUBLIC_URL=https://a.example", "AUTH_ALLOWED_PUBLIC_URLS=https://b.example").mustLoad(t)
	same := newSetup(t, "PUBLIC_URL=https://a.example", "AUTH_ALLOWED_PUBLIC_URLS=https://B.example:443/").mustLoad(t)
	other := newSetup(t, "PUBLIC_URL=https://a.example", "AUTH_ALLOWED_PUBLIC_URLS=https://c.example").mustLoad(t)
	need := func(c *config.Config) bool {
		return strings.Contains(strings.Join(config.NeedRestart(one, c), " "), "AUTH_ALLOWED_PUBLIC_URLS")
	}
	if need(same) || !need(other) {
		t.Errorf("same: %v, other: %v", need(same), need(other))
	}
}
