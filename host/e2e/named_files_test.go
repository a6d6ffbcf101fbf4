package e2e

import (
	"go/parser"
	"go/token"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// namedElsewhere are the files that comments and pages may name although they are not in
// the repository, and where they are.
var namedElsewhere = map[string]string{
	"users.sql":                       "docs/directus.md: the reader makes it with pg_dump",
	"/etc/haproxy/haproxy.cfg":        "docs: where HAProxy reads its configuration",
	"pkg/middlewares/auth/forward.go": "in Traefik",
	"api/envoy/extensions/filters/http/ext_authz/v3/ext_authz.proto": "in Envoy",
	"routers/web/auth/oauth2_provider.go":                            "in Gitea",
}

var (
	namedFile  = regexp.MustCompile(`[\w./<>*-]*\w\.(?:go|md|proto|sql|lua|mjs|cfg)\b`)
	addressURL = regexp.MustCompile(`\w+://\S+`)
	pageLink   = regexp.MustCompile(`\]\(([^)\s]*)\)`)
)

// A file that a comment or a page names exists: by its path in the repository, from the
// folder of who names it, or as the end of a path.
func TestNamedFilesExist(t *testing.T) {
	tracked := trackedFiles(t)
	ends := map[string]bool{}
	for _, name := range tracked {
		for end, more := name, true; more; _, end, more = strings.Cut(end, "/") {
			ends[end] = true
		}
	}
	named := 0
	for _, file := range tracked {
		for _, text := range proseOf(t, file) {
			for _, name := range namedFile.FindAllString(addressURL.ReplaceAllString(text, ""), -1) {
				named++
				if _, elsewhere := namedElsewhere[name]; !elsewhere && !ends[name] && !ends[path.Join(path.Dir(file), name)] && !strings.ContainsAny(name, "<*") {
					t.Errorf("%s names %s, which is not there", file, name)
				}
			}
		}
	}
	if named < 200 {
		t.Errorf("only %d names are found", named)
	}
}

// proseOf is the text of a Markdown file, or each comment of a Go file.
func proseOf(t *testing.T, file string) []string {
	t.Helper()
	switch {
	case strings.Contains(file, "testdata/"):
		return nil
	case path.Ext(file) == ".md":
		return []string{source(t, file)}
	case path.Ext(file) != ".go" || strings.HasSuffix(file, ".pb.go"):
		return nil
	}
	parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(repository(t), file), nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	var comments []string
	for _, group := range parsed.Comments {
		comments = append(comments, group.Text())
	}
	return comments
}

// What a page links to in the repository exists, and so does the heading.
func TestLinksOfPages(t *testing.T) {
	headings, links := map[string]map[string]bool{}, 0
	tracked := trackedFiles(t)
	there := map[string]bool{}
	for _, file := range tracked {
		for ; file != "."; file = path.Dir(file) {
			there[file] = true
		}
	}
	for _, file := range tracked {
		if path.Ext(file) == ".md" {
			headings[file] = anchorsOf(source(t, file))
		}
	}
	for file := range headings {
		for _, link := range pageLink.FindAllStringSubmatch(source(t, file), -1) {
			if strings.Contains(link[1], ":") {
				continue // another site
			}
			links++
			target, anchor, _ := strings.Cut(link[1], "#")
			if target == "" {
				target = file
			} else {
				target = path.Join(path.Dir(file), target)
			}
			if !there[target] {
				t.Errorf("%s links to %s, which is not there", file, link[1])
			} else if anchor != "" && !headings[target][anchor] {
				t.Errorf("%s links to %s: %s has no such heading", file, link[1], target)
			}
		}
	}
	if links < 200 {
		t.Errorf("only %d links are found", links)
	}
}

var namedTest = regexp.MustCompile(`\b(?:Test|Fuzz|Benchmark)[A-Z]\w+`)

// A test that a page names exists.
func TestNamedTestsExist(t *testing.T) {
	declared := map[string]bool{}
	tracked := trackedFiles(t)
	for _, file := range tracked {
		if strings.HasSuffix(file, "_test.go") {
			for _, name := range regexp.MustCompile(`(?m)^func (\w+)\(`).FindAllStringSubmatch(source(t, file), -1) {
				declared[name[1]] = true
			}
		}
	}
	named := 0
	for _, file := range tracked {
		if path.Ext(file) != ".md" || file == "CHANGELOG.md" { // which describes the past
			continue
		}
		for _, name := range namedTest.FindAllString(source(t, file), -1) {
			named++
			if !declared[name] {
				t.Errorf("%s names %s, which is not there", file, name)
			}
		}
	}
	if named < 100 {
		t.Errorf("only %d names are found", named)
	}
}

var (
	aHeading    = regexp.MustCompile(`(?m)^#+ (.*)$`)
	aCodeBlock  = regexp.MustCompile("(?ms)^ *```.*?^ *```")
	notInAnchor = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
	anID        = regexp.MustCompile(`<a (?:id|name)="([^"]+)"`)
)

// anchorsOf are the anchors that GitHub gives the headings of a page, and those that it
// gives itself.
func anchorsOf(text string) map[string]bool {
	text = aCodeBlock.ReplaceAllString(text, "")
	anchors := map[string]bool{}
	for _, heading := range aHeading.FindAllStringSubmatch(text, -1) {
		anchors[strings.ReplaceAll(notInAnchor.ReplaceAllString(strings.ToLower(heading[1]), ""), " ", "-")] = true
	}
	for _, id := range anID.FindAllStringSubmatch(text, -1) {
		anchors[id[1]] = true
	}
	return anchors
}
