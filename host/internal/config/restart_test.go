package config

import (
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// Every change that a reload does not apply is reported under the name that operators use.
func TestChangedSettingsAreNamedAsTheyAreWritten(t *testing.T) {
	reloaded := []string{
		"AUTH_PROVIDERS", "AUTH_DISABLE_DEFAULT", "FORWARD_AUTH_APPS",
		"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "OUTBOUND_DENY", "OUTBOUND_ALLOW",
		"GLOBAL_AGENT_HTTP_PROXY", "GLOBAL_AGENT_HTTPS_PROXY", "GLOBAL_AGENT_NO_PROXY", "GLOBAL_AGENT_ENVIRONMENT_VARIABLE_NAMESPACE",
		"OUTBOUND_EXTRA_CA", "OUTBOUND_CERT", "OUTBOUND_KEY", "OUTBOUND_TLS_MIN_VERSION", "NODE_EXTRA_CA_CERTS", "NODE_TLS_REJECT_UNAUTHORIZED",
	}
	i := 0
	for _, field := range reflect.VisibleFields(reflect.TypeFor[Settings]()) {
		if field.Anonymous {
			continue
		}
		name := strings.ToUpper(settingsSchema.Options[i].Name)
		i++
		after := &Config{}
		if err := change(reflect.ValueOf(&after.Settings).Elem().FieldByIndex(field.Index)); err != "" {
			t.Errorf("%s is a %s; say here how such a one changes", name, err)
			continue
		}
		want := []string{name}
		if slices.Contains(reloaded, name) {
			want = nil
		}
		if got := NeedRestart(&Config{}, after); !slices.Equal(got, want) {
			t.Errorf("%s has changed: told of %q, want %q", name, got, want)
		}
	}
	if i != len(settingsSchema.Options) {
		t.Errorf("%d settings, and %d options", i, len(settingsSchema.Options))
	}
}

// change gives a setting another value, or returns the kind if it cannot.
func change(value reflect.Value) string {
	switch value.Kind() {
	case reflect.String:
		value.SetString("another")
	case reflect.Int, reflect.Int64:
		value.SetInt(1)
	case reflect.Bool:
		value.SetBool(true)
	case reflect.Slice:
		value.Set(reflect.ValueOf([]string{"another"}))
	default:
		return value.Kind().String()
	}
	return ""
}

// A field of Config that is not derived from settings would change without a report.
func TestEachFieldIsMadeOfSettings(t *testing.T) {
	for field := range reflect.TypeFor[Config]().Fields() {
		if field.Type == reflect.TypeFor[Settings]() {
			continue
		}
		of := field.Tag.Get("of")
		if of == "-" || !field.IsExported() {
			continue
		}
		for name := range strings.SplitSeq(of, ",") {
			if _, ok := settingsSchema.Lookup(name); !ok {
				t.Errorf("%s is made of %q, which is not a setting", field.Name, name)
			}
		}
	}
}

// Derived values change with their setting, and another spelling is not a change.
func TestNeedRestartOfWhatWasLoaded(t *testing.T) {
	dir := t.TempDir()
	load := func(environ ...string) *Config {
		t.Helper()
		c, err := Load(Input{Environ: append([]string{"SECRET=Zm9yIHRoZSB0ZXN0cyBvZiB0aGlzIHBhY2thZ2U="}, environ...), Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	for _, tc := range []struct{ before, after, want string }{
		{"", "PORT=1", "PORT PUBLIC_URL"},
		{"PUBLIC_URL=https://a.example", "PUBLIC_URL=https://b.example", "PUBLIC_URL"},
		{"PUBLIC_URL=https://a.example", "PUBLIC_URL=https://A.example:443/", ""},
		{"", "IP_TRUST_PROXY=10.0.0.0/8", "IP_TRUST_PROXY"},
		{"IP_TRUST_PROXY=loopback", "IP_TRUST_PROXY=127.0.0.0/8,::1", ""},
		{"", "IP_TRUST_PROXY=no", ""},
		{"CORS_ENABLED=true CORS_ORIGIN=https://a.example", "CORS_ENABLED=true CORS_ORIGIN=https://A.example:443/", ""},
		{"CORS_ENABLED=true CORS_ORIGIN=https://a.example", "CORS_ENABLED=true CORS_ORIGIN=https://b.example", "CORS_ORIGIN"},
		{"", "SESSION_COOKIE_NAME=s", "SESSION_COOKIE_NAME"},
		{"", "REFRESH_TOKEN_COOKIE_SAME_SITE=strict", "REFRESH_TOKEN_COOKIE_SAME_SITE"},
		{"", "SESSION_COOKIE_DOMAIN=localhost", "SESSION_COOKIE_DOMAIN"},
		{"LOG_STYLE=json", "LOG_STYLE=raw", ""},
		{"", "DB_FILENAME=" + filepath.Join(dir, "doorward.db"), ""},
		{"", "AUTH_PROVIDERS=a AUTH_A_DRIVER=openid", ""},
	} {
		got := strings.Join(NeedRestart(load(strings.Fields(tc.before)...), load(strings.Fields(tc.after)...)), " ")
		if got != tc.want {
			t.Errorf("from %q to %q: told of %q, want %q", tc.before, tc.after, got, tc.want)
		}
	}
}
