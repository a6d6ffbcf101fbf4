package e2e

import (
	"path"
	"regexp"
	"strings"
	"testing"
)

// What docs/trouble.md quotes is what the programs and pages say.
func TestTroublePage(t *testing.T) {
	var said strings.Builder
	for _, file := range trackedFiles(t) {
		if strings.HasSuffix(file, "_test.go") || path.Ext(file) != ".go" && path.Ext(file) != ".html" {
			continue
		}
		said.WriteString(source(t, file))
	}
	quoted := regexp.MustCompile(`"([^"]+)"`).FindAllStringSubmatch(source(t, "docs/trouble.md"), -1)
	if len(quoted) < 10 {
		t.Errorf("only %d texts are quoted", len(quoted))
	}
	for _, text := range quoted {
		if !strings.Contains(said.String(), text[1]) {
			t.Errorf("nothing says %q", text[1])
		}
	}
}
