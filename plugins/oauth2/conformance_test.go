package main

import (
	"testing"

	"github.com/doorward/doorward/plugins/oauth2/oauth2test"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/plugintest"
)

// TestConformance runs the built binary as the host does.
func TestConformance(t *testing.T) {
	c := client()
	c.RedirectURIs = []string{plugintest.Request(nil).CallbackURL}
	as := startAS(t, oauth2test.Config{Kind: oauth2test.GitHub, Clients: []oauth2test.Client{c}})
	plugintest.Conformance(t, plugintest.Suite{
		Binary:  plugintest.Build(t, "."),
		Options: as.Options(c),
		SignIn: func(t *testing.T, step sdk.Step) sdk.ContinueRequest {
			t.Helper()
			back, err := oauth2test.SignIn(t.Context(), step.(sdk.Redirect).URL, "alice")
			if err != nil {
				t.Fatal(err)
			}
			return sdk.ContinueRequest{Response: inbound(t, back)}
		},
	})
}
