package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// browserPrograms are the names that Chromium goes by.
var browserPrograms = []string{"chromium", "chromium-browser", "google-chrome"}

// missing skips a test whose server or program is not there, with the words of
// .ci/setup. In the CI nothing may be missing.
func missing(t testing.TB, text string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal("MISSING " + text)
	}
	t.Skip("MISSING " + text)
}

// needBrowser returns the path of Chromium.
func needBrowser(t *testing.T) string {
	t.Helper()
	for _, name := range browserPrograms {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	missing(t, "Chromium: install with apt-get install chromium")
	return ""
}

// needOpenIDProvider returns the folder of op.mjs, ready to run.
func needOpenIDProvider(t *testing.T) string {
	t.Helper()
	return needNode(t, "op", "oidc-provider", "OpenID provider")
}

// needNode returns a folder of host/e2e with a program for Node, which needs the package.
func needNode(t *testing.T, folder, pkg, what string) string {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		missing(t, "Node: install with apt-get install nodejs npm")
	}
	dir := filepath.Join(repository(t), "host", "e2e", folder)
	if _, err := os.Stat(filepath.Join(dir, "node_modules", pkg)); err != nil {
		missing(t, what+": run npm ci in host/e2e/"+folder)
	}
	return dir
}

func repository(t testing.TB) string {
	t.Helper()
	root, err := Root()
	if err != nil {
		t.Fatal(err)
	}
	return root
}
