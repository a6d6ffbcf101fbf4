package e2e

import (
	"cmp"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/host/internal/config"
	"github.com/doorward/doorward/plugins/ldap/ldaptest"
	"github.com/doorward/doorward/plugins/saml/samltest"
	"github.com/doorward/doorward/sdk/options"
	"github.com/doorward/doorward/sdk/plugin"
	"github.com/doorward/doorward/sdk/plugintest"
)

// What becomes of a setting of Directus.
type settingClass string

const (
	settingWorks   settingClass = "works"             // as there
	settingDiffers settingClass = "works differently" // and docs/directus.md says how
	settingRefused settingClass = "is refused"        // with what to write instead
	settingWarned  settingClass = "is warned of"      // and has no effect
)

// settingRow is a setting of Directus with a sample of its value.
type settingRow struct {
	name  string // for a provider what follows AUTH_<PROVIDER>_
	value string
	class settingClass

	// What the configuration is made to say by it, or for a class that does not work
	// what the problem or the warning does.
	want any
	with []string // what else is given, for the same provider if it is one's

	// Where the configuration says so: a field of the host's, or an option of the
	// mechanism. Without either it is the option of the same name.
	of     func(*config.Config) any
	option string

	noFile bool // the value is a path already, or names no value
}

// pemOfTest are a CA, a certificate, keys and metadata of tests.
type pemOfTest struct{ ca, caFile, certificate, key, rsaKey, metadata string }

func newPEMOfTest(t *testing.T) pemOfTest {
	dir := ldaptest.Start(t, ldaptest.Config{})
	certificate, key := dir.Client()
	metadata := samltest.New(samltest.Config{URL: "https://idp.example.org"}).Metadata().XML()
	der, err := x509.MarshalPKCS8PrivateKey(samltest.DefaultKey().Signer)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	caFile := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(caFile, []byte(dir.CA()), 0o600); err != nil {
		t.Fatal(err)
	}
	return pemOfTest{dir.CA(), caFile, certificate, key, string(rsaKey), string(metadata)}
}

// directusBench loads one setting at a time, and has the real plugins read what is
// theirs.
type directusBench struct {
	pem     pemOfTest
	schemas map[string]options.Schema
	clients map[string]*plugin.Client
}

func newDirectusBench(t *testing.T) *directusBench {
	b := &directusBench{newPEMOfTest(t), map[string]options.Schema{}, map[string]*plugin.Client{}}
	for _, driver := range []string{"openid", "oauth2", "ldap", "saml"} {
		client := plugintest.Start(t, filepath.Join(repository(t), "bin", "plugins", "doorward-plugin-"+driver))
		_, schema, err := client.Describe(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		b.clients[driver], b.schemas[driver] = client, schema
	}
	return b
}

// least are the options without which there is no provider.
func (b *directusBench) least(driver string) map[string]string {
	switch driver {
	case "openid":
		return map[string]string{"ISSUER_URL": "https://idp.example.org", "CLIENT_ID": "doorward", "CLIENT_SECRET": "not a secret"}
	case "oauth2":
		return map[string]string{
			"AUTHORIZE_URL": "https://idp.example.org/authorize", "ACCESS_URL": "https://idp.example.org/token", "PROFILE_URL": "https://idp.example.org/me",
			"CLIENT_ID": "doorward", "CLIENT_SECRET": "not a secret", "IDENTIFIER_KEY": "id",
		}
	case "ldap":
		return map[string]string{"CLIENT_URL": "ldaps://ldap.example.org", "USER_DN": "ou=people,dc=example,dc=org", "BIND_DN": "cn=search,dc=example,dc=org", "BIND_PASSWORD": "not a secret"}
	case "saml":
		return map[string]string{"IDP_metadata": b.pem.metadata}
	}
	return nil
}

// environment is what the host is started with.
func (b *directusBench) environment(driver string, row settingRow) []string {
	const secret = "SECRET=Zm9yIHRoZSB0ZXN0cyBvZiB0aGlzIHBhY2thZ2U="
	if driver == "" {
		env := []string{row.name + "=" + row.value}
		for _, more := range append([]string{secret, "PUBLIC_URL=https://login.example.org"}, row.with...) {
			if name, _, _ := strings.Cut(more, "="); name != strings.TrimSuffix(row.name, "_FILE") {
				env = append(env, more)
			}
		}
		return env
	}
	given := b.least(driver)
	given["DRIVER"] = driver
	for _, more := range row.with {
		name, value, _ := strings.Cut(more, "=")
		given[name] = value
	}
	delete(given, strings.TrimSuffix(row.name, "_FILE"))
	given[row.name] = row.value
	env := []string{secret, "PUBLIC_URL=https://login.example.org", "AUTH_PROVIDERS=corp"}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		env = append(env, "AUTH_CORP_"+name+"="+given[name])
	}
	return env
}

