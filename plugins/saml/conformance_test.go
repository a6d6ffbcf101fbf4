package main

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/doorward/doorward/plugins/saml/samltest"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/plugintest"
)

// TestConformance runs the built binary as the host does.
func TestConformance(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "doorward-plugin-saml")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("building the plugin: %v\n%s", err, out)
	}
	idp, err := samltest.Listen(samltest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer idp.Close()
	plugintest.Conformance(t, plugintest.Suite{
		Binary:  binary,
		Options: map[string]any{"idp_metadata_url": idp.MetadataURL(), "sp_private_key": pemKey(t, samltest.OtherKey())},
		SignIn: func(t *testing.T, step sdk.Step) sdk.ContinueRequest {
			t.Helper()
			req, err := samltest.ReadRequest(query(t, step.(sdk.Redirect).URL))
			if err != nil {
				t.Fatal(err)
			}
			return sdk.ContinueRequest{Response: sdk.InboundRequest{Method: "POST", Form: idp.Respond(req, alice)}}
		},
	})
}
