package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/host/internal/config"
)

// standardCORS are the defaults: those of Directus, and two more headers that are exposed.
var standardCORS = config.CORSSettings{
	CORSOrigin: []string{"false"}, CORSMethods: []string{"GET", "POST", "PATCH", "DELETE"}, CORSAllowedHeaders: []string{"Content-Type", "Authorization"},
	CORSExposedHeaders: []string{"Content-Range", "Retry-After", "X-Request-Id"}, CORSCredentials: true, CORSMaxAge: 18000,
}

const (
	otherSite = "is not on the same site as PUBLIC_URL"
	ownHost   = "each visitor's own machine"
)

func TestCORSOrigins(t *testing.T) {
	for name, tc := range map[string]struct {
		origin, more string
		want         []string
		any          bool
		warns        []string
	}{
		"one":                             {"https://app.example.org", "", []string{"https://app.example.org"}, false, nil},
		"several":                         {"https://app.example.org, https://b.example.org:8443", "", []string{"https://app.example.org", "https://b.example.org:8443"}, false, nil},
		"as Directus casts":               {"array:https://app.example.org,string:https://b.example.org", "", []string{"https://app.example.org", "https://b.example.org"}, false, nil},
		"as JSON":                         {`["https://app.example.org"]`, "", []string{"https://app.example.org"}, false, nil},
		"as browsers write it":            {"HTTPS://App.Example.ORG:443", "", []string{"https://app.example.org"}, false, nil},
		"a slash":                         {"https://app.example.org/", "", []string{"https://app.example.org"}, false, []string{"CORS_ORIGIN has https://app.example.org/; browsers write origins without a trailing slash"}},
		"none":                            {"false", "", nil, false, []string{"no other origin is allowed"}},
		"not said":                        {"", "", nil, false, []string{"no other origin is allowed"}},
		"our own":                         {"https://login.example.org", "", []string{"https://login.example.org"}, false, nil},
		"another site":                    {"https://app.example.com", "", []string{"https://app.example.com"}, false, []string{otherSite}},
		"another customer":                {"https://a.github.io", "PUBLIC_URL=https://b.github.io", []string{"https://a.github.io"}, false, []string{otherSite}},
		"another site, and none":          {"https://app.example.com", "SESSION_COOKIE_SAME_SITE=none", []string{"https://app.example.com"}, false, nil},
		"another site by cookie":          {"https://app.example.com", "REFRESH_TOKEN_COOKIE_SAME_SITE=none", []string{"https://app.example.com"}, false, nil},
		"another site by tokens":          {"https://app.example.com", "CORS_CREDENTIALS=false", []string{"https://app.example.com"}, false, nil},
		"the site of another of our URLs": {"https://app.example.com", "AUTH_ALLOWED_PUBLIC_URLS=https://login.example.net,https://login.example.com", []string{"https://app.example.com"}, false, nil},
		"none of our sites":               {"https://app.example.com", "AUTH_ALLOWED_PUBLIC_URLS=https://login.example.net", []string{"https://app.example.com"}, false, []string{otherSite + " or any of AUTH_ALLOWED_PUBLIC_URLS: "}},
		"an app on a phone":               {"capacitor://localhost", "CORS_CREDENTIALS=false", []string{"capacitor://localhost"}, false, nil},
		"loopback":                        {"http://localhost:3000", "", []string{"http://localhost:3000"}, false, []string{ownHost}},
		"loopback at a loopback":          {"http://localhost:3000,http://[0::1]:80", "PUBLIC_URL=http://localhost:8055", []string{"http://localhost:3000", "http://[::1]"}, false, []string{otherSite}},
		"any without credentials":         {"*", "CORS_CREDENTIALS=false", nil, true, nil},
		"true":                            {"true", "CORS_CREDENTIALS=false", nil, true, nil},
		"any, and one that is":            {"https://app.example.com,*", "CORS_CREDENTIALS=false", []string{"https://app.example.com"}, true, nil},
	} {
		t.Run(name, func(t *testing.T) {
			c := newSetup(t, append([]string{"PUBLIC_URL=https://login.example.org", "CORS_ENABLED=true", "CORS_ORIGIN=" + tc.origin}, tc.more)...).mustLoad(t)
			if diff := cmp.Diff(tc.want, c.CORS.Origins); diff != "" || c.CORS.Any != tc.any {
				t.Errorf("any: %v, origins (-want +got):\n%s", c.CORS.Any, diff)
			}
			if len(c.Warnings) != len(tc.warns) {
				t.Fatalf("warnings %q", c.Warnings)
			}
			for i, want := range tc.warns {
				if !strings.Contains(c.Warnings[i], want) {
					t.Errorf("warning %q, want %q", c.Warnings[i], want)
				}
			}
		})
	}
}

