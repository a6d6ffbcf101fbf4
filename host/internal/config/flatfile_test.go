package config_test

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/host/internal/config"
)

const flatJSON = `{
	"PUBLIC_URL": "https:\/\/login.example.org",
	"PORT": 9055,
	"ACCESS_TOKEN_TTL": "5m",
	"SESSION_COOKIE_SECURE": true,
	"IP_TRUST_PROXY": false,
	"AUTH_PROVIDERS": ["corp", "saml"],
	"AUTH_CORP_DRIVER": "openid",
	"AUTH_CORP_LABEL": "Corp \ud83d\ude00",
	"AUTH_CORP_CLIENT_ID": 123456789012345678,
	"AUTH_CORP_ICON": null,
	"AUTH_CORP_CLIENT_SECRET": "string:a,b",
	"AUTH_CORP_ROLE_MAPPING": {"zulu": "role-z", "alpha": "role-a"},
	"AUTH_CORP_PARAMS": {"prompt": "login", "max_age": 300},
	"AUTH_CORP_ALLOW_PUBLIC_REGISTRATION": true,
	"AUTH_SAML_DRIVER": "saml",
	"AUTH_SAML_SP_wantAssertionsSigned": true,
	"MY_OWN": {"a": [1]}
}`

const flatYAML = `# in the form of Directus
PUBLIC_URL: https://login.example.org
PORT: 9055
ACCESS_TOKEN_TTL: 5m
SESSION_COOKIE_SECURE: true
IP_TRUST_PROXY: false
AUTH_PROVIDERS: corp,saml
AUTH_CORP_DRIVER: openid
AUTH_CORP_LABEL: Corp 😀
AUTH_CORP_CLIENT_ID: 123456789012345678
AUTH_CORP_CLIENT_SECRET: "string:a,b"
AUTH_CORP_ROLE_MAPPING:
  zulu: role-z
  alpha: role-a
AUTH_CORP_PARAMS: {prompt: login, max_age: 300}
AUTH_CORP_ALLOW_PUBLIC_REGISTRATION: true
AUTH_SAML_DRIVER: saml
AUTH_SAML_SP_wantAssertionsSigned: true
`

const flatDotenv = `PUBLIC_URL=https://login.example.org
PORT=9055
ACCESS_TOKEN_TTL="5m"
SESSION_COOKIE_SECURE=true
IP_TRUST_PROXY=false
AUTH_PROVIDERS=corp,saml
AUTH_CORP_DRIVER=openid
AUTH_CORP_LABEL="Corp 😀"
AUTH_CORP_CLIENT_ID=123456789012345678
AUTH_CORP_CLIENT_SECRET="string:a,b"
AUTH_CORP_ROLE_MAPPING=json:{"zulu":"role-z","alpha":"role-a"}
AUTH_CORP_PARAMS={"prompt":"login","max_age":300}
AUTH_CORP_ALLOW_PUBLIC_REGISTRATION=true
AUTH_SAML_DRIVER=saml
AUTH_SAML_SP_wantAssertionsSigned=true
`

// A file of Directus means the same in each of its forms.
func TestFilesOfDirectus(t *testing.T) {
	for name, content := range map[string]string{
		"config.json": flatJSON, "config.yaml": flatYAML, "config.YML": flatYAML, "production.env": flatDotenv, ".env.production": flatDotenv, "settings": flatDotenv,
	} {
		t.Run(name, func(t *testing.T) {
			c := newSetup(t, "CONFIG_PATH="+name).file(t, name, content).mustLoad(t)
			if c.Settings.PublicURL != "https://login.example.org" || c.Port != 9055 || c.AccessTokenTTL != 5*time.Minute || c.TrustedProxies != nil || len(c.Providers) != 2 {
				t.Fatalf("settings: %+v", c.Settings)
			}
			p := c.Providers[0]
			if p.Name != "corp" || p.Driver != "openid" || p.Label != "Corp 😀" || !p.AllowPublicRegistration || c.Providers[1].Driver != "saml" {
				t.Errorf("provider: %+v", p.Provider)
			}
			if len(p.RoleMapping) != 2 || p.RoleMapping[0].Group != "zulu" || p.RoleMapping[1].Role != "role-a" {
				t.Errorf("roles in the order of the file: %+v", p.RoleMapping)
			}
			var params any
			text, _ := p.Options["params"].(string)
			if err := json.Unmarshal([]byte(text), &params); err != nil {
				t.Errorf("params: %v", err)
			}
			if diff := cmp.Diff(map[string]any{"prompt": "login", "max_age": 300.0}, params); diff != "" {
				t.Errorf("params (-want +got):\n%s", diff)
			}
			if p.Options["client_id"] != "123456789012345678" || p.Options["client_secret"] != "a,b" || c.Providers[1].Options["sp_want_assertions_signed"] != "true" {
				t.Errorf("options: %v and %v", p.Options, c.Providers[1].Options)
			}
			if got := p.Spelling("client_id"); !strings.HasPrefix(got, "AUTH_CORP_CLIENT_ID ("+name+":") {
				t.Errorf("a problem would name %s", got)
			}
			if want := filepath.Join(filepath.Dir(c.Files[0]), name); c.Files[1] != want || c.Sources[0] != want {
				t.Errorf("files %v, sources %v", c.Files, c.Sources)
			}
			if len(c.Warnings) > 0 {
				t.Errorf("warnings: %q", c.Warnings)
			}
		})
	}
}

