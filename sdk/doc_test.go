package sdk_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestManualHoldsTheExample compares the plugin in the package comment with the one that is
// compiled and tested.
func TestManualHoldsTheExample(t *testing.T) {
	manual, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile("internal/magic/main.go")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(manual), "# A complete plugin")
	var code []string
	for line := range strings.Lines(after) {
		text, isCode := strings.CutPrefix(line, "//\t")
		switch {
		case isCode:
			code = append(code, text)
		case line == "//\n" && len(code) > 0:
			code = append(code, "\n")
		}
		if !isCode && line != "//\n" && len(code) > 0 {
			break // prose again
		}
	}
	got := strings.TrimRight(strings.Join(code, ""), "\n") + "\n"
	if diff := cmp.Diff(string(example), got); diff != "" {
		t.Errorf("doc.go does not hold internal/magic/main.go (-want +got):\n%s", diff)
	}
}
