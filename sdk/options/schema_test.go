package options_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/sdk/options"
)

type role string

type described struct {
	ID      string         `option:"id,required" doc:"who | we are"`
	Secret  options.Secret `option:"secret"`
	Token   string         `option:"token,secret"`
	Role    role           `option:"role" default:"user" oneof:"user|admin"`
	Ignored func()         `option:"-"`
	_       int
}

func TestSchemaOf(t *testing.T) {
	got, err := options.SchemaOf[described]()
	if err != nil {
		t.Fatal(err)
	}
	want := options.Schema{Options: []options.Option{
		{Name: "id", Type: options.TypeString, Required: true, Doc: "who | we are"},
		{Name: "secret", Type: options.TypeString, Secret: true},
		{Name: "token", Type: options.TypeString, Secret: true},
		{Name: "role", Type: options.TypeString, Default: "user", Values: []string{"user", "admin"}},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("SchemaOf (-want +got):\n%s", diff)
	}

	encoded, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	var back options.Schema
	if err := json.Unmarshal(encoded, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, back); diff != "" {
		t.Errorf("after JSON (-want +got):\n%s", diff)
	}
}

func TestSchemaOfBadTags(t *testing.T) {
	check := func(name, want string, schemaOf func() (options.Schema, error)) {
		t.Run(name, func(t *testing.T) {
			if _, err := schemaOf(); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("SchemaOf: %v, want %q", err, want)
			}
		})
	}
	check("no struct", "must be a struct", options.SchemaOf[int])
	check("no tag", "has no option tag", options.SchemaOf[struct{ A string }])
	check("bad name", "lower-case", options.SchemaOf[struct {
		A string `option:"clientId"`
	}])
	check("bad flag", "unknown flag", options.SchemaOf[struct {
		A string `option:"a,require"`
	}])
	check("unexported", "must be exported", options.SchemaOf[struct {
		a string `option:"a"`
	}])
	check("bad type", "cannot have the type uint8", options.SchemaOf[struct {
		A uint8 `option:"a"`
	}])
	check("twice", "two fields", options.SchemaOf[struct {
		A string `option:"a"`
		B string `option:"a"`
	}])
	check("bad default", "default must be a whole number", options.SchemaOf[struct {
		A int `option:"a" default:"x"`
	}])
	check("oneof with two that are one in any case", "oneof has Y twice", options.SchemaOf[struct {
		A string `option:"a" oneof:"y|z|Y"`
	}])
	check("default outside oneof", "default must be one of", options.SchemaOf[struct {
		A string `option:"a" default:"x" oneof:"y|z"`
	}])
	check("oneof for int", "oneof does not go", options.SchemaOf[struct {
		A int `option:"a" oneof:"1|2"`
	}])
	check("empty oneof", "empty value", options.SchemaOf[struct {
		A string `option:"a" oneof:"x|"`
	}])
	check("required with default", "cannot have a default", options.SchemaOf[struct {
		A string `option:"a,required" default:"x"`
	}])
	check("secret with default", "cannot have a default", options.SchemaOf[struct {
		A options.Secret `option:"a" default:"x"`
	}])

	if _, err := options.Decode[struct{ A string }](nil); err == nil {
		t.Error("Decode accepts a struct without tags")
	}
}

func TestDecodeDefinedString(t *testing.T) {
	got, err := options.Decode[described](map[string]any{"id": "x", "role": "admin"})
	if err != nil {
		t.Fatal(err)
	}
	if got.Role != "admin" {
		t.Errorf("role %q", got.Role)
	}
}

func TestMarkdown(t *testing.T) {
	schema, err := options.SchemaOf[described]()
	if err != nil {
		t.Fatal(err)
	}
	want := "| Option | Type | Default | Required | Meaning |\n" +
		"|---|---|---|---|---|\n" +
		"| `id` | string |  | yes | who \\| we are |\n" +
		"| `secret` | string, secret |  |  |  |\n" +
		"| `token` | string, secret |  |  |  |\n" +
		"| `role` | string: `user`, `admin` | `user` |  |  |\n"
	if diff := cmp.Diff(want, schema.Markdown()); diff != "" {
		t.Errorf("Markdown (-want +got):\n%s", diff)
	}
}

func TestSecretNeverShows(t *testing.T) {
	secret := options.Secret("hunter2")
	inside := struct {
		S options.Secret
		M map[string]options.Secret
	}{secret, map[string]options.Secret{"k": secret}}
	encoded, err := json.Marshal(inside)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "s", secret, "i", inside)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "s", secret, "i", inside)
	shown := []string{string(encoded), log.String()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%5.3s"} {
		shown = append(shown, fmt.Sprintf(verb, secret), fmt.Sprintf(verb, inside), fmt.Sprintf(verb, &inside))
	}
	for _, text := range shown {
		for _, leak := range []string{"hunter2", "hun", "68756e74657232", "68756E74657232"} {
			if strings.Contains(text, leak) {
				t.Errorf("shows the secret: %s", text)
			}
		}
	}
	if secret.Reveal() != "hunter2" {
		t.Error("Reveal does not reveal")
	}
}

func TestParseDuration(t *testing.T) {
	tests := map[string]time.Duration{
		"15m": 15 * time.Minute, "7d": 7 * 24 * time.Hour, "1.5h": 90 * time.Minute, "900": 900 * time.Millisecond,
		"10s": 10 * time.Second, "1 day": 24 * time.Hour, "2 Weeks": 14 * 24 * time.Hour, ".5s": 500 * time.Millisecond,
		"1y": 8766 * time.Hour, "0": 0, "250ms": 250 * time.Millisecond, "3 mins": 3 * time.Minute, " 5s ": 5 * time.Second,
	}
	for text, want := range tests {
		if got, err := options.ParseDuration(text); err != nil || got != want {
			t.Errorf("ParseDuration(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "m", "-1s", "1h30m", "1 fortnight", "1e3", "0x10", "1.s", "1..5s", "999999999999y", "Infinity", "NaN"} {
		if got, err := options.ParseDuration(text); err == nil {
			t.Errorf("ParseDuration(%q) = %v, want an error", text, got)
		}
	}
}

func TestSuggest(t *testing.T) {
	known := []string{"client_id", "client_secret", "issuer_url", "mode", "idp_entity_id", "entity_id"}
	tests := map[string]string{
		"clientId": "client_id", "CLIENT-SECRET": "client_secret", "isuser_url": "issuer_url", "moed": "mode",
		"client_secrt": "client_secret", "sp_entity_id": "entity_id", "secret": "client_secret", "id": "", "ipd_entity_id": "idp_entity_id", "colour": "", "x": "", "": "", strings.Repeat("client_id", 20): "",
	}
	for name, want := range tests {
		if got := options.Suggest(name, known); got != want {
			t.Errorf("Suggest(%q) = %q, want %q", name, got, want)
		}
	}
}