// Origins with which the wrong people could act for others, and values that are not
// origins, are refused with what to write instead.
func TestCORSOriginsRefused(t *testing.T) {
	const pattern = "is a pattern"
	for origin, want := range map[string]string{
		"true":                              "lets every page of the web act for the signed-in user; name the origins",
		"*":                                 "or write CORS_CREDENTIALS=false",
		"https://app.example.org,*":         "lets every page",
		`regex:\.example\.org$`:             pattern,
		`/\.example\.org$/`:                 pattern,
		"https://*.example.org":             pattern,
		"array:https://a.example,regex:^.*": pattern,
		"null":                              "is the origin of files and of frames",
		"app.example.org":                   "write it with its scheme, such as https://app.example.org",
		"App.example.org:8443":              "such as https://app.example.org:8443",
		"localhost:3000":                    "such as https://localhost:3000",
		"//app.example.org":                 pattern,
		"http://app.example.org":            "write https://app.example.org",
		"http://10.0.0.1:3000":              "write https://10.0.0.1:3000",
		"https://app.example.org/app":       "has a path, but browsers send only the origin, so all pages of that host could use it; write https://app.example.org",
		"https://app.example.org?":          "is more than an origin",
		"https://app.example.org/?a=b":      "is more than an origin",
		"https://app.example.org/#":         "is more than an origin",
		"https://ada:pw@app.example.org":    `has "…@app.example.org", which is more than an origin`,
		"https://app.example.org.":          "must have a host name",
		"https://app.exämple.org":           "xn--",
		"https://app.example.org:":          "has a colon without a port",
		"https://app.example.org:99999":     "must have a port",
		"https://1.2.3":                     "must have a host name",
		"file:///home/ada":                  "is not an origin",
		"data:text/html,x":                  "is not an origin",
		"true,false":                        "is not an origin",
	} {
		t.Run(origin, func(t *testing.T) {
			s := newSetup(t, "PUBLIC_URL=https://login.example.org", "CORS_ENABLED=true", "CORS_ORIGIN="+origin)
			_, err := s.load()
			if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "CORS_ORIGIN") || strings.Contains(err.Error(), "pw@") {
				t.Errorf("got %v, want %s", err, want)
			}
		})
	}
}

func TestCORS(t *testing.T) {
	c := newSetup(t, "CORS_ENABLED=TRUE", "CORS_ORIGIN=http://localhost:3000", "CORS_METHODS=get, patch", "CORS_ALLOWED_HEADERS=X-One", "CORS_EXPOSED_HEADERS=X-Two,X-Three", "CORS_MAX_AGE=60").mustLoad(t)
	want := config.CORS{
		Origins: []string{"http://localhost:3000"}, Credentials: true, Methods: []string{"GET", "PATCH"}, AllowedHeaders: []string{"X-One"},
		ExposedHeaders: []string{"X-Two", "X-Three"}, MaxAge: time.Minute,
	}
	if diff := cmp.Diff(want, c.CORS); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for given, want := range map[string]time.Duration{"-1": 0, "0": 0, "9223372036854775807": 24 * time.Hour} {
		c := newSetup(t, "CORS_ENABLED=true", "CORS_ORIGIN=http://localhost:3000", "CORS_MAX_AGE="+given).mustLoad(t)
		if c.CORS.MaxAge != want {
			t.Errorf("CORS_MAX_AGE=%s: %v, want %v", given, c.CORS.MaxAge, want)
		}
	}
	t.Run("in a file", func(t *testing.T) {
		c := newSetup(t).yaml(t, "cors_enabled: true\ncors_origin: [https://a.localhost.example]\ncors_credentials: false\n").mustLoad(t)
		if diff := cmp.Diff([]string{"https://a.localhost.example"}, c.CORS.Origins); diff != "" || c.CORS.Credentials {
			t.Errorf("%v (-want +got):\n%s", c.CORS, diff)
		}
		newSetup(t).yaml(t, "cors_enabled: true\ncors_origin: true\n").refused(t, "lets every page of the web")
	})
	t.Run("what browsers cannot be told", func(t *testing.T) {
		newSetup(t, "CORS_ENABLED=true", "CORS_ORIGIN=http://localhost:3000", "CORS_METHODS=GET POST", "CORS_ALLOWED_HEADERS=a\r\nb").
			refused(t, "must be names separated by commas", "must be names separated by commas")
	})
	t.Run("a header that is called *", func(t *testing.T) {
		c := newSetup(t, "CORS_ENABLED=true", "CORS_ORIGIN=http://localhost:3000", "CORS_ALLOWED_HEADERS=*").mustLoad(t)
		if len(c.Warnings) != 1 || !strings.Contains(c.Warnings[0], "browsers take * for the name of a header") {
			t.Errorf("warnings %q", c.Warnings)
		}
	})
	t.Run("without CORS_ENABLED", func(t *testing.T) {
		c := newSetup(t, "CORS_ORIGIN=true", "CORS_MAX_AGE=1").mustLoad(t)
		if diff := cmp.Diff(config.CORS{}, c.CORS); diff != "" || len(c.Warnings) != 2 || !strings.Contains(c.Warnings[0], "CORS_ORIGIN has no effect without CORS_ENABLED=true") {
			t.Errorf("%q (-want +got):\n%s", c.Warnings, diff)
		}
		if c := newSetup(t, "CORS_ENABLED=false", "CORS_ORIGIN=true").mustLoad(t); len(c.Warnings) > 0 {
			t.Errorf("turned off: warnings %q", c.Warnings)
		}
	})
}
