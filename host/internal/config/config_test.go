package config_test

import (
	"errors"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/doorward/doorward/host/internal/config"
)

const goodSecret = "SECRET=Zm9yIHRoZSB0ZXN0cyBvZiB0aGlzIHBhY2thZ2U="

// A setup is a folder with files, and an environment.
type setup struct {
	dir     string
	environ []string
}

func newSetup(t *testing.T, environ ...string) setup {
	return setup{t.TempDir(), append([]string{goodSecret}, environ...)}
}

func (s setup) file(t *testing.T, name, content string) setup {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

// yaml writes doorward.yaml and points to it.
func (s setup) yaml(t *testing.T, content string) setup {
	t.Helper()
	s.environ = append(s.environ, "CONFIG_PATH=doorward.yaml")
	return s.file(t, "doorward.yaml", content)
}

func (s setup) load() (*config.Config, error) {
	return config.Load(config.Input{Environ: s.environ, Dir: s.dir, Executable: filepath.Join("opt", "doorward")})
}

func (s setup) mustLoad(t *testing.T) *config.Config {
	t.Helper()
	c, err := s.load()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// refused checks that loading fails with exactly these problems, each of which contains
// the given text.
func (s setup) refused(t *testing.T, want ...string) {
	t.Helper()
	_, err := s.load()
	loadError, ok := errors.AsType[*config.Error](err)
	if !ok {
		t.Fatalf("Load: %v, want an *Error", err)
	}
	got := loadError.Problems
	for i, w := range want {
		if i >= len(got) || !strings.Contains(got[i].String(), w) {
			t.Fatalf("Load:\n%v\nwant in problem %d: %s", err, i+1, w)
		}
	}
	if len(got) != len(want) {
		t.Errorf("Load:\n%v\nwant %d problems", err, len(want))
	}
}

func TestDefaults(t *testing.T) {
	s := newSetup(t)
	got := s.mustLoad(t)
	want := &config.Config{
		Settings: config.Settings{
			Host: "127.0.0.1", Port: 8055, PublicURL: "http://localhost:8055", Secret: got.Secret,
			DatabaseSettings: config.DatabaseSettings{
				DBClient: "sqlite3", DBFilename: filepath.Join(s.dir, "doorward.db"), DBPort: 5432, DBSSLRejectUnauthorized: true, DBPoolMax: 10,
			},
			PluginDir:  filepath.Join("opt", "plugins"),
			PluginLock: filepath.Join("opt", "plugins", "plugins.lock"), ControlSocket: filepath.Join(s.dir, "doorward.db.sock"),
			DisableDefault: true,
			AccessTokenTTL: 15 * time.Minute, AccessTokenAlgorithm: "EdDSA", RefreshTokenTTL: 7 * 24 * time.Hour, SessionCookieTTL: 24 * time.Hour,
			RefreshTokenAbsoluteTTL: 90 * 24 * time.Hour, SessionCookieAbsoluteTTL: 30 * 24 * time.Hour,
			SessionRefreshGracePeriod: 10 * time.Second,
			RefreshCookieName:         "directus_refresh_token", RefreshCookieSameSite: "lax",
			SessionCookieName: "directus_session_token", SessionCookieSameSite: "lax",
			GlobalAgentNamespace: "GLOBAL_AGENT_", OutboundDeny: []string{"metadata", "link-local", "unspecified", "multicast"},
			TrustSettings:       config.TrustSettings{OutboundTLSMinVersion: "1.2"},
			ForwardAuthSettings: config.ForwardAuthSettings{ForwardAuthUser: "id", ForwardAuthAskEvery: 5 * time.Minute, ForwardAuthAssertionTTL: time.Minute},
			CORSSettings:        standardCORS,
			LimitSettings:       standardLimits, AuditRetention: 400 * 24 * time.Hour,
			ShutdownDelay: 5 * time.Second,
			LogLevel:      "info", LogStyle: "pretty",
		},
		PublicURL:     got.PublicURL,
		Database:      config.Database{Filename: filepath.Join(s.dir, "doorward.db")},
		Files:         []string{filepath.Join(s.dir, ".env")},
		RefreshCookie: config.Cookie{Name: "directus_refresh_token", SameSite: http.SameSiteLaxMode},
		SessionCookie: config.Cookie{Name: "directus_session_token", SameSite: http.SameSiteLaxMode},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(config.Config{})); diff != "" {
		t.Errorf("Load (-want +got):\n%s", diff)
	}
	if got.PublicURL.String() != "http://localhost:8055" || "SECRET="+got.Secret.Reveal() != goodSecret {
		t.Errorf("public URL %s, secret %d bytes", got.PublicURL, len(got.Secret))
	}
}

func TestPrecedence(t *testing.T) {
	s := newSetup(t, "PORT=1", "HOST=").
		file(t, ".env", "PORT=2\nHOST=127.0.0.2\nLOG_LEVEL=warn\n").
		yaml(t, "port: 3\nhost: 127.0.0.3\nlog_level: error\nlog_style: json\n")
	c := s.mustLoad(t)
	if c.Port != 1 || c.Host != "127.0.0.2" || c.LogLevel != "warn" || c.LogStyle != "json" {
		t.Errorf("port %d, host %s, level %s, style %s", c.Port, c.Host, c.LogLevel, c.LogStyle)
	}
}

func TestPublicURL(t *testing.T) {
	good := map[string]string{
		"https://Login.Example.org/":    "https://login.example.org",
		"https://login.example.org:443": "https://login.example.org",
		"https://example.org:8443/sso/": "https://example.org:8443/sso",
		"http://localhost:80/":          "http://localhost",
		"http://127.9.8.7:8055":         "http://127.9.8.7:8055",
		"http://[::1]:8055":             "http://[::1]:8055",
		"https://[2001:DB8::1]/":        "https://[2001:db8::1]",
	}
	for text, want := range good {
		if c := newSetup(t, "PUBLIC_URL="+text).mustLoad(t); c.PublicURL.String() != want {
			t.Errorf("PUBLIC_URL=%s: %s, want %s", text, c.PublicURL, want)
		}
	}
	bad := []struct{ name, text, want string }{
		{"L09 http", "http://login.example.org", "must be https, because http shows every login to the network; write https://login.example.org"},
		{"L09 http on a private address", "http://192.168.1.1", "must be https"},
		{"L09 http with a look-alike", "http://localhost.evil.example", "must be https"},
		{"L09 http with an odd address", "http://127.1", "host name"},
		{"relative", "/", "must be an absolute URL"},
		{"no scheme", "login.example.org", "must be an absolute URL"},
		{"other scheme", "ftp://login.example.org", "must be an absolute URL"},
		{"no host", "https:///x", "host name"},
		{"opaque", "https:login.example.org", "must be an absolute URL"},
		{"query", "https://login.example.org/?a", "query or a fragment"},
		{"empty query", "https://login.example.org/?", "query or a fragment"},
		{"fragment", "https://login.example.org/#", "query or a fragment"},
		{"user", "https://hunter2@login.example.org", "must not have a user"},
		{"dots", "https://login.example.org/a/../b", "plain path"},
		{"slashes", "https://login.example.org/a//b", "plain path"},
		{"escapes", "https://login.example.org/%61", "plain path"},
		{"semicolon", "https://login.example.org/a;b", "plain path"},
		{"international", "https://bücher.example", "xn--"},
		{"wildcard", "https://*.example.org", "host name"},
		{"trailing dot", "https://example.org.", "host name"},
		{"port 0", "https://example.org:0", "port"},
		{"empty port", "https://example.org:", "port"},
		{"zone", "https://[fe80::1%25eth0]", "zone"},
	}
	for _, tt := range bad {
		t.Run(tt.name, func(t *testing.T) {
			s := newSetup(t, "PUBLIC_URL="+tt.text)
			s.refused(t, tt.want)
			if _, err := s.load(); strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error shows a password: %v", err)
			}
		})
	}
}

func TestSettingsRefused(t *testing.T) {
	const https = "PUBLIC_URL=https://login.example.org"
	tests := []struct {
		name    string
		environ []string
		want    string
	}{
		{"L09 short secret", []string{"SECRET=0123456789abcdefghijklmnopqrstu"}, "SECRET: must be at least 32 random bytes; make one with: openssl rand -base64 32"},
		{"L09 empty secret", []string{"SECRET="}, "SECRET: is required and not set (At least 32 bytes that nobody else knows. Make one with: openssl rand -base64 32)"},
		{"port", []string{"PORT=65536"}, "PORT: must be from 1 to 65535"},
		{"port 0 without URL", []string{"PORT=0"}, "PUBLIC_URL: is required if the port is 0"},
		{"port as text", []string{"PORT=http"}, `PORT: must be a whole number, not "http"`},
		{"host with port", []string{"HOST=0.0.0.0:80"}, "HOST: must be an IP address or a host name"},
		{"other database", []string{"DB_CLIENT=mysql"}, "DB_CLIENT: must be sqlite3, or pg for PostgreSQL"},
		{"database in memory", []string{"DB_FILENAME=:memory:"}, "DB_FILENAME: must be the path of a file"},
		{"database that is a folder", []string{"DB_FILENAME=."}, "DB_FILENAME: must be the path of a file, but "},
		{"database in no folder", []string{"DB_FILENAME=gone/x.db"}, "DB_FILENAME: must be in a folder that exists; create "},
		{"seconds taken for milliseconds", []string{"ACCESS_TOKEN_TTL=900"}, "ACCESS_TOKEN_TTL: must be from 1s to 30d, not 900ms; a plain number is in milliseconds"},
		{"lifetime of zero", []string{"REFRESH_TOKEN_TTL=0"}, "REFRESH_TOKEN_TTL: must be from 1s to 400d"},
		{"lifetime of years", []string{"SESSION_COOKIE_TTL=401d"}, "SESSION_COOKIE_TTL: must be from 1s to 400d"},
		{"absolute lifetime of zero", []string{"REFRESH_TOKEN_ABSOLUTE_TTL=0"}, "REFRESH_TOKEN_ABSOLUTE_TTL: must be from 1s to 400d"},
		{"absolute lifetime of years", []string{"SESSION_COOKIE_ABSOLUTE_TTL=401d"}, "SESSION_COOKIE_ABSOLUTE_TTL: must be from 1s to 400d"},
		{"long grace", []string{"SESSION_REFRESH_GRACE_PERIOD=1h"}, "SESSION_REFRESH_GRACE_PERIOD: must be from 0 to 5m"},
		{"negative lifetime", []string{"ACCESS_TOKEN_TTL=-1m"}, "ACCESS_TOKEN_TTL: must be a duration"},
		{"cookie name", []string{"SESSION_COOKIE_NAME=a b"}, "SESSION_COOKIE_NAME: must have letters"},
		{"cookie name with header", []string{"SESSION_COOKIE_NAME=a\r\nSet-Cookie: x"}, "SESSION_COOKIE_NAME: must have letters"},
		{"same cookie name", []string{"SESSION_COOKIE_NAME=x", "REFRESH_TOKEN_COOKIE_NAME=x"}, "SESSION_COOKIE_NAME: must differ"},
		{"__Host- over http", []string{"SESSION_COOKIE_NAME=__Host-x"}, "SESSION_COOKIE_NAME: with __Host- requires https"},
		{"__Host- with a domain", []string{https, "SESSION_COOKIE_NAME=__host-x", "SESSION_COOKIE_DOMAIN=example.org"}, "SESSION_COOKIE_NAME: with __Host- requires"},
		{"__Secure- over http", []string{"SESSION_COOKIE_NAME=__Secure-x"}, "SESSION_COOKIE_NAME: with __Secure- requires https"},
		{"foreign cookie domain", []string{https, "SESSION_COOKIE_DOMAIN=evil.example"}, "SESSION_COOKIE_DOMAIN: must be the host name of PUBLIC_URL (login.example.org) or a domain above it"},
		{"look-alike cookie domain", []string{https, "SESSION_COOKIE_DOMAIN=in.example.org"}, "SESSION_COOKIE_DOMAIN: must be the host"},
		{"top-level cookie domain", []string{https, "SESSION_COOKIE_DOMAIN=.org"}, "SESSION_COOKIE_DOMAIN: must be the host"},
		{"cookie domain of an address", []string{"PUBLIC_URL=https://10.1.2.3", "SESSION_COOKIE_DOMAIN=2.3"}, "SESSION_COOKIE_DOMAIN: must be the host"},
		{"SameSite none over http", []string{"SESSION_COOKIE_SAME_SITE=none"}, "SESSION_COOKIE_SAME_SITE: none requires https"},
		{"all proxies", []string{"IP_TRUST_PROXY=true"}, `IP_TRUST_PROXY: cannot trust "true"; write false, or the addresses of your proxies, such as 10.0.0.0/8 or loopback`},
		{"hops", []string{"IP_TRUST_PROXY=1"}, `IP_TRUST_PROXY: cannot trust "1"`},
		{"all addresses of IPv4", []string{"IP_TRUST_PROXY=::ffff:0.0.0.0/96"}, `IP_TRUST_PROXY: cannot trust "::ffff:0.0.0.0/96"`},
		{"all addresses", []string{"IP_TRUST_PROXY=::/0"}, `IP_TRUST_PROXY: cannot trust "::/0"`},
		{"unknown algorithm", []string{"ACCESS_TOKEN_ALGORITHM=HS256"}, "ACCESS_TOKEN_ALGORITHM: must be one of EdDSA, ES256, RS256, not \"HS256\""},
		{"level", []string{"LOG_LEVEL=loud"}, "LOG_LEVEL: must be one of trace, debug, info, warn, error"},
		{"config path", []string{"CONFIG_PATH=x.js"}, "CONFIG_PATH: names a program, which is not run here; write what it exports as a .json or .yaml file"},
		{"config path of nothing", []string{"CONFIG_PATH=x.yaml"}, "x.yaml: no such file"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { newSetup(t, tt.environ...).refused(t, tt.want) })
	}
}

// A session that is never refreshed lasts no longer than one that is.
func TestAbsoluteLifetimes(t *testing.T) {
	const day = 24 * time.Hour
	for _, tt := range []struct {
		environ          []string
		refresh, session time.Duration
		warned           string
	}{
		{[]string{"REFRESH_TOKEN_TTL=180d", "SESSION_COOKIE_TTL=60d"}, 180 * day, 60 * day, ""},
		{[]string{"REFRESH_TOKEN_TTL=1d", "SESSION_COOKIE_TTL=1h"}, 90 * day, 30 * day, ""},
		{[]string{"REFRESH_TOKEN_ABSOLUTE_TTL=2d", "SESSION_COOKIE_ABSOLUTE_TTL=12h"}, 2 * day, day / 2, ""},
		{[]string{"SESSION_COOKIE_TTL=2d", "SESSION_COOKIE_ABSOLUTE_TTL=1d"}, 90 * day, day, "SESSION_COOKIE_TTL is longer than SESSION_COOKIE_ABSOLUTE_TTL"},
	} {
		c := newSetup(t, append(tt.environ, "PUBLIC_URL=https://login.example.org")...).mustLoad(t)
		if c.RefreshTokenAbsoluteTTL != tt.refresh || c.SessionCookieAbsoluteTTL != tt.session {
			t.Errorf("%v: %v and %v", tt.environ, c.RefreshTokenAbsoluteTTL, c.SessionCookieAbsoluteTTL)
		}
		if got := strings.Join(c.Warnings, "\n"); !strings.Contains(got, tt.warned) || (got == "") != (tt.warned == "") {
			t.Errorf("%v: warnings %q", tt.environ, got)
		}
	}
}

func TestSettingsAccepted(t *testing.T) {
	s := newSetup(t, "PUBLIC_URL=https://login.example.org", "SESSION_COOKIE_DOMAIN=.Example.org", "SESSION_COOKIE_SAME_SITE=none",
		"SESSION_COOKIE_SECURE=no", "REFRESH_TOKEN_COOKIE_NAME=__Host-refresh", "IP_TRUST_PROXY=loopback, 10.1.2.3/8,192.0.2.7, ::ffff:192.0.2.8,::ffff:10.2.0.0/112",
		"LOG_STYLE=raw", "PLUGIN_DIR=bin", "SESSION_REFRESH_GRACE_PERIOD=0", "AUTH_DISABLE_DEFAULT=false")
	c := s.mustLoad(t)
	wantCookie := config.Cookie{Name: "directus_session_token", Domain: "example.org", Secure: true, SameSite: http.SameSiteNoneMode}
	if diff := cmp.Diff(wantCookie, c.SessionCookie); diff != "" {
		t.Errorf("session cookie (-want +got):\n%s", diff)
	}
	if !c.RefreshCookie.Secure || c.LogStyle != "json" || c.PluginDir != filepath.Join(s.dir, "bin") || c.SessionRefreshGracePeriod != 0 {
		t.Errorf("config: %+v", c)
	}
	var proxies []string
	for _, prefix := range c.TrustedProxies {
		proxies = append(proxies, prefix.String())
	}
	if diff := cmp.Diff([]string{"127.0.0.0/8", "::1/128", "10.0.0.0/8", "192.0.2.7/32", "192.0.2.8/32", "10.2.0.0/16"}, proxies); diff != "" {
		t.Errorf("proxies (-want +got):\n%s", diff)
	}
	wantWarnings := []string{
		"SESSION_COOKIE_SECURE has no effect: PUBLIC_URL is https, and its cookies stay Secure",
		"AUTH_DISABLE_DEFAULT has no effect: there are no local passwords to sign in with",
	}
	if diff := cmp.Diff(wantWarnings, c.Warnings); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

func TestSecureCookies(t *testing.T) {
	tests := []struct {
		environ []string
		want    bool
	}{
		{nil, false},
		{[]string{"SESSION_COOKIE_SECURE=true"}, true},
		{[]string{"PUBLIC_URL=https://a.example"}, true},
		{[]string{"PUBLIC_URL=https://a.example", "SESSION_COOKIE_SECURE=false"}, true},
	}
	for _, tt := range tests {
		if c := newSetup(t, tt.environ...).mustLoad(t); c.SessionCookie.Secure != tt.want {
			t.Errorf("%v: Secure is %v", tt.environ, c.SessionCookie.Secure)
		}
	}
}

func TestNoTrustedProxies(t *testing.T) {
	for _, value := range []string{"", "false", "no"} {
		if c := newSetup(t, "IP_TRUST_PROXY="+value).mustLoad(t); c.TrustedProxies != nil {
			t.Errorf("IP_TRUST_PROXY=%s trusts %v", value, c.TrustedProxies)
		}
	}
	c := newSetup(t).yaml(t, "ip_trust_proxy: false").mustLoad(t)
	if c.TrustedProxies != nil {
		t.Errorf("ip_trust_proxy: false trusts %v", c.TrustedProxies)
	}
	newSetup(t).yaml(t, "ip_trust_proxy: true").refused(t, `ip_trust_proxy (doorward.yaml:1): cannot trust "true"`)
}

func TestPublicURLWarning(t *testing.T) {
	c := newSetup(t, "HOST=0.0.0.0").mustLoad(t)
	if len(c.Warnings) != 1 || !strings.Contains(c.Warnings[0], "PUBLIC_URL is not set; http://localhost:8055 works on this machine only") {
		t.Errorf("warnings: %q", c.Warnings)
	}
}

// A browser that returns from a provider sends no strict cookie.
func TestLinkingWithStrictCookies(t *testing.T) {
	for _, env := range [][]string{{"ACCOUNT_LINKING=true"}, {"SESSION_COOKIE_SAME_SITE=strict"}, {"ACCOUNT_LINKING=true", "SESSION_COOKIE_SAME_SITE=strict"}} {
		c := newSetup(t, append(env, "PUBLIC_URL=https://login.example.org")...).mustLoad(t)
		if want := len(env) == 2; want != (len(c.Warnings) > 0) || want && !strings.Contains(c.Warnings[0], "with SESSION_COOKIE_SAME_SITE=strict, browsers do not send the session cookie when they return from another site") {
			t.Errorf("%v: warnings %q", env, c.Warnings)
		}
		if c.AccountLinking != strings.HasPrefix(env[0], "ACCOUNT_LINKING") {
			t.Errorf("%v: linking is %v", env, c.AccountLinking)
		}
	}
}

func TestEverythingIsReportedAtOnce(t *testing.T) {
	s := newSetup(t, "SECRET=hunter2hunter2", "PORT=x", "LOG_LEVEL=loud", "AUTH_PROVIDERS=good,bad", "AUTH_GOOD_DRIVER=openid",
		"AUTH_GOOD_MODE=cookies", "AUTH_GOOD_CLIENT_SECRET=hunter2", "AUTH_BAD_LABEL=hello").
		yaml(t, "pubic_url: https://login.example.org\n\nproviders:\n  third:\n    driver: local\n")
	s.refused(t,
		"pubic_url (doorward.yaml:1): there is no such setting; did you mean public_url?",
		`PORT: must be a whole number, not "x"`,
		"LOG_LEVEL: must be one of",
		"SECRET: must be at least 32 random bytes",
		`AUTH_GOOD_MODE: must be one of session, json, cookie, not "cookies"; did you mean "cookie"?`,
		"AUTH_BAD_DRIVER: is required and not set (mechanism: openid",
		"providers.third.driver (doorward.yaml:5): local is not supported",
	)
	_, err := s.load()
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the error shows a secret:\n%v", err)
	}
	if !strings.HasPrefix(err.Error(), "there are 7 problems in the configuration:\n  pubic_url") {
		t.Errorf("the error is no list:\n%v", err)
	}
}

func TestTrustedProxiesAreWhole(t *testing.T) {
	c := newSetup(t, "IP_TRUST_PROXY=uniquelocal,linklocal").mustLoad(t)
	for _, prefix := range c.TrustedProxies {
		if prefix != prefix.Masked() {
			t.Errorf("%v has bits beyond its length", prefix)
		}
	}
	if !c.TrustedProxies[0].Contains(netip.MustParseAddr("10.9.8.7")) {
		t.Errorf("proxies: %v", c.TrustedProxies)
	}
}

// The tables in the manual come from the schemas that decode the settings.
func TestReference(t *testing.T) {
	text := config.Reference()
	for _, want := range []string{
		"| `SECRET` | string, secret |  | yes | At least 32 bytes",
		"| `ACCESS_TOKEN_TTL` | duration | `15m` |",
		"| `AUTH_<PROVIDER>_MODE` | string: `session`, `json`, `cookie` | `session` |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("Reference lacks %s", want)
		}
	}
}

func TestL09RegularSecret(t *testing.T) {
	c := newSetup(t, "SECRET="+strings.Repeat("change", 6)).mustLoad(t)
	if len(c.Warnings) != 1 || !strings.Contains(c.Warnings[0], "SECRET is easy to guess") {
		t.Errorf("warnings: %q", c.Warnings)
	}
}

// A plain number is in milliseconds, as in Directus, but hardly anybody means five of
// them.
func TestShutdownDelay(t *testing.T) {
	const told = "SHUTDOWN_DELAY is 5ms, which is too short for a load balancer to notice"
	for value, want := range map[string]bool{"5": true, "5s": false, "5000": false, "0": false} {
		warned := strings.Contains(strings.Join(newSetup(t, "SHUTDOWN_DELAY="+value).mustLoad(t).Warnings, "\n"), told)
		if warned != want {
			t.Errorf("%s: warned is %v", value, warned)
		}
	}
	newSetup(t, "SHUTDOWN_DELAY=6m").refused(t, "SHUTDOWN_DELAY: must be from 0 to 5m")
}
