package e2e

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// How a code is written stands in CONTRIBUTING.md.
const attackCode = `(?:FA|OA|OS|[A-L])[0-9]{2}`

const attacksPage = "docs/attacks.md"

var (
	isAttackCode  = regexp.MustCompile(`^` + attackCode + `$`)
	anAttackCode  = regexp.MustCompile(attackCode)
	codesOfATest  = regexp.MustCompile(`\b(?:Test|Fuzz|Benchmark)((?:` + attackCode + `)+)[A-Z_(]`)
	attacksRow    = regexp.MustCompile("^\\| (" + attackCode + ") \\| [^|]+ \\| [^|]+ \\| \\[`(\\w+)`\\]\\(\\.\\./([\\w/]+\\.go)\\) \\|$")
	attacksHeader = regexp.MustCompile(`^\| (?:code|---) \|`)
)

// attack is a row of the page.
type attack struct{ test, file string }

func TestAttacksPage(t *testing.T) {
	root := repository(t)
	page, named := attacksOf(t, root), attackCodesIn(t, root)
	if len(named) < 100 {
		t.Fatalf("only %d codes are found in the repository", len(named))
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(page)), slices.Sorted(maps.Keys(named))); diff != "" {
		t.Errorf("codes (-in %s +elsewhere):\n%s", attacksPage, diff)
		for code, file := range named {
			if _, there := page[code]; !there {
				t.Errorf("%s names %s", file, code)
			}
		}
	}
	tests := map[string]map[string]string{} // by file and function: its text
	for code, a := range page {
		if tests[a.file] == nil {
			tests[a.file] = functionsOf(t, filepath.Join(root, a.file))
		}
		text, there := tests[a.file][a.test]
		if !there {
			t.Errorf("%s: %s has no %s", code, a.file, a.test)
		} else if !slices.Contains(attackCodes(text), code) {
			t.Errorf("%s: %s in %s does not name it", code, a.test, a.file)
		}
	}
}

// attacksOf reads the page: each line of a table is a code with a test.
func attacksOf(t *testing.T, root string) map[string]attack {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, attacksPage))
	if err != nil {
		t.Fatal(err)
	}
	page := map[string]attack{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") || attacksHeader.MatchString(line) {
			continue
		}
		row := attacksRow.FindStringSubmatch(line)
		if row == nil {
			t.Errorf("%s: a line of another form: %s", attacksPage, line)
			continue
		}
		if _, twice := page[row[1]]; twice {
			t.Errorf("%s: %s is there twice", attacksPage, row[1])
		}
		page[row[1]] = attack{test: row[2], file: row[3]}
	}
	return page
}

// attackCodesIn returns the codes that the repository names outside the page, each with
// a file that does.
func attackCodesIn(t *testing.T, root string) map[string]string {
	t.Helper()
	named := map[string]string{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(root, path)
		if entry.IsDir() {
			if slices.Contains([]string{".git", "node_modules", "testdata"}, entry.Name()) {
				return fs.SkipDir
			}
			return nil
		}
		if !slices.Contains([]string{".go", ".proto", ".sql", ".yml", ".md"}, filepath.Ext(name)) || name == attacksPage || !entry.Type().IsRegular() {
			return nil
		}
		text, err := os.ReadFile(path)
		for _, code := range attackCodes(string(text)) {
			named[code] = name
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return named
}

// attackCodes returns the codes in a text, as CONTRIBUTING.md has them written: as words of
// their own, and in the names of tests.
func attackCodes(text string) []string {
	var codes []string
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\n\"'`(),;:–", r) }) {
		if word = strings.TrimSuffix(word, "."); isAttackCode.MatchString(word) {
			codes = append(codes, word)
		}
	}
	for _, name := range codesOfATest.FindAllStringSubmatch(text, -1) {
		codes = append(codes, anAttackCode.FindAllString(name[1], -1)...)
	}
	return codes
}

// functionsOf returns the text of each function of a file, with the comment above it.
func functionsOf(t *testing.T, path string) map[string]string {
	t.Helper()
	source, err := os.ReadFile(path)
	if err != nil {
		t.Error(err)
		return map[string]string{}
	}
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, source, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	functions := map[string]string{}
	for _, declared := range file.Decls {
		if f, ok := declared.(*ast.FuncDecl); ok && f.Recv == nil {
			begin := f.Pos()
			if f.Doc != nil {
				begin = f.Doc.Pos()
			}
			functions[f.Name.Name] = string(source[files.Position(begin).Offset:files.Position(f.End()).Offset])
		}
	}
	return functions
}

func TestAttackCodes(t *testing.T) {
	for text, want := range map[string][]string{
		"the reason (B19).":                 {"B19"},
		"// J01, J19: what was typed":       {"J01", "J19"},
		`t.Run("A12 A13 sealed", f)`:        {"A12", "A13"},
		"rows: `FA03`":                      {"FA03"},
		"OA01–OA06":                         {"OA01", "OA06"},
		"ends with I12.":                    {"I12"},
		"func TestK09HostIsKilled(t":        {"K09"},
		"func FuzzB01B02(f":                 {"B01", "B02"},
		"func TestH29_Metadata(t":           {"H29"},
		"RS256 ES384 SHA256 X509 P256":      nil,
		"X11; Linux, M12 3.5, Z99, a B1":    nil,
		"UTF8 B019 xB19 B19x OB19 FA1 G304": nil,
		"A10-A12 A10/x A10.A11 =A10 \\xF4":  nil,
	} {
		if diff := cmp.Diff(want, attackCodes(text)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}
