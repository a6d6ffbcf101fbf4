package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/host/internal/config"
)

func TestSettingFromFile(t *testing.T) {
	const secret = "0123456789abcdef0123456789abcdef"
	for content, want := range map[string]string{
		secret:                   secret,
		secret + "\n":            secret,
		secret + "\r\n":          secret,
		secret + "\n\n":          secret + "\n",
		" " + secret + " \n":     " " + secret + " ",
		"string:" + secret:       "string:" + secret,
		secret + "\nline\n":      secret + "\nline",
		"\ufeff" + secret + "\n": "\ufeff" + secret,
	} {
		s := newSetup(t, "SECRET=", "SECRET_FILE=secret").file(t, "secret", content)
		if got := s.mustLoad(t).Secret.Reveal(); got != want {
			t.Errorf("file %q: secret %q", content, got)
		}
	}
}

func TestSettingFromFileRefused(t *testing.T) {
	large := newSetup(t, "SECRET=", "SECRET_FILE=secret").file(t, "secret", strings.Repeat("x", 1<<20+1))
	large.refused(t, "SECRET_FILE: reading "+filepath.Join(large.dir, "secret")+": it is larger than 1 MiB")

	absent := newSetup(t, "SECRET=", "SECRET_FILE=/nowhere/secret")
	absent.refused(t, "SECRET_FILE: reading /nowhere/secret: no such file or directory")

	folder := newSetup(t, "SECRET=", "SECRET_FILE=.")
	folder.refused(t, "SECRET_FILE: reading "+folder.dir+": it is not a regular file")

	newSetup(t, "SECRET_FILE=secret").refused(t, "SECRET_FILE: is given in addition to SECRET; give only one of them")
	newSetup(t, "AUTH_PROVIDERS_FILE=absent").refused(t, "AUTH_PROVIDERS_FILE: reading ")
}

// A file in the environment is above a value in .env.
func TestFileAboveDotenv(t *testing.T) {
	c := newSetup(t, "LOG_LEVEL_FILE=level").file(t, "level", "debug\n").file(t, ".env", "LOG_LEVEL=warn").mustLoad(t)
	if c.LogLevel != "debug" {
		t.Errorf("level %s", c.LogLevel)
	}
}

