package main

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/doorward/doorward/plugins/ldap/ldaptest"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/plugintest"
)

// TestConformance runs the built binary as the host does.
func TestConformance(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "doorward-plugin-ldap")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("building the plugin: %v\n%s", err, out)
	}
	carol := person("carol", "old secret", nil)
	carol.Right = ptr(policy(49, -1, -1, 0))
	dir := start(t, ldaptest.Config{LDAPS: true, Entries: entries(carol)})
	options := optionsFor(map[string]any{"tls_key": nil}, dir)
	plugintest.Conformance(t, plugintest.Suite{
		Binary: binary, Options: options,
		SignIn: func(t *testing.T, step sdk.Step) sdk.ContinueRequest {
			t.Helper()
			answers := map[string]string{fieldUsername: "carol", fieldPassword: "old secret"}
			if len(step.(sdk.Prompt).Fields) == 3 { // the password has expired
				answers = map[string]string{fieldPassword: "old secret", fieldNew: "new secret", fieldAgain: "new secret"}
			}
			return sdk.ContinueRequest{Answers: answers}
		},
	})
}
