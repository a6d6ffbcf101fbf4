package contract

import (
	"errors"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/doorward/doorward/sdk"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func TestCases(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range Cases(start) {
		if seen[c.Name] {
			t.Errorf("two cases are called %q", c.Name)
		}
		seen[c.Name] = true
		err := c.Check(start)
		b, _ := errors.AsType[*Broken](err)
		switch {
		case c.Rule == "" && err != nil:
			t.Errorf("%s: %v", c.Name, err)
		case c.Rule != "" && (b == nil || b.Rule != c.Rule):
			t.Errorf("%s: got %v, want the rule %s", c.Name, err, c.Rule)
		case c.Rule != "" && (len(err.Error()) > 512 || !utf8.ValidString(err.Error()) || strings.ContainsAny(err.Error(), "\n\r\x1b\x00")):
			t.Errorf("%s: the error is not fit for a log: %q", c.Name, err)
		}
	}
}

// rules are all constants of type Rule in the source, so that none is forgotten.
func rules(t *testing.T) []Rule {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "rule.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var list []Rule
	for _, decl := range file.Decls {
		group, ok := decl.(*ast.GenDecl)
		if !ok || group.Tok != token.CONST {
			continue
		}
		for _, spec := range group.Specs {
			text := spec.(*ast.ValueSpec).Values[0].(*ast.BasicLit).Value
			list = append(list, Rule(constant.StringVal(constant.MakeFromLiteral(text, token.STRING, 0))))
		}
	}
	if len(list) < 20 {
		t.Fatalf("only the rules %q were found", list)
	}
	return list
}

func TestEachRuleHasABadCase(t *testing.T) {
	elsewhere := []Rule{RuleBeginStep, RuleState} // of Begin only, below
	for _, rule := range rules(t) {
		bad := func(c Case) bool { return c.Rule == rule }
		if !slices.Contains(elsewhere, rule) && !slices.ContainsFunc(Cases(start), bad) {
			t.Errorf("no case breaks the rule %s", rule)
		}
	}
}

func TestEachRuleIsInTheManual(t *testing.T) {
	manual, err := os.ReadFile(filepath.Join("..", "doc.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, rule := range rules(t) {
		if !strings.Contains(string(manual), "//   - "+string(rule)+": ") {
			t.Errorf("the manual in sdk/doc.go does not explain the rule %s", rule)
		}
	}
}

func TestCheckBegin(t *testing.T) {
	err := CheckBegin(sdk.Authenticated{Identity: sdk.Identity{Subject: "u1"}})
	if b, _ := errors.AsType[*Broken](err); b == nil || b.Rule != RuleBeginStep {
		t.Errorf("signed in at once: %v", err)
	}
	if err := CheckBegin(sdk.Redirect{URL: caseURL}); err != nil {
		t.Error(err)
	}
}

func TestCheckLogoutThatNobodyBegan(t *testing.T) {
	err := CheckLogout(sdk.Logout{Outcome: sdk.LogoutDone}, false, start)
	if b, _ := errors.AsType[*Broken](err); b == nil || b.Rule != RuleLogout {
		t.Errorf("got %v", err)
	}
}

func TestCarriesState(t *testing.T) {
	field := func(value string) sdk.Step {
		return sdk.FormPost{URL: caseURL, Fields: []sdk.FormField{{Name: "RelayState", Value: value}}}
	}
	for _, good := range []sdk.Step{sdk.Redirect{URL: caseURL + "?state=the-state"}, field("the-state"), sdk.FormPost{URL: caseURL + "?s=the-state"}, sdk.Prompt{}} {
		if err := CarriesState(good, "the-state"); err != nil {
			t.Errorf("%+v: %v", good, err)
		}
	}
	for _, bad := range []sdk.Step{sdk.Redirect{URL: caseURL}, field("another"), sdk.FormPost{URL: caseURL}} {
		if b, _ := errors.AsType[*Broken](CarriesState(bad, "the-state")); b == nil || b.Rule != RuleState {
			t.Errorf("%+v: accepted", bad)
		}
	}
}