// load reads an environment, and has the plugin read and open the provider. Problems are
// in the words of the operator.
func (b *directusBench) load(t *testing.T, driver string, environ []string) (c *config.Config, values map[string]any, problems []string) {
	c, err := config.Load(config.Input{Environ: environ, Dir: t.TempDir(), Executable: filepath.Join(repository(t), "bin", "doorward")})
	if err != nil {
		refusal, ok := errors.AsType[*config.Error](err)
		if !ok {
			t.Fatal(err)
		}
		return nil, nil, strings.Split(refusal.Problems.Error(), "\n")
	}
	if driver == "" || len(c.Providers) == 0 {
		return c, nil, nil
	}
	p := c.Providers[0]
	values, err = options.Declared(b.schemas[driver], p.Options)
	request := plugintest.Request(p.Options)
	request.Outbound = p.Outbound
	if err == nil {
		_, err = b.clients[driver].Open(t.Context(), request)
	}
	found, _ := errors.AsType[options.Problems](err)
	for _, problem := range found {
		problems = append(problems, p.Spelling(problem.Option)+": "+problem.Text)
	}
	if err != nil && len(found) == 0 {
		t.Fatalf("opening the provider: %v", err)
	}
	return c, values, problems
}

// name is the variable of a row.
func (r settingRow) variable(driver string) string {
	if driver == "" {
		return r.name
	}
	return "AUTH_CORP_" + r.name
}

func (b *directusBench) check(t *testing.T, driver string, row settingRow) {
	t.Helper()
	c, values, problems := b.load(t, driver, b.environment(driver, row))
	name := strings.TrimSuffix(row.variable(driver), "_FILE")
	switch row.class {
	case settingRefused:
		text, _ := row.want.(string)
		if !slices.ContainsFunc(problems, func(p string) bool { return strings.HasPrefix(p, name) && strings.Contains(p, text) }) || text == "" {
			t.Errorf("problems %q, want one that begins with %s and has %q", problems, name, text)
		}
		return
	case settingWorks, settingDiffers, settingWarned:
		if len(problems) > 0 {
			t.Errorf("is refused: %q", problems)
			return
		}
	default:
		t.Fatalf("no such class: %s", row.class)
	}
	told := slices.DeleteFunc(slices.Clone(c.Warnings), func(w string) bool { return !strings.Contains(w, name) })
	if row.class == settingWarned {
		text, _ := row.want.(string)
		if len(told) != 1 || text == "" || !strings.Contains(told[0], text) {
			t.Errorf("warnings %q, want one with %q", told, text)
		}
		return
	}
	if row.class == settingWorks && len(told) > 0 {
		t.Errorf("warnings: %q", told)
	}
	var got any
	switch {
	case row.of != nil:
		got = row.of(c)
	case driver == "":
		t.Fatal("nothing says where its effect is")
	default:
		got = values[cmp.Or(row.option, strings.ToLower(strings.TrimSuffix(row.name, "_FILE")))]
	}
	if diff := gocmp.Diff(plain(t, row.want), plain(t, got)); diff != "" {
		t.Errorf("effect (-want +got):\n%s", diff)
	}
}

// castOf parts the cast prefix of a value from it: in a file it stands before the path.
func castOf(value string) (cast, rest string) {
	for _, prefix := range []string{"string:", "json:"} {
		if rest, ok := strings.CutPrefix(value, prefix); ok {
			return prefix, rest
		}
	}
	return "", value
}

// plain makes values of different types comparable that are the same in JSON, or text
// but for newlines at their end.
func plain(t *testing.T, value any) any {
	t.Helper()
	if text, ok := value.(string); ok {
		value = strings.TrimRight(text, "\n")
		if json.Valid([]byte(text)) && strings.ContainsAny(text[:1], "{[") {
			value = json.RawMessage(text)
		}
	}
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	var out any
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestSettingsOfDirectus: each setting that Directus documents for signing in works, or
// is refused or warned of with what to do. None is without effect and without a word.
func TestSettingsOfDirectus(t *testing.T) {
	b := newDirectusBench(t)
	for driver, rows := range b.rows() {
		for _, row := range rows {
			t.Run(fmt.Sprintf("%s %s %s", cmp.Or(driver, "host"), row.name, row.class), func(t *testing.T) {
				b.check(t, driver, row)
			})
			if row.class == settingRefused || row.class == settingWarned || row.noFile {
				continue
			}
			t.Run(fmt.Sprintf("%s %s_FILE", cmp.Or(driver, "host"), row.name), func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "value")
				cast, content := castOf(row.value)
				if err := os.WriteFile(path, []byte(content+"\n"), 0o600); err != nil {
					t.Fatal(err)
				}
				row.name, row.value = row.name+"_FILE", cast+path
				b.check(t, driver, row)
			})
		}
	}
}

// TestSettingsOfDirectusAreAllThere holds the rows against the list of names.
func TestSettingsOfDirectusAreAllThere(t *testing.T) {
	b := &directusBench{}
	for driver, names := range directusSettings {
		have := map[string]bool{}
		for _, row := range b.rows()[driver] {
			name, _, _ := strings.Cut(row.name, "__")
			have[row.name], have[name] = true, true
		}
		for name := range strings.FieldsSeq(names) {
			if !have[name] {
				t.Errorf("%s: no row has %s", cmp.Or(driver, "host"), name)
			}
			delete(have, name)
		}
		for _, row := range b.rows()[driver] {
			if name, _, nested := strings.Cut(row.name, "__"); have[row.name] && !(nested && strings.Contains(names, name)) {
				t.Errorf("%s: %s is in no list", cmp.Or(driver, "host"), row.name)
			}
		}
	}
}