// The environment takes precedence over .env, and both over the file; a warning says where
// Directus would differ.
func TestPrecedenceOverFilesOfDirectus(t *testing.T) {
	s := newSetup(t, "CONFIG_PATH=config.json", "PORT=1001", "LOG_STYLE=json").
		file(t, ".env", "PORT=1002\nLOG_LEVEL=warn\n").
		file(t, "config.json", `{"PORT": 1003, "LOG_LEVEL": "error", "LOG_STYLE": "json", "ACCESS_TOKEN_TTL": "2m"}`)
	c := s.mustLoad(t)
	if c.Port != 1001 || c.LogLevel != "warn" || c.AccessTokenTTL != 2*time.Minute {
		t.Errorf("port %d, level %s, lifetime %v", c.Port, c.LogLevel, c.AccessTokenTTL)
	}
	want := "config.json: the environment or .env has other values for LOG_LEVEL and PORT and takes precedence; in Directus, config.json would"
	if diff := cmp.Diff([]string{want}, c.Warnings); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

func TestDotenvByFlag(t *testing.T) {
	s := newSetup(t).file(t, "prod.env", "PORT=1004\n").file(t, "own.conf", "port: 1005\n").file(t, ".env", "LOG_LEVEL=warn\n")
	for file, want := range map[string]int{"prod.env": 1004, "own.conf": 1005, ".env": 8055} {
		in := s.input()
		in.File = file
		c, err := config.Load(in)
		if err != nil || c.Port != want || c.LogLevel != "warn" || len(c.Warnings) > 0 {
			t.Errorf("%s: %v, %+v", file, err, c)
		}
	}
}

func TestFilesOfDirectusRefused(t *testing.T) {
	for _, tt := range []struct{ name, file, content, want string }{
		{"both forms", "c.yaml", "PORT: 1\nMY_OWN: x\nproviders:\n  corp:\n    driver: openid\n",
			"c.yaml: has names in capitals, as in files of Directus (PORT, line 1), and also providers (line 3), which is Doorward's own form; write the whole file in one form"},
		{"both forms in JSON", "c.json", `{"public_url": "https://x.example", "AUTH_PROVIDERS": "a"}`, "(AUTH_PROVIDERS, line 1), and also public_url (line 1)"},
		{"program", "c.cjs", "module.exports = {}", "CONFIG_PATH: names a program, which is not run here; write what it exports as a .json or .yaml file"},
		{"not there", "gone.env", "", "CONFIG_PATH: reading "},
		{"wrong value", "c.json", "{\n\"PORT\": \"x\"}", `PORT (c.json:2): must be a whole number, not "x"`},
		{"twice", "c.json", "{\n\"PORT\": 1,\n\"PORT\": 2}", "PORT (c.json:3): is already in line 2"},
		{"wrong value of a list", "c.env", "A=b\nACCESS_TOKEN_TTL=soon", "ACCESS_TOKEN_TTL (c.env:2): must be a duration"},
		{"swallowed", "c.env", "A=\"b\nSECRET=c\"", "c.env: A (c.env:1) is in quotes over several lines, and its value contains a setting"},
		{"octal", "c.yaml", "AUTH_PROVIDERS: 0123\n", "AUTH_PROVIDERS (c.yaml:1): looks like a number but is not in plain decimal"},
		{"not JSON", "c.json", `{"PORT": `, "c.json: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSetup(t, "CONFIG_PATH="+tt.file)
			if tt.content != "" {
				s.file(t, tt.file, tt.content)
			}
			s.refused(t, tt.want)
		})
	}
}

// Other entries of the file can have any form, and misspelled names are still found.
func TestFilesOfDirectusWithWhatIsOfOthers(t *testing.T) {
	s := newSetup(t, "CONFIG_PATH=c.yaml").file(t, "c.yaml", "PORT: 1001\nFILES_MODE: 0644\nMY_MASK: 0x1F\nMY_NUMBER: .nan\nMY_KEY: !!binary aGVsbG8=\nMY_OWN: &o {a: 1}\nMY_SECOND:\n  <<: *o\n"+
		"MY_SELF: &s [*s]\nSESION_COOKIE_NAME: 0x1\nLOG_LEVEL: warn\n")
	c := s.mustLoad(t)
	if c.Port != 1001 || c.LogLevel != "warn" {
		t.Errorf("port %d, level %s", c.Port, c.LogLevel)
	}
	want := []string{
		"FILES_MODE has no effect: ", "SESION_COOKIE_NAME (c.yaml:10) is not a setting and has no effect; did you mean SESSION_COOKIE_NAME?",
	}
	if len(c.Warnings) != len(want) {
		t.Fatalf("warnings: %q", c.Warnings)
	}
	for _, text := range want {
		if !slices.ContainsFunc(c.Warnings, func(warning string) bool { return strings.HasPrefix(warning, text) }) {
			t.Errorf("warnings: %q, want one that begins with %q", c.Warnings, text)
		}
	}
}

func TestEscapesOfJSON(t *testing.T) {
	s := newSetup(t, "CONFIG_PATH=c.json").file(t, "c.json", `{"AUTH_PROVIDERS":"a","AUTH_A_DRIVER":"x","AUTH_A_LABEL":"\ud83d\ude00 \\ud83d \/ \\/ \u00e4 \" \t."}`)
	if got, want := s.mustLoad(t).Providers[0].Label, "😀 \\ud83d / \\/ ä \" \t."; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