func TestFilePermissions(t *testing.T) {
	chmod := func(s setup, name string, mode os.FileMode) setup {
		if err := os.Chmod(filepath.Join(s.dir, name), mode); err != nil {
			t.Fatal(err)
		}
		return s
	}
	const longSecret = "0123456789abcdef0123456789abcdef"
	t.Run("L09 secret that all may write", func(t *testing.T) {
		s := newSetup(t, "SECRET=", "SECRET_FILE=s").file(t, "s", longSecret)
		chmod(s, "s", 0o602).refused(t, "SECRET_FILE: every user of this machine can write to "+filepath.Join(s.dir, "s")+"; run chmod o-w on it")
	})
	t.Run("L09 .env that all may write", func(t *testing.T) {
		chmod(newSetup(t).file(t, ".env", ""), ".env", 0o666).refused(t, ".env: every user of this machine can write to")
	})
	t.Run("L09 YAML that all may write", func(t *testing.T) {
		chmod(newSetup(t).yaml(t, ""), "doorward.yaml", 0o666).refused(t, "CONFIG_PATH: every user of this machine can write to")
	})
	readable := []struct {
		name string
		s    setup
		file string
		want bool
	}{
		{"secret", newSetup(t, "SECRET=", "SECRET_FILE=s").file(t, "s", longSecret), "s", true},
		{"no secret", newSetup(t, "LOG_LEVEL_FILE=s").file(t, "s", "info"), "s", false},
		{".env with a secret", newSetup(t).file(t, ".env", "AUTH_X_CLIENT_SECRET=x\nAUTH_PROVIDERS=x\nAUTH_X_DRIVER=openid"), ".env", true},
		{".env with the path of a secret", newSetup(t, "SECRET=").file(t, ".env", "SECRET_FILE=s").file(t, "s", longSecret), ".env", false},
		{"YAML with a secret", newSetup(t).yaml(t, "providers: {x: {driver: ldap, bind_password: hunter2}}"), "doorward.yaml", true},
		{"YAML with the path of a secret", newSetup(t, "SECRET=").yaml(t, "secret: {file: s}").file(t, "s", longSecret), "doorward.yaml", false},
		{"key", newSetup(t, "AUTH_PROVIDERS=x", "AUTH_X_DRIVER=ldap", "AUTH_X_TLS_KEY_FILE=s").file(t, "s", "PEM"), "s", true},
		{"what is called after a key", newSetup(t, "AUTH_PROVIDERS=x", "AUTH_X_DRIVER=ldap", "AUTH_X_KEY_ID_FILE=s").file(t, "s", "7"), "s", false},
		{".env with the password of a proxy", newSetup(t).file(t, ".env", "https_proxy=http://user:hunter2@proxy.example"), ".env", true},
		{".env with a proxy", newSetup(t).file(t, ".env", "https_proxy=http://proxy.example"), ".env", false},
		{"YAML with the password of a proxy", newSetup(t).yaml(t, "providers: {x: {driver: ldap, proxy: 'http://user:hunter2@proxy.example'}}"), "doorward.yaml", true},
		{"proxy in a file", newSetup(t, "GLOBAL_AGENT_HTTPS_PROXY_FILE=s").file(t, "s", "http://user:hunter2@proxy.example"), "s", true},
		{"secret named by YAML", newSetup(t, "SECRET=").yaml(t, "secret: {file: s}").file(t, "s", longSecret), "s", true},
	}
	for _, tt := range readable {
		t.Run("L09 readable for all: "+tt.name, func(t *testing.T) {
			var want []string
			if tt.want {
				want = []string{"every user of this machine can read the secrets in " + filepath.Join(tt.s.dir, tt.file) + "; run chmod 600 on it"}
			}
			got := chmod(tt.s, tt.file, 0o644).mustLoad(t).Warnings
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDotenv(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"plain", "LABEL=a b ", "a b"},
		{"export, spaces, carriage return", "\ufeff  export LABEL = x\r\n", "x"},
		{"comment", "# LABEL=no\nLABEL=x # more", "x"},
		{"dollar", "LABEL=pa$HOME${X}", "pa$HOME${X}"},
		{"equals and colon", "LABEL=a=b:c", "a=b:c"},
		{"double quotes", `LABEL="a # \n$c\d" # comment`, "a # \n$c\\d"},
		{"double quotes over lines", "LABEL=\"a\nb\"\nX=1", "a\nb"},
		{"single quotes", `LABEL='a # "b" \n'`, `a # "b" \n`},
		{"backticks", "LABEL=`it's`", "it's"},
		{"quotes inside", `LABEL=a"b'c`, `a"b'c`},
		{"JSON", `LABEL={"a":"b"}`, `{"a":"b"}`},
		{"empty, then another", "LABEL=\nX=y", "Corp"},
		{"twice", "LABEL=a\nLABEL=b", "b"},
		{"last line without an end", "X=1\n\n\nLABEL=z", "z"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := strings.ReplaceAll(tt.text, "LABEL", "AUTH_CORP_LABEL")
			c := newSetup(t, "AUTH_PROVIDERS=corp", "AUTH_CORP_DRIVER=openid").file(t, ".env", text).mustLoad(t)
			if got := c.Providers[0].Label; got != tt.want {
				t.Errorf("value %q, want %q", got, tt.want)
			}
		})
	}
}

// A warning about a value that is cut is shown with the problem that it causes.
func TestDotenvNotesStandBesideProblems(t *testing.T) {
	s := newSetup(t, "SECRET=").file(t, ".env", "SECRET=hunter2#hunter2hunter2hunter2hunter2\nhunter2")
	s.refused(t, "SECRET (.env:1): must be at least 32 random bytes")
	_, err := s.load()
	for _, want := range []string{"is 1 problem", "note: SECRET (.env:1) ends at a #", "note: line 2 of .env is not an assignment"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the error shows a value: %v", err)
	}
	newSetup(t).file(t, ".env", strings.Repeat("#", 1<<21)).refused(t, "it is larger than 1 MiB")
}

func TestDotenvLineAsDirectusPrintsIt(t *testing.T) {
	c := newSetup(t).file(t, ".env", "AUTH_PROVIDERS=\"apple\"\nAUTH_APPLE_DRIVER=\"openid\"\nAUTH_APPLE_PARAMS=\"{\"response_mode\":\"form_post\"}\"\n").mustLoad(t)
	if got := c.Providers[0].Options["params"]; got != `{"response_mode":"form_post"}` || len(c.Warnings) > 0 {
		t.Errorf("params %q, warnings %q", got, c.Warnings)
	}
}

// dotenv would skip the setting, and with it a protection.
func TestDotenvWithAQuoteThatSwallowsASetting(t *testing.T) {
	for _, swallowed := range []string{"AUTH_CORP_ALLOW_PUBLIC_REGISTRATION=false", "IP_TRUST_PROXY=false", "export PORT=1", "SECRET_FILE=x"} {
		newSetup(t).file(t, ".env", "A='1'\nNOTE=\"hunter2\n"+swallowed+"\nB=\"").
			refused(t, ".env: NOTE (.env:2) is in quotes over several lines, and its value contains a setting: close the quote")
	}
	newSetup(t).file(t, ".env", "NOTE=\"hunter2\nSOMETHING=else\"").mustLoad(t)
}

func TestYAMLRefused(t *testing.T) {
	bomb := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for _, step := range []string{"ba", "cb", "dc", "ed", "fe", "gf"} {
		bomb += step[:1] + ": &" + step[:1] + " [" + strings.Repeat("*"+step[1:]+",", 9) + "]\n"
	}
	bomb = "providers: {x: {driver: openid, " + strings.ReplaceAll(strings.TrimSpace(bomb), "\n", ", ") + "}}"
	tests := []struct{ name, text, want string }{
		{"L09 unknown key", "host: 127.0.0.1\nlog_levle: info", "log_levle (doorward.yaml:2): there is no such setting; did you mean log_level?"},
		{"L09 key in capitals", "Public_URL: x", "Public_URL (doorward.yaml:1): there is no such setting; did you mean public_url?"},
		{"unknown key, nothing near", "colour: red", "colour (doorward.yaml:1): there is no such setting"},
		{"L09 key twice", "port: 1\nport: 2", "port (doorward.yaml:2): is already in line 1"},
		{"L09 provider twice", "providers:\n  x: {driver: a}\n  x: {driver: b}", "providers.x (doorward.yaml:3): is already in line 2"},
		{"L09 option twice", "providers:\n  x:\n    driver: a\n    driver: b", "providers.x.driver (doorward.yaml:4): is already in line 3"},
		{"L09 provider twice but for capitals", "providers:\n  x: {driver: a}\n  X: {driver: b}", `providers.X (doorward.yaml:3): has the providers "x" and "X", which differ only in capitals`},
		{"provider default", "providers: {default: {driver: a}}", `providers.default (doorward.yaml:1): "default" cannot`},
		{"provider without driver", "providers: {x: {}}", "providers.x.driver (doorward.yaml:1): is required and not set"},
		{"provider as text", "providers: {x: openid, y: {driver: a}}", "providers.x (doorward.yaml:1): must be a mapping"},
		{"list at the top", "- a", "doorward.yaml:1: must be a mapping"},
		{"broken", "port: 1\na: b: c", "doorward.yaml: line 2: mapping values"},
		{"tab", "providers:\n\tx: y", "doorward.yaml: line 2 is indented with a tab, which YAML does not allow; indent with spaces"},
		{"two documents", "port: 1\n---\nport: 2", "doorward.yaml: must contain only one YAML document"},
		{"secret like an anchor", "secret: *hunter2", "doorward.yaml: a value that begins with * does not name an anchor"},
		{"secret like a tag", "secret: !hunter2", "secret (doorward.yaml:1): has a YAML tag; put a value that begins with ! in quotes"},
		{"octal", "port: 0123", "port (doorward.yaml:1): looks like a number but is not in plain decimal"},
		{"hexadecimal", "port: 0x1f", "port (doorward.yaml:1): looks like a number"},
		{"fraction for text", "db_filename: 1.0", "db_filename (doorward.yaml:1): must be text (put it in quotes)"},
		{"bool for text", "host: true", "host (doorward.yaml:1): must be text (put it in quotes), not true or false"},
		{"merge", "providers: {x: &x {driver: a}, y: {<<: *x, driver: b}}", "providers.y.<< (doorward.yaml:1): merging with << is not supported"},
		{"list as a key", "[a]: b", "a key must be text"},
		{"too deep", "providers: {x: {driver: a, y: " + strings.Repeat("[", 40) + strings.Repeat("]", 40) + "}}", "providers.x.y (doorward.yaml:1): the file has too many values, or values nested too deep"},
		{"alias of itself", "providers: {x: {driver: a, y: &y [*y]}}", "providers.x.y (doorward.yaml:1): the file has too many values, or values nested too deep"},
		{"absent file", "log_level: {file: nowhere}", "log_level (doorward.yaml:1): reading "},
		{"absent variable", "log_level: {env: NOWHERE}", "log_level (doorward.yaml:1): the environment variable NOWHERE is not set"},
		{"key twice in an option", "providers:\n  x:\n    driver: a\n    params: {a: b, a: c}", "providers.x.params (doorward.yaml:4): line 4: the key \"a\" is set twice"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newSetup(t, "SECRET=").yaml(t, tt.text).file(t, ".env", goodSecret)
			if strings.Contains(tt.text, "secret:") {
				s.file(t, ".env", "")
			}
			s.refused(t, tt.want)
			if _, err := s.load(); strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error shows a secret: %v", err)
			}
		})
	}
	t.Run("aliases that stand for millions of values", func(t *testing.T) {
		_, err := newSetup(t).yaml(t, bomb).load()
		if err == nil || !strings.Contains(err.Error(), "the file has too many values") {
			t.Errorf("Load: %v", err)
		}
	})
}

