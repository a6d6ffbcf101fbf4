package main

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/doorward/doorward/plugins/oauth2/internal/preset"
	"github.com/doorward/doorward/sdk/options"
)

// TestManual checks that README.md matches the options, presets and reasons.
func TestManual(t *testing.T) {
	data, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	manual := string(data)
	schema, err := options.SchemaOf[Options]()
	if err != nil {
		t.Fatal(err)
	}
	var recipes bytes.Buffer
	if err := preset.WriteManual(&recipes); err != nil {
		t.Fatal(err)
	}
	for part, want := range map[string]string{"options": schema.Markdown(), "recipes": recipes.String()} {
		_, rest, _ := strings.Cut(manual, "<!-- "+part+":begin -->\n")
		got, _, ok := strings.Cut(rest, "<!-- "+part+":end -->")
		if !ok || strings.TrimSpace(got) != strings.TrimSpace(want) {
			t.Errorf("the %s are out of date: run make generate", part)
		}
	}
	count := 0
	for _, file := range []string{
		"reasons.go", "internal/profile/errors.go", "internal/tokenresponse/errors.go",
		"../../sdk/upstream/codeflow/refusal.go",
	} {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range regexp.MustCompile(`sdk\.Reason += "([a-z_]+)"`).FindAllSubmatch(source, -1) {
			count++
			if !strings.Contains(manual, "| `"+string(found[1])+"` |") {
				t.Errorf("README.md does not explain the reason %s", found[1])
			}
		}
	}
	if count < 30 {
		t.Errorf("only %d reasons found", count)
	}
}

// TestLinksOfTheManual checks the links from the table of presets to the recipes.
func TestLinksOfTheManual(t *testing.T) {
	var recipes bytes.Buffer
	if err := preset.WriteManual(&recipes); err != nil {
		t.Fatal(err)
	}
	for _, link := range regexp.MustCompile(`\]\(#([^)]*)\)`).FindAllStringSubmatch(recipes.String(), -1) {
		title := strings.NewReplacer(" ", "-", ":", "", "`", "")
		found := false
		for _, heading := range regexp.MustCompile(`(?m)^### (.*)$`).FindAllStringSubmatch(recipes.String(), -1) {
			found = found || strings.ToLower(title.Replace(heading[1])) == link[1]
		}
		if !found {
			t.Errorf("no recipe at #%s", link[1])
		}
	}
}
