package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The rules in the page can be loaded, and have the effect that the page describes.
func TestForwardAuthPage(t *testing.T) {
	block := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindStringSubmatch(forwardAuthFile(t, "README.md"))
	if block == nil {
		t.Fatal("the page has no rules")
	}
	dir := t.TempDir()
	config := filepath.Join(dir, "doorward.yaml")
	text := "public_url: https://sso.example.org\nsession_cookie_domain: example.org\nsession_cookie_name: __Secure-session_token\nsecret: " + strings.Repeat("secret", 8) +
		"\nproviders:\n  corp: {driver: openid, issuer_url: 'https://id.example.org', client_id: doorward, client_secret: secret-of-the-client}\n" + block[1]
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ request, says string }{
		{"GET https://wiki.example.org/health", "public"},
		{"POST https://wiki.example.org/hooks/push", "public"},
		{"GET https://wiki.example.org/hooks/push", "sign_in"},
		{"GET https://wiki.example.org/admin/x", "wiki-admin"},
		{"GET https://files.example.org/", "sign_in"},
		{"GET https://wiki.example.org/assets/../x", "ambiguous"},
		{"GET https://other.example.org/", "unknown_app"},
	} {
		cmd := exec.CommandContext(t.Context(), filepath.Join(repository(t), "bin", "doorward"), append([]string{"forward-auth", "explain", "--config", config}, strings.Fields(c.request)...)...)
		cmd.Dir, cmd.Env = dir, []string{"PATH=" + os.Getenv("PATH"), "DB_FILENAME=" + filepath.Join(dir, "doorward.db")}
		out, _ := cmd.CombinedOutput() // refused requests are also explained
		if !strings.Contains(string(out), c.says) {
			t.Errorf("%s: not %s, but\n%s", c.request, c.says, out)
		}
	}
}