func TestYAMLAccepted(t *testing.T) {
	s := newSetup(t, "LEVEL=debug").file(t, "style", "json\n")
	s.file(t, "other.json", `{"port": 9000, "log_level": {"env": "LEVEL"}, "log_style": {"file": "style"},
 "access_token_ttl": "1.5h", "auth_providers": ["a"], "providers": {"a": {"driver": "openid"}}, "public_url": null}`)
	c, err := config.Load(config.Input{Environ: s.environ, Dir: s.dir, File: "other.json"})
	if err != nil {
		t.Fatal(err)
	}
	if c.Port != 9000 || c.LogLevel != "debug" || c.LogStyle != "json" || c.AccessTokenTTL.Minutes() != 90 || len(c.Providers) != 1 {
		t.Errorf("config: %+v", c)
	}
	if c := newSetup(t).yaml(t, "# nothing\n").mustLoad(t); c.Port != 8055 {
		t.Errorf("port %d from an empty file", c.Port)
	}
}

// FuzzLoad checks that no file makes Load panic, or return both or neither of a Config and
// an error, and that Explain refuses the same.
func FuzzLoad(f *testing.F) {
	f.Add("secret: hunter2\nproviders: {x: &a {driver: openid, y: *a}}", "X='1'")
	f.Add("providers: {x: {role_mapping: {a: {file: b}}}}", "AUTH_X_ROLE_MAPPING={}\nAUTH_X_A__B=\"\n\"")
	f.Add("? [a]\n: &x\n- *x\n", "export A=`b`\n#c\n")
	f.Add(`{"AUTH_PROVIDERS":["x"],"AUTH_X_LABEL":"\ud83d\ude00 \/","A":[{"b":1}],"PORT":1}`, "PORT=2\nPUBLIC_ULR=x\n")
	f.Fuzz(func(t *testing.T, document, dotenv string) {
		s := newSetup(t, "AUTH_PROVIDERS=x", "AUTH_X_DRIVER=openid").yaml(t, document).file(t, ".env", dotenv)
		c, err := s.load()
		if (c == nil) == (err == nil) {
			t.Errorf("Load: %v, %v", c, err)
		}
		refused := 0
		for _, finding := range config.Explain(config.Input{Environ: s.environ, Dir: s.dir, Executable: filepath.Join("opt", "doorward")}).Findings {
			if finding.Error {
				refused++
			}
		}
		wrong := &config.Error{}
		if errors.As(err, &wrong); refused != len(wrong.Problems) {
			t.Errorf("%d errors of Explain, and Load: %v", refused, err)
		}
	})
}
