package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/doorward/doorward/host/internal/sso"
)

// The alert rules are such that Prometheus reads them, and about metrics that there are.
func TestAlertRules(t *testing.T) {
	file, err := os.Open("../../../docs/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var rules struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr, For string
				Labels           struct{ Severity string }
				Annotations      struct{ Summary string }
			}
		}
	}
	decoder := yaml.NewDecoder(file)
	decoder.KnownFields(true)
	if err := decoder.Decode(&rules); err != nil {
		t.Fatal(err)
	}
	known := metricsInCode(t)
	for _, rule := range rules.Groups[0].Rules {
		if rule.Alert == "" || rule.Labels.Severity == "" || rule.Annotations.Summary == "" {
			t.Errorf("something is missing in %+v", rule)
		}
		for _, name := range regexp.MustCompile(`doorward_\w+`).FindAllString(rule.Expr, -1) {
			if !strings.Contains(known, `"`+name+`"`) {
				t.Errorf("%s is about %s, which nobody counts", rule.Alert, name)
			}
		}
	}
	if n := len(rules.Groups[0].Rules); n < 5 {
		t.Errorf("%d rules", n)
	}
}

// metricsInCode is the source that names metrics.
func metricsInCode(t *testing.T) string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	source := ""
	for _, path := range append(files, "../../internal/provider/metrics/metrics.go") {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		source += string(text)
	}
	return source
}

func TestTheAuditIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../../docs/audit.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range sso.EventKinds() {
		if !strings.Contains(string(text), "`"+string(kind)+"`") {
			t.Errorf("docs/audit.md does not tell of %s", kind)
		}
	}
	for _, name := range regexp.MustCompile(`doorward_sign_\w+|doorward_refreshes\w+|doorward_sessions`).FindAllString(metricsInCode(t), -1) {
		if !strings.Contains(string(text), "`"+name) {
			t.Errorf("docs/audit.md does not tell of %s", name)
		}
	}
}
