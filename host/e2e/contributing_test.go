package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var listedPath = regexp.MustCompile("`([a-z0-9_/]+\\.(?:go|proto))`")

// The lists in CONTRIBUTING.md name the files that a change touches, each by an
// example. The source knows which those are.
func TestContributingIsTrue(t *testing.T) {
	root := repository(t)
	text, err := os.ReadFile(filepath.Join(root, "CONTRIBUTING.md"))
	if err != nil {
		t.Fatal(err)
	}
	for heading, example := range map[string]struct {
		names   string // in the source
		further []string
	}{
		"A new capability, as `metadata` is one:": {
			names: `CapabilityMetadata|MetadataPublisher|MetadataRequest`,
		},
		"A setting of the host, as `SESSION_REFRESH_GRACE_PERIOD` is one:": {
			names: `SessionRefreshGracePeriod|SESSION_REFRESH_GRACE_PERIOD|session_refresh_grace_period`,
		},
		"An option that the host reads for each provider, as `LOGIN_TIMEOUT` is one:": {
			names:   `LoginTimeout|login_timeout`,
			further: []string{"host/internal/sso/login.go", "host/internal/sso/service.go", "host/internal/sso/spentsteps.go", "host/internal/web/login.go"}, // who use it
		},
	} {
		_, after, found := strings.Cut(string(text), heading+"\n\n")
		list, _, _ := strings.Cut(after, "\n\n")
		if !found {
			t.Errorf("CONTRIBUTING.md has no list %q", heading)
			continue
		}
		want := slices.Clone(example.further)
		for _, match := range listedPath.FindAllStringSubmatch(list, -1) {
			want = append(want, match[1])
		}
		slices.Sort(want)
		if diff := cmp.Diff(want, filesWith(t, root, example.names)); diff != "" {
			t.Errorf("%s (-in CONTRIBUTING.md +in the source):\n%s", heading, diff)
		}
	}
}

// filesWith returns the files of host and SDK, without generated files and tests, in which
// a name occurs.
func filesWith(t *testing.T, root, names string) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "grep", "-rlE", "--include=*.go", "--include=*.proto", names, "sdk", "host")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	files := strings.Fields(string(out))
	files = slices.DeleteFunc(files, func(name string) bool {
		return strings.HasSuffix(name, "_test.go") || strings.HasSuffix(name, ".pb.go") || strings.HasPrefix(name, "host/e2e/")
	})
	slices.Sort(files)
	return files
}
