package main

import (
	"bytes"
	"embed"
	"encoding/json"
	"io/fs"
	"net/url"
	"os"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/host/internal/provider"
	"github.com/doorward/doorward/sdk"
)

// checkedIn runs doorward config check in a folder with these files, and makes sure that
// it creates no others.
func checkedIn(t *testing.T, files map[string]string, environ []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	for name, text := range files {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out, errs bytes.Buffer
	code = run(t.Context(), append([]string{"config", "check"}, args...), environ, &out, &errs)
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, entry fs.DirEntry, err error) error {
		if _, ours := files[path]; !ours && path != "." {
			t.Errorf("doorward config check made %s", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return code, strings.ReplaceAll(out.String(), dir, "DIR"), errs.String()
}

//go:embed testdata/configcheck-*.txt
var outputs embed.FS

// wantText compares an output with a file of testdata.
func wantText(t *testing.T, name, got string) {
	t.Helper()
	want, err := outputs.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("(-testdata/%s +got):\n%s", name, diff)
	}
}

const directusEnvironment = `PUBLIC_URL="https://directus.example.com"
HOST="0.0.0.0"
SECRET="replace-with-secure-random-value"
DB_CLIENT="pg"
DB_HOST="database"
DB_DATABASE="directus"
DB_USER="directus"
DB_PASSWORD="hunter2"
ACCESS_TOKEN_TTL="15m"
SESSION_COOKIE_SECURE="true"
SESSION_COOKIE_SAME_SITE="none"
IP_TRUST_PROXY="uniquelocal"
IP_CUSTOM_HEADER="x-real-ip"
AUTH_DISABLE_DEFAULT="true"
AUTH_PROVIDERS="keycloak,ad"
AUTH_KEYCLOAK_DRIVER="openid"
AUTH_KEYCLOAK_CLIENT_ID="directus"
AUTH_KEYCLOAK_CLIENT_SECRET="string:hunter2,hunter3"
AUTH_KEYCLOAK_ISSUER_URL="https://id.example.com/realms/main"
AUTH_KEYCLOAK_ALLOW_UNSOLICITED="true"
AUTH_KEYCLOAK_COOKIE_SECURE="true"
AUTH_AD_MODE="sesion"
AUTH_AD_CLIENT_URL="ldaps://ad.example.com"
AUTH_OKTA_DRIVER="saml"
`

func TestCheckOfADirectusEnvironment(t *testing.T) {
	code, out, errs := checkedIn(t, map[string]string{".env": directusEnvironment}, nil, "--no-plugins")
	if code != exitError || errs != "doorward: there are errors; see above\n" {
		t.Errorf("exit code %d: %s", code, errs)
	}
	wantText(t, "configcheck-directus.txt", out)
}

func TestCheckOfAnOwnFile(t *testing.T) {
	yaml := `public_url: https://login.example.org/sso/
secret: {file: secret}
db_filename: ./doorward.db
session_cookie_name: __Host-session_token
refresh_token_cookie_name: __Host-refresh_token
ip_trust_proxy: [127.0.0.1]
forward_auth_address: 127.0.0.1:8056
session_cookie_domain: example.org
providers:
  corp:
    driver: openid
    client_id: doorward
    client_secret: {env: CORP_SECRET}
    login_timeout: 10m
forward_auth:
  apps:
    - {name: wiki, url: https://wiki.example.org}
`
	files := map[string]string{"doorward.yaml": strings.Replace(yaml, "__Host-session_token", "session_token", 1), "secret": "a secret of the tests, 0123456789\n"}
	code, out, errs := checkedIn(t, files, []string{"CORP_SECRET=hunter2hunter2hunter2"}, "--no-plugins", "--config", "doorward.yaml")
	if code != exitOK || errs != "" {
		t.Errorf("exit code %d: %s", code, errs)
	}
	wantText(t, "configcheck-own.txt", out)
}

// Control characters in the configuration do not reach the terminal, and long values are
// cut.
func TestCheckOnATerminal(t *testing.T) {
	const hostile = "\x1b[2J\x1b]0;owned\x07\u009b31m\u202etxt\r\nSECRET: forged"
	long := strings.Repeat("A", 1<<20-100)
	yaml, err := json.Marshal(map[string]any{
		"log_level": hostile, "public_url": hostile, "plugin_dir": long, hostile: 1, "access_token_ttl": long, "redirect": hostile,
		"ip_trust_proxy": hostile,
		"providers": map[string]any{
			"x": map[string]any{"driver": hostile, "label": hostile, "icon": hostile, hostile: hostile, "redirect_allow_list": "https://a.example/*" + hostile},
			"y": map[string]any{"driver": "ldap", "preset": hostile, "client_url": hostile},
		},
		"forward_auth": map[string]any{"apps": []any{map[string]any{"name": hostile, "url": "https://a.example" + hostile}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, files := range []map[string]string{{"d.yaml": strings.ReplaceAll(string(yaml), long, strings.Repeat("A", 1<<18))}} {
		for _, args := range [][]string{{}, {"--json"}} {
			environ := []string{"AUTH_PROVIDERS=" + hostile, "DB_FILENAME=" + long, "AUTH_X_" + hostile + "=1", "COLUMNS=80", "CONFIG_PATH=d.yaml", "CORS_" + hostile + "=1", "ROOT=" + long}
			code, out, errs := checkedIn(t, files, environ, append(args, "--no-plugins")...)
			if code != exitError {
				t.Errorf("%q: exit code %d: %s", args, code, errs)
			}
			if i := strings.IndexFunc(out+errs, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }); i >= 0 {
				t.Errorf("%q: %q", args, (out + errs)[max(0, i-200):min(len(out), i+20)])
			}
			if strings.Contains(out, "\nSECRET: forged") || len(out) > 60_000 {
				t.Errorf("%q: %d bytes, or a line that is forged: %.2000s", args, len(out), out)
			}
		}
	}
}

// The JSON has the form that the help text describes.
func TestCheckedAsJSON(t *testing.T) {
	code, out, _ := checkedIn(t, map[string]string{".env": directusEnvironment}, nil, "--no-plugins", "--json")
	type given struct {
		Name       string
		From       string
		File       string
		Understood bool
		Value      string
		Hidden     bool
		Characters int
	}
	var got struct {
		Sources   []string
		Settings  []given
		Apps      []struct{ Name, URL string }
		Providers []struct {
			Name, Driver, Preset, Version string
			Options                       []given
			URLs                          struct{ Callback, Metadata, Logout string }
		}
		Findings []struct {
			Class, Text string
			Error       bool
		}
	}
	decoder := json.NewDecoder(strings.NewReader(out))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&got); err != nil || code != exitError {
		t.Fatalf("exit code %d, %v: %s", code, err, out)
	}
	for _, s := range got.Settings {
		if want := (given{Name: "DB_PASSWORD", From: ".env:8", Understood: true, Hidden: true, Characters: 7}); s.Name == want.Name && s != want {
			t.Errorf("%+v, want %+v", s, want)
		}
	}
	if len(got.Settings) != 14 || len(got.Providers) != 2 || got.Providers[0].URLs.Callback != "https://directus.example.com/auth/login/keycloak/callback" || got.Apps == nil {
		t.Errorf("%+v", got)
	}
	if strings.Contains(out, "hunter") || strings.Contains(out, "replace-with") {
		t.Errorf("a secret is shown: %s", out)
	}
	for _, members := range []string{`"sources": []`, `"settings": []`, `"apps": []`, `"providers": []`} {
		if _, empty, _ := checkedIn(t, nil, nil, "--json"); !strings.Contains(empty, members) {
			t.Errorf("of nothing: %s, want %s", empty, members)
		}
	}
}

func TestCheckWithoutPlugins(t *testing.T) {
	environ := []string{"PLUGIN_DIR=.", "AUTH_PROVIDERS=x,y", "AUTH_X_DRIVER=openid", "AUTH_Y_PRESET=nowhere", "SECRET=" + strings.Repeat("s3", 20)}
	code, out, _ := checkedIn(t, nil, environ)
	for _, want := range []string{"plugin openid, which was not asked", "  plugin openid: no plugin for driver \"openid\": ", "AUTH_Y_PRESET: no plugin in plugins.lock has the preset"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in:\n%s", want, out)
		}
	}
	if code != exitError {
		t.Errorf("exit code %d", code)
	}
}

// Errors of the configuration are not errors of the command line.
func TestCheckOfNothing(t *testing.T) {
	code, out, _ := checkedIn(t, nil, nil)
	for _, want := range []string{"Settings of the host\n  none\n", "\n  SECRET: is required", "\n  " + noProviders} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in:\n%s", want, out)
		}
	}
	if code != exitError {
		t.Errorf("exit code %d", code)
	}
	if code, _, errs := checkedIn(t, nil, nil, "--config", "none.yaml"); code != exitError || strings.Contains(errs, "goroutine") {
		t.Errorf("exit code %d: %s", code, errs)
	}
}

// The callback below each URL where a login can begin must be registered with the
// provider.
func TestCheckListsTheURLsOfEachPublicURL(t *testing.T) {
	environ := []string{"SECRET=" + strings.Repeat("s3cret?!", 5), "PUBLIC_URL=https://login.example.org", "AUTH_ALLOWED_PUBLIC_URLS=https://a.example,https://b.example/sso",
		"AUTH_PROVIDERS=x", "AUTH_X_DRIVER=openid"}
	_, out, _ := checkedIn(t, nil, environ, "--no-plugins")
	for _, want := range []string{"https://login.example.org/auth/login/x/metadata\n", "https://a.example/auth/login/x/callback\n", "https://a.example/auth/login/x/logout\n",
		"https://b.example/sso/auth/login/x/callback\n", "https://b.example/sso/auth/login/x/logout\n"} {
		if strings.Count(out, want) != 1 {
			t.Errorf("no %q in:\n%s", want, out)
		}
	}
	if strings.Count(out, "/metadata") != 1 {
		t.Errorf("metadata is not below PUBLIC_URL alone:\n%s", out)
	}
	_, out, _ = checkedIn(t, nil, environ, "--no-plugins", "--json")
	var got struct {
		Providers []struct {
			URLs        map[string]string // programs may read it like this
			FurtherURLs []furtherURLs     `json:"further_urls"`
		}
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil || len(got.Providers) != 1 {
		t.Fatalf("%v: %s", err, out)
	}
	want := []furtherURLs{
		{"https://a.example", "https://a.example/auth/login/x/callback", "https://a.example/auth/login/x/logout"},
		{"https://b.example/sso", "https://b.example/sso/auth/login/x/callback", "https://b.example/sso/auth/login/x/logout"},
	}
	if diff := cmp.Diff(want, got.Providers[0].FurtherURLs); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// If a mechanism has no logout, there is no logout URL below the further URLs.
func TestCheckLeavesOutFurtherLogouts(t *testing.T) {
	p := checkedProvider{Name: "x"}
	p.addURLs(&url.URL{Scheme: "https", Host: "login.example.org"}, []*url.URL{{Scheme: "https", Host: "a.example"}})
	p.leaveOut(provider.Reading{Capabilities: []sdk.Capability{}})
	want := checkedProvider{
		Name: "x", URLs: &checkedURLs{Callback: "https://login.example.org/auth/login/x/callback"},
		FurtherURLs: []furtherURLs{{URL: "https://a.example", Callback: "https://a.example/auth/login/x/callback"}},
	}
	if diff := cmp.Diff(want, p); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
