package e2e

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// readSnippets are the code blocks of the documentation that a test takes from the page and
// executes. CONTRIBUTING.md says how to add one.
var readSnippets = []struct {
	page, has string   // a text that only this block of the page contains
	file      string   // of the test
	test      string   // which executes it
	by        []string // texts by which the test finds the block, in addition to the page's name; none: its heading
}{
	{page: "README.md", has: "bin/doorward serve", file: "host/e2e/snippets_run_test.go", test: "TestReadmeServes", by: []string{"bin/doorward serve"}},
	{page: "docs/architecture.md", has: "flowchart TD", file: "host/e2e/architecture_page_test.go", test: "TestArchitecturePage", by: []string{`(?m)^  (\w+) --> (\w+(?: & \w+)*)$`}},
	{page: "docs/plugins.md", has: "stateDiagram-v2", file: "host/internal/provider/state_test.go", test: "TestDiagramOfTheManual", by: []string{"```mermaid\n"}},
	{page: "docs/production.md", has: "log_format without_query", file: "host/e2e/behind_test.go", test: "TestBehindProxies"},
	{page: "docs/production.md", has: "option httpchk", file: "host/e2e/behind_test.go", test: "TestBehindProxies"},
	{page: "docs/production.md", has: "handle_path", file: "host/e2e/behind_test.go", test: "TestBehindProxies"},
	{page: "docs/several-hosts.md", has: "PUBLIC_URL=", file: "host/e2e/severalhosts_test.go", test: "TestSeveralHosts"},
	{page: "docs/several-hosts.md", has: "balance roundrobin", file: "host/e2e/severalhosts_test.go", test: "TestSeveralHosts"},
	{page: "docs/endpoints.md", has: "createDirectus", file: "host/e2e/directus_sdk_test.go", test: "TestDirectusSDK", by: []string{"By name and password"}},
	{page: "docs/forward-auth/README.md", has: "forward_auth:", file: "host/e2e/forwardauth_page_test.go", test: "TestForwardAuthPage", by: []string{"(?s)```yaml\n(.*?)```"}},
	{page: "docs/proxies.md", has: "ok       tunnel", file: "host/e2e/check_test.go", test: "TestCheckAsTheManualShowsIt", by: []string{"It works:"}},
	{page: "docs/proxies.md", has: "error    tunnel", file: "host/e2e/check_test.go", test: "TestCheckAsTheManualShowsIt", by: []string{"The password is wrong:"}},
}

// pages are the documentation whose code blocks are executed, or marked.
func pages(t *testing.T) []string {
	t.Helper()
	names := slices.DeleteFunc(trackedFiles(t), func(name string) bool {
		return path.Ext(name) != ".md" || name != "README.md" && name != "CONTRIBUTING.md" && !strings.HasPrefix(name, "docs/")
	})
	if len(names) < 50 {
		t.Fatalf("only %d pages are found", len(names))
	}
	return names
}

// snippet is a code block of a page, fenced or indented.
type snippet struct {
	page    string
	line    int // of its first line in the page, from 1
	heading string
	text    string // without the indentation
	marked  string // why it is not executed
}

var (
	fenceOf   = regexp.MustCompile("^ *```")
	markOf    = regexp.MustCompile(`^ *<!-- not executed: (.{10,}) -->$`)
	indentOf  = regexp.MustCompile(`^ *`)
	headingOf = regexp.MustCompile(`^#+ (.*)$`)
)

// leastIndent is the number of spaces that makes a line a code block.
const leastIndent = 4

// snippetsOf reads the code blocks of a page. An indented one begins after an empty line.
func snippetsOf(name, text string) []snippet {
	lines := strings.Split(text, "\n")
	var found []snippet
	heading, marked := "", ""
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		indented := strings.TrimSpace(line) != "" && len(indentOf.FindString(line)) >= leastIndent && i > 0 && strings.TrimSpace(lines[i-1]) == ""
		switch {
		case headingOf.MatchString(line):
			heading = headingOf.FindStringSubmatch(line)[1]
		case markOf.MatchString(line):
			marked = markOf.FindStringSubmatch(line)[1]
			continue
		case fenceOf.MatchString(line):
			first := i + 1
			for i++; i < len(lines) && !fenceOf.MatchString(lines[i]); i++ {
			}
			found = append(found, snippet{name, first + 1, heading, withoutIndent(lines[first:i]), marked})
		case indented:
			first := i
			for i+1 < len(lines) && (strings.TrimSpace(lines[i+1]) == "" || len(indentOf.FindString(lines[i+1])) >= leastIndent) {
				i++
			}
			found = append(found, snippet{name, first + 1, heading, withoutIndent(lines[first : i+1]), marked})
		case strings.TrimSpace(line) == "":
			continue // an empty line may follow a mark
		}
		marked = ""
	}
	return found
}

func withoutIndent(lines []string) string {
	least := -1
	for _, line := range lines {
		if n := len(indentOf.FindString(line)); strings.TrimSpace(line) != "" && (least < 0 || n < least) {
			least = n
		}
	}
	var text strings.Builder
	for _, line := range lines {
		text.WriteString(strings.TrimRight(line[min(max(least, 0), len(line)):], " ") + "\n")
	}
	return strings.TrimRight(text.String(), "\n") + "\n"
}

