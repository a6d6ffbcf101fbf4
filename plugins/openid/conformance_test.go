package main

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/doorward/doorward/plugins/openid/openidtest"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/plugintest"
)

// TestConformance runs the built binary as the host does.
func TestConformance(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "doorward-plugin-openid")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("building the plugin: %v\n%s", err, out)
	}
	c := client()
	c.RedirectURIs = []string{plugintest.Request(nil).CallbackURL}
	op := startOP(t, openidtest.Config{Clients: []openidtest.Client{c}})
	plugintest.Conformance(t, plugintest.Suite{
		Binary:  binary,
		Options: map[string]any{"issuer_url": op.Issuer(), "client_id": clientID, "client_secret": clientSecret},
		SignIn: func(t *testing.T, step sdk.Step) sdk.ContinueRequest {
			t.Helper()
			callback, err := openidtest.SignIn(t.Context(), step.(sdk.Redirect).URL, "alice")
			if err != nil {
				t.Fatal(err)
			}
			return sdk.ContinueRequest{Response: inbound(t, callback)}
		},
	})
}
