package e2e

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const architecturePage = "docs/architecture.md"

var (
	diagramNode  = regexp.MustCompile(`(?m)^  (\w+)\["([\w/, ]+)"\]$`)
	diagramArrow = regexp.MustCompile(`(?m)^  (\w+) --> (\w+(?: & \w+)*)$`)
	declaredName = regexp.MustCompile("`([a-z]\\w*(?:\\.\\w+){1,2})`")
	pageSection  = regexp.MustCompile(`(?m)^## `)
)

func TestArchitecturePage(t *testing.T) {
	root := repository(t)
	content, err := os.ReadFile(filepath.Join(root, architecturePage))
	if err != nil {
		t.Fatal(err)
	}
	text, packages := string(content), shippedPackages(t)
	t.Run("arrows are imports", func(t *testing.T) {
		checkDiagram(t, text, slices.DeleteFunc(slices.Clone(packages), func(p listedPackage) bool {
			return p.ImportPath == project+"host/cmd/doorward" // its arrows would hide all others
		}))
	})
	t.Run("names are declared", func(t *testing.T) { checkNames(t, root, text, packages) })
	t.Run("short", func(t *testing.T) {
		for _, section := range pageSection.Split(text, -1) {
			title, _, _ := strings.Cut(section, "\n")
			if n := len(regexp.MustCompile(`(?m)^\d+\. `).FindAllString(section, -1)); n > 10 {
				t.Errorf("%s: %d lines, want at most 10", title, n)
			}
			if rows := strings.Count(section, "\n| ") - 2; title == "Words" && (rows < 1 || rows > 20) {
				t.Errorf("%d words, want at most 20", rows)
			}
		}
	})
}

// shippedPackages leaves out what only tests use.
func shippedPackages(t *testing.T) []listedPackage {
	t.Helper()
	return slices.DeleteFunc(goList[listedPackage](t, "work"), func(p listedPackage) bool {
		return below(p.ImportPath, project+"host/e2e") || below(p.ImportPath, project+"sdk/internal") || strings.HasSuffix(p.ImportPath, "test")
	})
}

// checkDiagram compares the arrows with what the packages import. A node stands for the
// packages at the paths of its label and below them.
func checkDiagram(t *testing.T, text string, packages []listedPackage) {
	nodes := map[string]string{} // by path
	for _, node := range diagramNode.FindAllStringSubmatch(text, -1) {
		for place := range strings.SplitSeq(node[2], ", ") {
			nodes[place] = node[1]
		}
	}
	var drawn []string
	for _, arrow := range diagramArrow.FindAllStringSubmatch(text, -1) {
		for to := range strings.SplitSeq(arrow[2], " & ") {
			drawn = append(drawn, arrow[1]+" --> "+to)
		}
	}
	var real []string
	used := map[string]bool{}
	for _, p := range packages {
		from := nodeOf(nodes, p.ImportPath, used)
		if from == "" {
			t.Errorf("%s stands nowhere in the diagram", p.ImportPath)
		}
		for _, imported := range p.Imports {
			if to := nodeOf(nodes, imported, used); to != "" && to != from {
				real = append(real, from+" --> "+to)
			}
		}
	}
	for place := range nodes {
		if !used[place] {
			t.Errorf("the diagram has %s, which is not a package", place)
		}
	}
	slices.Sort(real)
	slices.Sort(drawn)
	if diff := cmp.Diff(drawn, slices.Compact(real)); diff != "" {
		t.Errorf("arrows (-in %s +in the source):\n%s", architecturePage, diff)
	}
}

// nodeOf is the node with the longest path to a package; the root of the SDK is for that
// package alone.
func nodeOf(nodes map[string]string, imported string, used map[string]bool) string {
	place, ours := strings.CutPrefix(imported, project)
	if !ours {
		return ""
	}
	for up := place; up != "."; up = path.Dir(up) {
		if node, ok := nodes[up]; ok && (up != "sdk" || place == "sdk") {
			used[up] = true
			return node
		}
	}
	return ""
}

// checkNames looks for each function, method and type that the page names as
// folder.Function, folder.Type.method or folder.Type.
func checkNames(t *testing.T, root, text string, packages []listedPackage) {
	folders := map[string][]string{} // by their last name
	for _, p := range packages {
		place := strings.TrimPrefix(p.ImportPath, project)
		folders[path.Base(place)] = append(folders[path.Base(place)], place)
	}
	declared := map[string]map[string]bool{}
	named := declaredName.FindAllStringSubmatch(text, -1)
	if len(named) < 50 {
		t.Errorf("only %d names are found", len(named))
	}
	for _, match := range named {
		folder, name, _ := strings.Cut(match[1], ".")
		found := false
		for _, place := range folders[folder] {
			if declared[place] == nil {
				declared[place] = declaredIn(t, filepath.Join(root, place))
			}
			found = found || declared[place][name]
		}
		if !found {
			t.Errorf("%s is not declared", match[1])
		}
	}
}

// declaredIn returns the names of functions, types, and methods with their type, that a
// folder declares outside its tests.
func declaredIn(t *testing.T, folder string) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	paths, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range paths {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, declaration := range parsed.Decls {
			switch d := declaration.(type) {
			case *ast.FuncDecl:
				names[methodName(d)] = true
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					if s, ok := spec.(*ast.TypeSpec); ok {
						names[s.Name.Name] = true
					}
				}
			}
		}
	}
	return names
}

// methodName is Type.method, or the name alone of what is no method.
func methodName(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return f.Name.Name
	}
	receiver := f.Recv.List[0].Type
	if pointer, ok := receiver.(*ast.StarExpr); ok {
		receiver = pointer.X
	}
	if generic, ok := receiver.(*ast.IndexExpr); ok {
		receiver = generic.X
	}
	if name, ok := receiver.(*ast.Ident); ok {
		return name.Name + "." + f.Name.Name
	}
	return f.Name.Name
}
