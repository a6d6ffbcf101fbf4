package config

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/sdk/options"
)

const goodSecret = "SECRET=a secret of the tests, 0123456789"

// explained is the report on an environment, in a folder with these files.
func explained(t *testing.T, files map[string]string, environ ...string) Report {
	t.Helper()
	return Explain(inputWith(t, files, environ...))
}

func inputWith(t *testing.T, files map[string]string, environ ...string) Input {
	t.Helper()
	in := Input{Dir: t.TempDir(), Environ: environ}
	for name, text := range files {
		path := filepath.Join(in.Dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, ".yaml") {
			in.File = path
		}
	}
	return in
}

// shown is everything in a report that the operator can see.
func (r Report) shown(t *testing.T) string {
	t.Helper()
	all := []any{r.Sources, r.Settings, r.Findings}
	for _, p := range r.Providers {
		all = append(all, p.Options, p.Mechanism(nil, nil, nil))
	}
	encoded, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return string(encoded)
}

func (r Report) texts(class Class) (texts []string) {
	for _, f := range r.Findings {
		if f.Class == class {
			texts = append(texts, f.Text)
		}
	}
	return texts
}

// A report refuses what Load refuses, with the same texts, and contains its warnings.
func TestReportIsOfWhatLoadReads(t *testing.T) {
	var nonsense, inYAML []string
	for _, o := range settingsSchema.Options {
		if o.Name != "auth_providers" { // other tests cover it
			nonsense = append(nonsense, strings.ToUpper(o.Name)+"=%%% no sense")
			inYAML = append(inYAML, o.Name+": {no: sense}")
		}
	}
	for _, o := range providerSchema.Options {
		nonsense = append(nonsense, "AUTH_X_"+strings.ToUpper(o.Name)+"=%%% no sense")
	}
	for name, in := range map[string]Input{
		"nothing":           inputWith(t, nil),
		"good":              inputWith(t, nil, goodSecret),
		"nonsense":          inputWith(t, nil, append(nonsense, "AUTH_PROVIDERS=x")...),
		"nonsense in YAML":  inputWith(t, map[string]string{"d.yaml": strings.Join(inYAML, "\n") + "\nproviders: {x: {driver: [1]}, y: 3}\nno_such: 1\n"}),
		"providers":         inputWith(t, nil, goodSecret, "AUTH_PROVIDERS=x,x,default,a b", "AUTH_X_MODE=session", "AUTH_Y_MODE=x"),
		"twice":             inputWith(t, nil, goodSecret, "PORT=1", "PORT_FILE=/nowhere"),
		"a file not there":  inputWith(t, nil, "SECRET_FILE=/nowhere/secret"),
		"apps":              inputWith(t, map[string]string{"d.yaml": "forward_auth: {apps: [{url: 'https://u:p@a.example/', allow: []}]}"}, goodSecret),
		"swallowed":         inputWith(t, map[string]string{".env": "PORT='8055\nSECRET=x\n'\n"}, goodSecret),
		"no YAML":           inputWith(t, map[string]string{"d.yaml": "a: [\n"}, goodSecret),
		"warnings":          inputWith(t, nil, "SECRET="+strings.Repeat("s", 40), "CORS_ENABLED=true", "RATE_LIMITER_ENABLED=false", "HTTP_PROXY=http://p.example:1"),
		"a file of another": inputWith(t, map[string]string{"d.yaml": "- a\n- b\n"}, goodSecret),
	} {
		t.Run(name, func(t *testing.T) {
			r := Explain(in)
			config, err := Load(in)
			var refused, want []string
			for _, f := range r.Findings {
				if f.Error {
					refused = append(refused, f.Text)
				}
			}
			if wrong, ok := errors.AsType[*Error](err); ok {
				for _, p := range wrong.Problems {
					want = append(want, p.String())
				}
			}
			slices.Sort(refused)
			slices.Sort(want)
			if diff := cmp.Diff(want, refused); diff != "" {
				t.Errorf("(-Load +Explain):\n%s", diff)
			}
			if err != nil {
				return
			}
			if r.Config == nil || r.Config.Port != config.Port {
				t.Errorf("the configuration is %+v", r.Config)
			}
			for _, warning := range config.Warnings {
				if !slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Text == warning && !f.Error }) {
					t.Errorf("no finding has the warning %q", warning)
				}
			}
		})
	}
}

