package e2e

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A known vulnerability fails the build. A database out of reach says nothing about the
// code: the build passes, with a notice that nobody overlooks.
func TestVulnerabilitiesAreToldFromADatabaseOutOfReach(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, ".bin", "govulncheck")); err != nil {
		missing(t, "govulncheck: run make vuln once")
	}
	made := t.TempDir()
	for name, content := range map[string]string{
		"index/db.json":      `{"modified":"2026-11-01T00:00:00Z"}`,
		"index/modules.json": `[{"path":"github.com/hashicorp/go-hclog","vulns":[{"id":"GO-9999-0001","modified":"2026-11-01T00:00:00Z"}]}]`,
		"ID/GO-9999-0001.json": `{"schema_version":"1.3.1","id":"GO-9999-0001","modified":"2026-11-01T00:00:00Z","published":"2026-11-01T00:00:00Z",
			"summary":"made up","details":"made up","affected":[{"package":{"name":"github.com/hashicorp/go-hclog","ecosystem":"Go"},
			"ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}],
			"ecosystem_specific":{"imports":[{"path":"github.com/hashicorp/go-hclog","symbols":["New"]}]}}],
			"database_specific":{"url":"https://pkg.go.dev/vuln/GO-9999-0001"}}`,
		"none/index/db.json": `{"modified":"2026-11-01T00:00:00Z"}`, "none/index/modules.json": `[]`,
	} {
		path := filepath.Join(made, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const notice = "!!! NOT CHECKED FOR KNOWN VULNERABILITIES: sdk"
	for name, tc := range map[string]struct {
		database string
		code     int
		says     string
		notice   bool
	}{
		"a known vulnerability": {"file://" + made, 1, "GO-9999-0001", false},
		"none":                  {"file://" + filepath.Join(made, "none"), 0, "No vulnerabilities found", false},
		"no such host":          {"https://vuln.invalid", 0, "", true},
		"nobody listens":        {"http://127.0.0.1:1", 0, "", true},
		"no such folder":        {"file://" + filepath.Join(made, "nowhere"), 1, "no such file", false},
	} {
		cmd := exec.CommandContext(t.Context(), filepath.Join(root, ".ci", "vuln"), "sdk")
		cmd.Env = append(os.Environ(), "GOVULNDB="+tc.database, "CACHE="+made)
		out, err := cmd.CombinedOutput()
		code := 0
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			code = exit.ExitCode()
		} else if err != nil {
			t.Fatal(err)
		}
		if code != tc.code || !strings.Contains(string(out), tc.says) || strings.Contains(string(out), notice) != tc.notice {
			t.Errorf("%s: exit code %d, want %d, %q and notice %v:\n%s", name, code, tc.code, tc.says, tc.notice, out)
		}
		if _, err := os.Stat(filepath.Join(made, "vuln-unchecked")); (err == nil) != tc.notice {
			t.Errorf("%s: what .ci/run shows at its end: %v", name, err)
		}
	}
}
