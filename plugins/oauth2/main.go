// Command doorward-plugin-oauth2 signs people in through providers of plain OAuth 2.0
// (RFC 6749, authorization code flow with PKCE), which do not issue ID tokens: GitHub,
// Discord, and any provider with an API that says who the owner of a token is.
//
// It does not support the implicit flow, and it accepts only tokens from its own code
// exchange: without an ID token, nothing else shows that a token was issued to this
// client. README.md is the operator's manual.
//
// A login passes through the files in this order: options.go and settings.go (the
// options combined with internal/preset) → mechanism.go (Begin and Continue) →
// authorizationrequest.go → authorizationresponse.go → tokenrequest.go (the code
// exchange; internal/tokenresponse reads the responses of real token endpoints) →
// internal/profile (the provider's API) → identity.go → groups.go and allowlists.go (who
// may sign in). refresh.go reads the profile again, logout.go revokes the token.
package main

import (
	"os"

	"github.com/doorward/doorward/plugins/oauth2/internal/preset"
	"github.com/doorward/doorward/sdk/plugin"
)

const version = "0.1.0"

// main adds the command "recipes" to those that every plugin has. It prints the part of
// the manual that is generated from the presets.
func main() {
	if len(os.Args) == 2 && os.Args[1] == "recipes" {
		if err := preset.WriteManual(os.Stdout); err != nil {
			os.Exit(1)
		}
		return
	}
	plugin.Serve(plugin.Description{Mechanism: "oauth2", Version: version, Presets: presets()}, open)
}

// presets returns the presets for the host to list.
func presets() []plugin.Preset {
	var list []plugin.Preset
	for _, p := range preset.All() {
		list = append(list, plugin.Preset{Name: p.Name, Title: p.Title, Icon: p.Icon})
	}
	return list
}
