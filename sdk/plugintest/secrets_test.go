package plugintest

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/sdk/options"
)

func TestSecretTexts(t *testing.T) {
	schema := options.Schema{Options: []options.Option{
		{Name: "client_id"}, {Name: "client_secret", Secret: true}, {Name: "pin", Secret: true}, {Name: "bind_password", Secret: true},
		{Name: "seeds", Secret: true}, {Name: "codes", Secret: true}, {Name: "params"},
	}}
	got := secretTexts(schema, map[string]any{
		"client_id": "public-id", "client_secret": "hunter2", "pin": "1234", "bind_password": options.Secret("hunter3"),
		"seeds": map[string]any{"alice": "hunter4"}, "seeds__bob": "hunter5", "codes": map[string]string{"carol": "hunter6"},
		"params__x": "public-x", "unknown": "public-y",
	})
	want := map[string]string{
		"client_secret": "hunter2", "bind_password": "hunter3", "seeds__alice": "hunter4", "seeds__bob": "hunter5", "codes__carol": "hunter6",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
