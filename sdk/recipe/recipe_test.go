package recipe_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/sdk/recipe"
)

func TestWrite(t *testing.T) {
	r := recipe.Recipe{
		Preset: "acme-id", Title: "ACME (ID)", Dated: "2026-11-30",
		Console:     []string{"Click here.", "And there."},
		Settings:    []string{"AUTH_{X}_CLIENT_ID=…"},
		Callback:    "Exactly.",
		Notes:       []recipe.Note{{"E-mail address", "never verified."}},
		Unconfirmed: []string{"this", "that"},
	}
	const want = "\n### ACME (ID): `acme-id`\n\nAs of 2026-11-30.\n\n1. Click here.\n2. And there.\n\n" +
		"```sh\nAUTH_PROVIDERS=acme_id\nAUTH_ACME_ID_PRESET=acme-id\nAUTH_ACME_ID_CLIENT_ID=…\n```\n\n" +
		"* Callback: `https://login.example.com/auth/login/acme_id/callback`. Exactly.\n" +
		"* E-mail address: never verified.\n* Not confirmed by any source: this; that.\n"
	var got strings.Builder
	if err := recipe.Write(&got, []recipe.Recipe{r}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Error(diff)
	}
	if link := r.Link(); link != "[`acme-id`](#acme-id-acme-id)" {
		t.Error(link)
	}
}