// allSnippets are the code blocks of all pages.
func allSnippets(t *testing.T) []snippet {
	t.Helper()
	var all []snippet
	for _, page := range pages(t) {
		all = append(all, snippetsOf(page, source(t, page))...)
	}
	return all
}

// theSnippet is the only code block of a page with the text.
func theSnippet(t *testing.T, page, has string) snippet {
	t.Helper()
	var found []snippet
	for _, s := range snippetsOf(page, source(t, page)) {
		if strings.Contains(s.text, has) {
			found = append(found, s)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%s has %d code blocks with %q, want 1", page, len(found), has)
	}
	return found[0]
}

// A test executes every code block of the documentation, unless the page says why not.
func TestSnippets(t *testing.T) {
	executed := map[string]string{} // by page and line: the test
	take := func(page, has, test string) snippet {
		s := theSnippet(t, page, has)
		at := page + ":" + strconv.Itoa(s.line)
		if other, twice := executed[at]; twice && other == test {
			t.Errorf("%s is in the tables twice, for %s", at, test)
		}
		executed[at] = test
		return s
	}
	for _, row := range readSnippets {
		s := take(row.page, row.has, row.test)
		by := row.by
		if by == nil {
			by = []string{s.heading}
		}
		literals := literalsFrom(t, path.Dir(row.file), path.Base(row.file), row.test)
		for _, text := range append(by, path.Base(row.page)) {
			if !slices.ContainsFunc(literals, func(l string) bool { return l == text || path.Base(l) == text }) {
				t.Errorf("%s:%d: %s in %s does not read it: no %q", s.page, s.line, row.test, row.file, text)
			}
		}
	}
	for _, row := range settingsSnippets {
		take(row.page, row.has, "TestSettingsOnPages")
	}
	for _, session := range commandSessions {
		for _, row := range session.rows {
			take(row.page, row.has, "TestCommandsOnPages")
		}
	}
	for _, row := range postgresSnippets {
		take(row.page, row.has, "TestPostgreSQLCommandsOnThePage")
	}
	for _, s := range allSnippets(t) {
		switch test := executed[s.page+":"+strconv.Itoa(s.line)]; {
		case test == "" && s.marked == "":
			t.Errorf("%s:%d: no test executes this code block, and the line above it does not say why: <!-- not executed: reason -->\n%s", s.page, s.line, s.text)
		case test != "" && s.marked != "":
			t.Errorf("%s:%d: marked as not executed, but %s executes it", s.page, s.line, test)
		}
	}
}

// literalsFrom returns the texts in a test and in everything of its package that it uses,
// directly or indirectly.
func literalsFrom(t *testing.T, folder, file, test string) []string {
	t.Helper()
	nodes, in := map[string][]ast.Node{}, map[string]string{}
	names, err := filepath.Glob(filepath.Join(repository(t), folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		parsed, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, declared := range parsed.Decls {
			switch d := declared.(type) {
			case *ast.FuncDecl:
				nodes[d.Name.Name] = append(nodes[d.Name.Name], d)
				in[d.Name.Name] = filepath.Base(name)
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					if values, ok := spec.(*ast.ValueSpec); ok {
						for _, name := range values.Names {
							nodes[name.Name] = append(nodes[name.Name], values)
						}
					}
				}
			}
		}
	}
	if nodes[test] == nil || in[test] != file {
		t.Errorf("%s/%s has no %s", folder, file, test)
		return nil
	}
	literals, seen := map[string]bool{}, map[string]bool{}
	for todo := []string{test}; len(todo) > 0; {
		name := todo[0]
		todo = todo[1:]
		if seen[name] {
			continue
		}
		seen[name] = true
		for _, node := range nodes[name] {
			ast.Inspect(node, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.Ident:
					todo = append(todo, n.Name)
				case *ast.BasicLit:
					if text, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING {
						literals[text] = true
					}
				}
				return true
			})
		}
	}
	return slices.Sorted(maps.Keys(literals))
}

func TestSnippetsAreFound(t *testing.T) {
	text := "# A\n\ntext\n\n    one\n\n    two\n\nmore\n    no block\n\n- item\n\n  ```sh\n  three\n  ```\n\n## B\n\n<!-- not executed: it needs a provider -->\n\n    four\n\n1. x\n\n       five\n\n<!-- not executed: lost by what follows -->\ntext\n\n```\nsix\n```\n"
	want := []snippet{
		{"p", 5, "A", "one\n\ntwo\n", ""}, {"p", 15, "A", "three\n", ""}, {"p", 22, "B", "four\n", "it needs a provider"},
		{"p", 26, "B", "five\n", ""}, {"p", 32, "B", "six\n", ""},
	}
	if got := snippetsOf("p", text); !slices.Equal(got, want) {
		t.Errorf("got\n%+v, want\n%+v", got, want)
	}
}