// The value of a refused setting is not shown, and the other settings are.
func TestReportOfWhatIsUnderstood(t *testing.T) {
	r := explained(t, map[string]string{
		".env":   "ACCESS_TOKEN_TTL=900000\nHOST=::1 # all\n",
		"d.yaml": "refresh_token_ttl: 14d\nsession_cookie_ttl: 90m\nport: 80x\nproviders:\n  x:\n    driver: ldap\n    redirect_allow_list: [https://a.example/, https://b.example/]\n    login_timeout: 1m\n    mode: nonsense\n    user_dn: ou=people\n",
		"ca.pem": "-----BEGIN\nline\n-----END\n", "secret": "a secret of the tests, 0123456789\n",
	}, "SECRET_FILE=secret", "https_proxy=http://user:hunter2@proxy.example:3128", "AUTH_X_ICON=", "AUTH_X_SYNC_USER_INFO=yes", "AUTH_X_CA_FILE=ca.pem")
	type row struct{ Name, From, File, Value string }
	var got []row
	for _, g := range append(r.Settings, append(r.Providers[0].Options, r.Providers[0].Mechanism(nil, nil, nil)...)...) {
		value := g.Value
		switch {
		case g.Hidden:
			value = "hidden"
		case !g.Understood:
			value = "refused"
		}
		got = append(got, row{g.Name, g.From, g.File, value})
	}
	want := []row{
		{"HOST", ".env:2", "", "::1"},
		{"port", "d.yaml:3", "", "refused"},
		{"SECRET_FILE", "environment", "secret", "hidden"},
		{"ACCESS_TOKEN_TTL", ".env:1", "", "15m"},
		{"refresh_token_ttl", "d.yaml:1", "", "14d"},
		{"session_cookie_ttl", "d.yaml:2", "", "1h30m"},
		{"https_proxy", "environment", "", "hidden"},
		{"providers.x.driver", "d.yaml:6", "", "ldap"},
		{"providers.x.mode", "d.yaml:9", "", "refused"},
		{"providers.x.redirect_allow_list", "d.yaml:7", "", "https://a.example/, https://b.example/"},
		{"AUTH_X_SYNC_USER_INFO", "environment", "", "true"},
		{"providers.x.login_timeout", "d.yaml:8", "", "1m"},
		{"AUTH_X_CA_FILE", "environment", "ca.pem", "refused"},
		{"providers.x.user_dn", "d.yaml:10", "", "hidden"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s\n%v", diff, r.Findings)
	}
	if r.Config == nil || r.Config.RefreshTokenTTL.Hours() != 14*24 {
		t.Errorf("the rest was not read: %+v", r.Config)
	}
}

// Any option can contain a password.
func TestReportHidesCredentials(t *testing.T) {
	for _, url := range []string{
		"https://u:hunter2@a.example/", "https://u:hun/ter2@a.example/", "https://u:hun ter2@a.example/", "u:hunter2@a.example:3128", "//u:hunter2@a.example",
		"https://u@a.example/", "https://a.example/?client_secret=hunter2", "https://a.example/?x=1&API-Key=hunter2", "https://a.example/#access_token=hunter2", "a.example, u:hunter2@b.example",
	} {
		r := explained(t, nil, "AUTH_PROVIDERS=x", "AUTH_X_DRIVER=openid", "AUTH_X_ICON="+url, "NO_PROXY="+url, "FORWARD_AUTH_APPS="+url)
		for _, g := range append(r.Settings, r.Providers[0].Options...) {
			if shown := g.Name == "AUTH_X_ICON" || g.Name == "NO_PROXY"; shown && !g.Hidden || strings.Contains(g.Value, "ter2") {
				t.Errorf("%s: %+v", url, g)
			}
		}
		for _, f := range r.Findings {
			if strings.Contains(f.Text, "ter2") && strings.Contains(url, "@") {
				t.Errorf("%s: %s", url, f.Text)
			}
		}
	}
	for _, text := range []string{"https://a.example/?redirect=x", "account_circle", "https://a.example:8443/x", "ann@example.org"} {
		r := explained(t, nil, "AUTH_PROVIDERS=x", "AUTH_X_DRIVER=openid", "AUTH_X_ICON="+text)
		if g := r.Providers[0].Options[1]; g.Name != "AUTH_X_ICON" || g.Value != text {
			t.Errorf("%s: %+v", text, g)
		}
	}
}

// If a source cannot be read, nothing is reported about its possible content.
func TestReportWithoutASource(t *testing.T) {
	r := explained(t, map[string]string{"d.yaml": "a: [\n"}, "PORT=8056", "AUTH_PROVIDERS=x")
	if r.Config != nil || len(r.Findings) != 1 || !strings.HasPrefix(r.Findings[0].Text, "d.yaml: ") || r.Findings[0].Class != ClassWrong {
		t.Errorf("findings %+v", r.Findings)
	}
	if len(r.Settings) != 2 || r.Settings[0].Value != "8056" {
		t.Errorf("settings %+v", r.Settings)
	}

	// Values that were refused are not shown as if they were in force.
	r = explained(t, map[string]string{"d.yaml": "a: [\n"}, "IP_TRUST_PROXY=true", "CORS_ENABLED=true", "CORS_ORIGIN=true", "LOG_LEVEL=debug")
	if len(r.Findings) != 1 {
		t.Errorf("findings %+v", r.Findings)
	}
	for _, g := range r.Settings {
		if refused := g.Name == "IP_TRUST_PROXY" || g.Name == "CORS_ORIGIN"; g.Understood == refused || refused && g.Value != "" {
			t.Errorf("%+v", g)
		}
	}
}

// No secret is shown, however it is given and whatever else is wrong.
func TestReportHoldsNoSecret(t *testing.T) {
	const canary = "canary-5d1f0c"
	forms := map[string]func(name string, yaml string) (map[string]string, []string){
		"environment": func(name, _ string) (map[string]string, []string) {
			return nil, []string{name + "=" + canary}
		},
		"with lines": func(name, _ string) (map[string]string, []string) {
			return map[string]string{".env": name + "='" + canary + "\n" + canary + "'\n"}, nil
		},
		"URL": func(name, _ string) (map[string]string, []string) {
			return nil, []string{name + "=http://user:" + canary + "@host.example:8055/"}
		},
		"file": func(name, _ string) (map[string]string, []string) {
			return map[string]string{"file": canary + "\n"}, []string{name + "_FILE=file"}
		},
		"twice": func(name, _ string) (map[string]string, []string) {
			return map[string]string{"file": canary + "\n"}, []string{name + "_FILE=file", name + "=" + canary}
		},
		"YAML": func(_, yaml string) (map[string]string, []string) {
			return map[string]string{"d.yaml": yamlOf(yaml, canary)}, nil
		},
		"YAML list": func(_, yaml string) (map[string]string, []string) {
			return map[string]string{"d.yaml": yamlOf(yaml, "["+canary+"]")}, nil
		},
		"YAML env": func(_, yaml string) (map[string]string, []string) {
			return map[string]string{"d.yaml": yamlOf(yaml, "{env: CANARY}")}, []string{"CANARY=" + canary}
		},
	}
	secrets := map[string]string{} // names in the environment, by those in YAML
	add := func(schema options.Schema, prefix, path string) {
		for _, o := range schema.Options {
			if o.Secret {
				secrets[path+o.Name] = prefix + strings.ToUpper(o.Name)
			}
		}
	}
	add(settingsSchema, "", "")
	add(providerSchema, "AUTH_X_", "providers.x.")
	for _, mechanisms := range []string{"client_secret", "bind_password", "anything", "params__anything"} {
		secrets["providers.x."+mechanisms] = "AUTH_X_" + strings.ToUpper(mechanisms)
	}
	if len(secrets) < 15 {
		t.Fatalf("only %d secrets are known", len(secrets))
	}
	for yaml, name := range secrets {
		for form, of := range forms {
			files, environ := of(name, yaml)
			r := explained(t, files, append(environ, "AUTH_PROVIDERS=x", "DB_CLIENT=pg")...)
			if text := r.shown(t); strings.Contains(text, canary) {
				t.Errorf("%s, %s: %s", name, form, text)
			}
		}
	}
}

// yamlOf is a file with a value at a path.
func yamlOf(path, value string) string {
	parts := strings.Split(path, ".")
	text := ""
	for i, part := range parts {
		text += strings.Repeat("  ", i) + part + ":\n"
	}
	return strings.TrimSuffix(text, "\n") + " " + value + "\n"
}

func TestReportOfWhatHasNoEffect(t *testing.T) {
	r := explained(t, nil, goodSecret, "AUTH_PROVIDERS=x", "AUTH_X_DRIVER=ldap", "AUTH_X_COOKIE_SECURE=true", "AUTH_OTHER_DRIVER=ldap", "IP_CUSTOM_HEADER=X-Real-IP",
		"AUTH_DISABLE_DEFAULT=false", "DB_FILENAME=./d.db", "DB_HOST=h", "RATE_LIMITER_STORE=redis", "HTTP_PROXY=http://p.example:1", "SESION_COOKIE_NAME=x", "NODE_EXTRA_CA_CERTS=/nowhere/ca.pem")
	all := strings.Join(r.texts(ClassNoEffect), "\n")
	for _, name := range []string{"AUTH_X_COOKIE_SECURE", "AUTH_OTHER_DRIVER", "IP_CUSTOM_HEADER", "AUTH_DISABLE_DEFAULT", "DB_HOST", "RATE_LIMITER_STORE", "HTTP_PROXY", "SESION_COOKIE_NAME", "NODE_EXTRA_CA_CERTS"} {
		if n := strings.Count("\n"+all, "\n"+name); n != 1 {
			t.Errorf("%s is told of %d times in:\n%s", name, n, all)
		}
	}
	if len(r.texts(ClassDoubtful)) > 0 {
		t.Errorf("doubtful: %q", r.texts(ClassDoubtful))
	}
}

func TestReportOfDangers(t *testing.T) {
	https := "PUBLIC_URL=https://login.example.org"
	provider := []string{"AUTH_PROVIDERS=x", "AUTH_X_DRIVER=ldap"}
	for name, test := range map[string]struct {
		environ []string
		want    string // how a text begins; empty: there is none
	}{
		"nothing":             {provider, ""},
		"a secret":            {[]string{"SECRET=" + strings.Repeat("s", 40)}, "SECRET is easy to guess"},
		"a public secret":     {[]string{"SECRET=replace-with-secure-random-value"}, "SECRET is the example from the manual of Directus"},
		"cookie domain":       {[]string{https, "SESSION_COOKIE_DOMAIN=example.org"}, "SESSION_COOKIE_DOMAIN is example.org: browsers send the cookie to every host below it"},
		"cookie everywhere":   {[]string{https, "REFRESH_TOKEN_COOKIE_SAME_SITE=none"}, "REFRESH_TOKEN_COOKIE_SAME_SITE is none"},
		"http for others":     {[]string{"HOST=0.0.0.0"}, "HOST is 0.0.0.0, and PUBLIC_URL is http"},
		"https for others":    {[]string{https, "HOST=0.0.0.0"}, ""},
		"metrics":             {[]string{"METRICS_ADDRESS=0.0.0.0:9"}, "METRICS_ADDRESS is on 0.0.0.0"},
		"own metrics":         {[]string{"METRICS_ADDRESS=[::1]:9"}, ""},
		"administration":      {[]string{"ADMIN_ADDRESS=10.0.0.1:9", "ADMIN_INSECURE_BEYOND_LOOPBACK=true"}, "ADMIN_INSECURE_BEYOND_LOOPBACK is true: "},
		"forward-auth":        {[]string{"FORWARD_AUTH_ADDRESS=10.0.0.1:9", "IP_TRUST_PROXY=10.0.0.2"}, "FORWARD_AUTH_ADDRESS is on 10.0.0.1"},
		"forward-auth, other": {[]string{"FORWARD_AUTH_ADDRESS=10.0.0.1:9", "IP_TRUST_PROXY=10.0.0.2", "FORWARD_AUTH_SECRET=0123456789abcdef"}, ""},
		"wide trust":          {[]string{"IP_TRUST_PROXY=127.0.0.1, 8.0.0.0/6"}, "IP_TRUST_PROXY has 8.0.0.0/6"},
		"wide trust, IPv6":    {[]string{"IP_TRUST_PROXY=2001:db8::/32"}, "IP_TRUST_PROXY has 2001:db8::/32"},
		"narrow trust":        {[]string{"IP_TRUST_PROXY=loopback, linklocal, 10.1.0.0/16"}, ""},
		"addresses":           {[]string{"OUTBOUND_DENY=none"}, "OUTBOUND_DENY is none"},
		"linking":             {[]string{"ACCOUNT_LINKING=true"}, "ACCOUNT_LINKING is true: "},
		"linking by address":  {append(provider, "AUTH_X_LINK_BY_VERIFIED_EMAIL=1"), "AUTH_X_LINK_BY_VERIFIED_EMAIL is true: "},
		"unsolicited":         {append(provider, "AUTH_X_ALLOW_UNSOLICITED=yes"), "AUTH_X_ALLOW_UNSOLICITED is true: "},
		"not unsolicited":     {append(provider, "AUTH_X_ALLOW_UNSOLICITED=no", "AUTH_X_LINK_BY_VERIFIED_EMAIL=false"), ""},
		"guessing":            {[]string{"RATE_LIMITER_ENABLED=false"}, "RATE_LIMITER_ENABLED is false: passwords"},
		"refused":             {[]string{https, "SESSION_COOKIE_DOMAIN=example.com", "ACCOUNT_LINKING=perhaps"}, ""},
	} {
		environ := test.environ
		if !slices.ContainsFunc(environ, func(v string) bool { return strings.HasPrefix(v, "SECRET=") }) {
			environ = append(slices.Clone(environ), goodSecret)
		}
		got := explained(t, nil, environ...).texts(ClassDangerous)
		switch {
		case test.want == "" && len(got) > 0, test.want != "" && (len(got) != 1 || !strings.HasPrefix(got[0], test.want)):
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

func TestReportOfWhatIsMissing(t *testing.T) {
	r := explained(t, map[string]string{"d.yaml": "secret:\nproviders:\n  y: {client_id: x}\n"}, "AUTH_PROVIDERS=x", "AUTH_X_MODE=nonsense", "PORT=0")
	got := r.texts(ClassMissing)
	for _, want := range []string{"secret (d.yaml:1): is required", "PUBLIC_URL: is required", "AUTH_X_DRIVER: is required", "providers.y.driver (d.yaml:3): is required"} {
		if !slices.ContainsFunc(got, func(text string) bool { return strings.HasPrefix(text, want) }) {
			t.Errorf("no %q in %q", want, got)
		}
	}
	if wrong := r.texts(ClassWrong); len(got) != 4 || len(wrong) != 1 {
		t.Errorf("missing %q, wrong %q", got, wrong)
	}
}

// The size of a report is bounded, whatever the file contains.
func TestLongValuesAreShortened(t *testing.T) {
	long := strings.Repeat("x", 1<<19)
	r := explained(t, nil, goodSecret, "PLUGIN_DIR=/"+long, "AUTH_PROVIDERS=x", "AUTH_X_DRIVER=ldap", "AUTH_X_LABEL="+long)
	if text := r.shown(t); len(text) > 4000 || !strings.Contains(text, "524288 bytes") {
		t.Errorf("%d bytes: %.300s", len(text), text)
	}
}

// The class of a warning does not depend on its words, some of which an operator writes.
func TestReportedClassIsNotOfWords(t *testing.T) {
	r := explained(t, map[string]string{"d.yaml": "forward_auth: {apps: [{url: 'https://a.example.org/', providers: [x has no effect]}]}\n"},
		"PUBLIC_URL=https://login.example.org", "SESSION_COOKIE_DOMAIN=example.org", "FORWARD_AUTH_ADDRESS=127.0.0.1:0", "IP_TRUST_PROXY=127.0.0.1")
	i := slices.IndexFunc(r.Findings, func(f Finding) bool { return strings.Contains(f.Text, `"x has no effect"`) })
	if i < 0 || r.Findings[i].Class != ClassDoubtful {
		t.Errorf("findings %+v", r.Findings)
	}
}
