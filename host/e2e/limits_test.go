package e2e

import (
	"go/ast"
	"go/constant"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// checkers are the folders that could hold a copy of a rule of the contract: both
// ends of the wire, the suite, and the domain.
var checkers = []string{"sdk/contract", "sdk/plugin", "sdk/plugintest", "host/internal/sso"}

// TestLimitsStandInTheSDK looks for a limit of the contract that is written a
// second time in a package that checks: as a number of the same value, in any
// spelling, or as a repetition in a regular expression.
func TestLimitsStandInTheSDK(t *testing.T) {
	root, err := Root()
	if err != nil {
		t.Fatal(err)
	}
	limits := limitsOf(t, filepath.Join(root, "sdk"))
	if len(limits) < 12 || limits["524288"] == "" || limits["255"] == "" {
		t.Fatalf("only these limits were found: %v", limits)
	}
	chance := map[string]bool{}
	for _, dir := range checkers {
		for _, c := range copiesIn(t, filepath.Join(root, dir), limits) {
			key := dir + "/" + filepath.Base(c.at.Filename) + " " + c.value
			if chance[key] = true; unrelated[key] == "" {
				t.Errorf("%s: %s stands for sdk.%s", c.at, c.value, c.limit)
			}
		}
	}
	for key, what := range unrelated {
		if !chance[key] {
			t.Errorf("%s (%s) is there no more: take it from the list", key, what)
		}
	}
}

func TestLimitsThatAreCopiedAreFound(t *testing.T) {
	dir := t.TempDir()
	source := "package copies\n\nconst (\n\tbytes = 512 << 10\n\tchars = 0xff\n\tdays = 24 * 7\n)\n\nvar form = `^[a-z]{1,64}$`\n"
	if err := os.WriteFile(filepath.Join(dir, "copies.go"), []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	got := copiesIn(t, dir, map[string]string{"524288": "MaxClaims", "255": "MaxSubject", "64": "MaxReason"})
	if len(got) != 3 {
		t.Errorf("found %d copies, want 3: %v", len(got), got)
	}
}

// limitsOf returns the names of the exported Max constants of a package by value.
func limitsOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	limits := map[string]string{}
	set := token.NewFileSet()
	config := types.Config{Importer: importer.ForCompiler(set, "source", nil)}
	pkg, err := config.Check("sdk", set, filesIn(t, set, dir), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range pkg.Scope().Names() {
		if c, ok := pkg.Scope().Lookup(name).(*types.Const); ok && strings.HasPrefix(name, "Max") {
			limits[c.Val().ExactString()] = name
		}
	}
	return limits
}

func filesIn(t *testing.T, set *token.FileSet, dir string) []*ast.File {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no source in %s: %v", dir, err)
	}
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(set, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return files
}

// smallest is the least value that can be told for the copy of a limit: 8 and 32
// occur as what they are, such as the bytes of a key.
const smallest = 64

// unrelated are numbers that are equal to a limit by chance, by file.
var unrelated = map[string]string{
	"sdk/contract/url.go 64":                   "bytes of hostile text in an error",
	"sdk/plugin/handshake.go 262144":           "bytes of the header of an answer",
	"sdk/plugin/allowedcalls.go 1024":          "bytes of an answer to the library",
	"sdk/plugin/handshake.go 1048576":          "window of a connection",
	"sdk/plugin/http.go 64":                    "idle connections",
	"sdk/plugin/http.go 65536":                 "bytes of the header of a response",
	"sdk/plugin/presets.go 64":                 "bytes of a title",
	"sdk/plugin/options.go 65536":              "what a message holds beside the options",
	"sdk/plugintest/browser.go 100":            "statuses in a class",
	"sdk/plugintest/conformance.go 64":         "logins at once",
	"sdk/plugintest/recorder.go 1048576":       "bytes of a request that are kept",
	"host/internal/sso/complete.go 64":         "bits of a UUID",
	"host/internal/sso/session.go 100":         "sessions that end in a step",
	"host/internal/sso/complete.go 128":        "bits of a UUID",
	"host/internal/sso/finishedattempt.go 512": "bytes of a redirect that is remembered",
	"host/internal/sso/reseal.go 100":          "grants in a transaction",
	"host/internal/sso/secret.go 100":          "grants in a sample",
}

type copied struct {
	at           token.Position
	value, limit string
}

// copiesIn finds constant expressions, and repetitions in regular expressions,
// that are equal to a limit.
func copiesIn(t *testing.T, dir string, limits map[string]string) []copied {
	t.Helper()
	set := token.NewFileSet()
	var found []copied
	for _, file := range filesIn(t, set, dir) {
		ast.Inspect(file, func(n ast.Node) bool {
			e, ok := n.(ast.Expr)
			if !ok {
				return true
			}
			value := constantOf(e)
			if value == nil {
				return true
			}
			if name := limitIn(value, limits); name != "" {
				found = append(found, copied{set.Position(e.Pos()), value.ExactString(), name})
			}
			return false
		})
	}
	return found
}

func limitIn(value constant.Value, limits map[string]string) string {
	if value.Kind() == constant.String {
		for number, name := range limits {
			if len(number) > 1 && strings.Contains(constant.StringVal(value), ","+number+"}") {
				return name
			}
		}
		return ""
	}
	if v, exact := constant.Int64Val(constant.ToInt(value)); !exact || v < smallest {
		return ""
	}
	return limits[value.ExactString()]
}

// constantOf evaluates an expression of literals.
func constantOf(e ast.Expr) constant.Value {
	switch e := e.(type) {
	case *ast.BasicLit:
		return constant.MakeFromLiteral(e.Value, e.Kind, 0)
	case *ast.ParenExpr:
		return constantOf(e.X)
	case *ast.BinaryExpr:
		x, y := constantOf(e.X), constantOf(e.Y)
		if x == nil || y == nil || x.Kind() != constant.Int || y.Kind() != constant.Int {
			return nil
		}
		if e.Op == token.SHL || e.Op == token.SHR {
			by, _ := constant.Uint64Val(y)
			return constant.Shift(x, e.Op, uint(by))
		}
		if e.Op == token.ADD || e.Op == token.SUB || e.Op == token.MUL {
			return constant.BinaryOp(x, e.Op, y)
		}
	}
	return nil
}
