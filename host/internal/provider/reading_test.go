package provider

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/doorward/doorward/sdk/options"
)

func readings(t *testing.T, b Binaries, list ...Configured) (map[string]Reading, error) {
	t.Helper()
	return b.Read(t.Context(), list[0].Driver, "9.8.7", "http://localhost:8055", list)
}

func TestReadingOfOptions(t *testing.T) {
	closed := filepath.Join(t.TempDir(), "closed")
	read, err := readings(t, binaries(t, "fake"),
		configured("fake", "good", "expires", "900000", "client_secret", "0123456789abcdef", "closed", closed),
		configured("fake", "wrong", "number", "many", "tenat", "x", "nea", "y"),
		configured("fake", "missing", "tenant", ""),
		configured("fake", "weak", "client_secret", "short"),
		configured("fake", "panics", "at_open", "panic"),
		configured("fake", "waits", "at_open", "wait", "file", "/nowhere"),
	)
	if err != nil {
		t.Fatal(err)
	}
	if r := read["good"]; len(r.Wrong)+len(r.Missing)+len(r.Dangers) > 0 || r.Unchecked != "" || r.Version != "1.2.3" || r.Values["expires"] == nil {
		t.Errorf("good: %+v", r)
	}
	if _, err := os.Stat(closed); err != nil {
		t.Errorf("the provider was not opened, or not closed: %v", err)
	}
	for _, test := range []struct {
		name string
		got  []string
		want []string // how they begin
	}{
		{"wrong", read["wrong"].Wrong, []string{"AUTH_WRONG_NUMBER: must be a whole number", "AUTH_WRONG_NEA: there is no such option; did you mean AUTH_WRONG_NEAR?", "AUTH_WRONG_TENAT: there is no such option; did you mean tenant?"}},
		{"refused", read["wrong"].Refused, []string{"number", "nea", "tenat"}},
		{"missing", read["missing"].Missing, []string{"AUTH_MISSING_TENANT: is required"}},
		{"weak", read["weak"].Dangers, []string{"AUTH_WEAK_CLIENT_SECRET: is weak"}},
		{"panics", []string{read["panics"].Unchecked}, []string{"of provider panics, single options were checked only: "}},
		{"waits", []string{read["waits"].Unchecked}, []string{"of provider waits, single options were checked only: "}},
	} {
		if !slices.EqualFunc(test.got, test.want, strings.HasPrefix) {
			t.Errorf("%s: %q, want %q", test.name, test.got, test.want)
		}
	}
}

// A plugin that ends says nothing of its other providers.
func TestReadingOfAPluginThatDies(t *testing.T) {
	read, err := readings(t, binaries(t, "fake"), configured("fake", "a", "at_open", "die"), configured("fake", "b"))
	if err != nil || read["a"].Unchecked == "" || read["b"].Unchecked == "" || len(read["b"].Wrong) > 0 {
		t.Errorf("%+v, %v", read, err)
	}
}

// A plugin with an SDK that has no ways out to close is not given a provider.
func TestReadingOfAPluginThatCouldConnect(t *testing.T) {
	read, err := readings(t, binaries(t, "raw"), configured("raw", "a"))
	if err != nil || !strings.Contains(read["a"].Unchecked, "SDK") || len(read["a"].Wrong) > 0 {
		t.Errorf("%+v, %v", read, err)
	}
}

func TestReadingOfAPluginThatMayNotRun(t *testing.T) {
	b := binaries(t, "fake", "crasher")
	if _, err := readings(t, b, configured("crasher", "a")); err == nil || !strings.Contains(err.Error(), "starting plugin") {
		t.Errorf("one that crashes: %v", err)
	}
	if _, err := readings(t, b, configured("none", "a")); err == nil || !strings.Contains(err.Error(), `no plugin for driver "none"`) {
		t.Errorf("one that is not there: %v", err)
	}
	path := filepath.Join(b.Dir, FileName("fake"))
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("#!/bin/sh\ntouch "+filepath.Join(b.Dir, "ran")+"\n"), 0o755); err != nil { //nolint:gosec // it is to be executable
		t.Fatal(err)
	}
	if _, err := readings(t, b, configured("fake", "a")); err == nil {
		t.Error("another file than the one that was locked was asked")
	}
	if _, err := os.Stat(filepath.Join(b.Dir, "ran")); err == nil {
		t.Error("another file than the one that was locked was run")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := binaries(t, "fake").Read(ctx, "fake", "9.8.7", "", []Configured{configured("fake", "a")}); err == nil {
		t.Error("an interrupted check went on")
	}
}

func TestOptionsThatGiveUpAProtection(t *testing.T) {
	schema := options.Schema{Options: []options.Option{
		{Name: "allow_missing_nonce", Type: options.TypeBool, Doc: "doc"}, {Name: "sp_insecure_sha1", Type: options.TypeBool},
		{Name: "allowed_groups", Type: options.TypeList}, {Name: "sp_allow_create", Type: options.TypeBool}, {Name: "allow_more", Type: options.TypeBool, Default: "true"},
	}}
	for _, test := range []struct {
		given []any
		want  []string
	}{
		{[]any{"allow_missing_nonce", "yes", "sp_insecure_sha1", true}, []string{"AUTH_X_ALLOW_MISSING_NONCE is true: doc", "AUTH_X_SP_INSECURE_SHA1 is true: "}},
		{[]any{"allow_missing_nonce", "no", "allowed_groups", "a", "sp_allow_create", "true"}, nil},
	} {
		c := configured("fake", "x", test.given...)
		values, _ := options.Declared(schema, c.Options)
		if got := dangers(c, schema, values); !slices.Equal(got, test.want) {
			t.Errorf("%v: %q, want %q", test.given, got, test.want)
		}
	}
}
