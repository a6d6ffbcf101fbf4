package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const project = "github.com/doorward/doorward/"

// importRule says that only some of our packages may import a package and what
// lies below it. Tests may reach further: a real store is better than one that
// stands in for it, and the end-to-end tests look at the database as an operator would.
type importRule struct {
	name     string
	imported string   // path, or path prefix that ends in a slash
	by       string   // the rule is for importers below this path
	allowed  []string // importers below these paths may
}

var importRules = []importRule{
	{"only web knows Echo", "github.com/labstack/", project, []string{"host/internal/web"}},
	{"only provider and the wire know go-plugin", "github.com/hashicorp/go-plugin", project, []string{"host/internal/provider", "sdk/plugin", "sdk/plugintest"}},
	{"only metrics know Prometheus", "github.com/prometheus/", project, []string{"host/internal/provider/metrics", "host/cmd/doorward"}},
	{"only store knows SQL", "database/sql", project, []string{"host/internal/store", "host/e2e"}},
	{"only store knows SQLite", "modernc.org/", project, []string{"host/internal/store", "host/e2e"}},
	{"the sdk knows no host", project + "host", project + "sdk", nil},
	{"the sdk knows no plugin", project + "plugins/", project + "sdk", nil},
	{"plugins know no host", project + "host", project + "plugins", nil},
	{"the host knows no plugin", project + "plugins/", project + "host", []string{"host/e2e"}},
}

// edges meet in host/cmd/doorward only.
var edges = []string{"admin", "config", "control", "forwardauth", "provider", "store", "token", "web"}

// listedPackage is what we read of `go list -json`.
type listedPackage struct {
	ImportPath  string
	Standard    bool
	Imports     []string
	TestImports []string
}

// imports leaves out external tests, which may put a package together with the
// real others, and look at a database as an operator would.
func (p listedPackage) imports() []string { return slices.Concat(p.Imports, p.TestImports) }

func TestImports(t *testing.T) {
	ours := goList[listedPackage](t, "work")
	if len(ours) < 10 {
		t.Fatalf("go list found only %d packages", len(ours))
	}
	for _, rule := range importRules {
		t.Run(rule.name, func(t *testing.T) {
			for _, p := range ours {
				for _, imported := range p.imports() {
					if rule.forbids(p.ImportPath, imported) {
						t.Errorf("%s imports %s", p.ImportPath, imported)
					}
				}
			}
		})
	}
	for _, edge := range edges {
		t.Run(edge+" knows no other edge", func(t *testing.T) {
			for _, p := range ours {
				for _, imported := range p.Imports {
					if from, to := edgeOf(p.ImportPath), edgeOf(imported); from == edge && to != "" && to != edge {
						t.Errorf("%s imports %s", p.ImportPath, imported)
					}
				}
			}
		})
	}
	t.Run("no plugin knows another", func(t *testing.T) {
		for _, p := range ours {
			for _, imported := range p.imports() {
				from, to := pluginOf(p.ImportPath), pluginOf(imported)
				if from != "" && to != "" && from != to {
					t.Errorf("%s imports %s", p.ImportPath, imported)
				}
			}
		}
	})
}

func TestImportsOfSDKRootAreStandardLibrary(t *testing.T) {
	allowed := []string{project + "sdk"}
	checkDependencies(t, project+"sdk", allowed)
}

func TestImportsOfDomainAreSDKAndStandardLibrary(t *testing.T) {
	allowed := []string{project + "sdk", project + "sdk/contract", project + "host/internal/sso"}
	checkDependencies(t, project+"host/internal/sso", allowed)
	checkDependencies(t, project+"host/internal/people", append(allowed, project+"host/internal/people"))
}

func TestImportsOfContractAreSDKRootAndStandardLibrary(t *testing.T) {
	checkDependencies(t, project+"sdk/contract", []string{project + "sdk", project + "sdk/contract"})
}

// checkDependencies looks at everything that the package pulls in, however deep.
func checkDependencies(t *testing.T, pkg string, allowed []string) {
	t.Helper()
	var others []string
	for _, p := range goList[listedPackage](t, "-deps", pkg) {
		if !p.Standard && !slices.Contains(allowed, p.ImportPath) {
			others = append(others, p.ImportPath)
		}
	}
	if len(others) > 0 {
		t.Errorf("%s depends on %v", pkg, others)
	}
}

func (r importRule) forbids(importer, imported string) bool {
	if !below(importer, r.by) || !below(imported, r.imported) {
		return false
	}
	return !slices.ContainsFunc(r.allowed, func(path string) bool { return below(importer, project+path) })
}

// below tells whether the path is the prefix or lies below it.
func below(path, prefix string) bool {
	rest, ok := strings.CutPrefix(path, prefix)
	return ok && (rest == "" || rest[0] == '/' || strings.HasSuffix(prefix, "/"))
}

// edgeOf is the edge of the host that a package belongs to, if any.
func edgeOf(path string) string {
	for _, edge := range edges {
		if below(path, project+"host/internal/"+edge) {
			return edge
		}
	}
	return ""
}

// pluginOf is the plugin that a package belongs to, if any.
func pluginOf(path string) string {
	rest, ok := strings.CutPrefix(path, project+"plugins/")
	if !ok {
		return ""
	}
	plugin, _, _ := strings.Cut(rest, "/")
	return plugin
}

// leastVersions are those in which known vulnerabilities are mended.
var leastVersions = map[string]string{
	"google.golang.org/grpc":                        "v1.82.1", // GO-2026-4762, GO-2026-6061
	"github.com/go-jose/go-jose/v4":                 "v4.1.4",  // CVE-2026-34986
	"github.com/labstack/echo/v4":                   "v4.16.0", // six advisories
	"golang.org/x/oauth2":                           "v0.27.0", // CVE-2025-22868
	"github.com/russellhaering/goxmldsig":           "v1.6.1",  // CVE-2026-33487
	"github.com/beevik/etree":                       "v1.8.1",
	"github.com/golang-jwt/jwt/v5":                  "v5.2.2", // CVE-2025-30204
	"github.com/mattermost/xml-roundtrip-validator": "v0.1.0",
}

// No dependency may be older than the version that closes a known hole (K12).
func TestLeastVersions(t *testing.T) {
	type module struct{ Path, Version string }
	found := 0
	for _, m := range goList[module](t, "-m", "all") {
		least, ok := leastVersions[m.Path]
		if !ok {
			continue
		}
		found++
		if slices.Compare(versionNumbers(t, m.Version), versionNumbers(t, least)) < 0 {
			t.Errorf("K12 %s %s is older than %s", m.Path, m.Version, least)
		}
	}
	if found == 0 {
		t.Error("none of the modules is there: is the list right?")
	}
}

func versionNumbers(t *testing.T, version string) []int {
	t.Helper()
	release, _, _ := strings.Cut(strings.TrimPrefix(version, "v"), "-")
	var numbers []int
	for text := range strings.SplitSeq(release, ".") {
		number, err := strconv.Atoi(text)
		if err != nil {
			t.Fatalf("version %q: %v", version, err)
		}
		numbers = append(numbers, number)
	}
	return numbers
}

// goList runs `go list -json` at the root of the workspace.
func goList[T any](t *testing.T, args ...string) []T {
	t.Helper()
	root, err := Root()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list", "-json"}, args...)...)
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			err = errors.New(string(exit.Stderr))
		}
		t.Fatalf("go list %v: %v", args, err)
	}
	var list []T
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var item T
		if err := decoder.Decode(&item); err == io.EOF {
			return list
		} else if err != nil {
			t.Fatalf("reading go list: %v", err)
		}
		list = append(list, item)
	}
}
