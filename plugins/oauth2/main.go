// Command doorward-plugin-oauth2 signs in through providers of plain OAuth 2.0
// (RFC 6749, authorization code flow with PKCE), which sign no ID token: GitHub,
// Discord, and whatever has an API that tells who the owner of a token is.
//
// It is a client of one kind only. There is no implicit flow, and no place at which
// a token is accepted that our own code exchange has not brought: without an ID
// token, nothing else says that a token was issued to us. README.md is the
// operator's manual.
//
// The way of a login through the files: options.go and settings.go (what the
// operator wrote, over what internal/preset knows) → mechanism.go (Begin and
// Continue) → request.go → response.go → exchange.go (the code, with answer.go for
// what token endpoints really answer) → internal/profile (who is it) → identity.go →
// groups.go and restrict.go (who may). refresh.go asks again, logout.go gives the
// token back.
package main

import (
	"os"

	"github.com/doorward/doorward/plugins/oauth2/internal/preset"
	"github.com/doorward/doorward/sdk/plugin"
)

const version = "0.1.0"

// main answers "recipes", by hand, besides what every plugin answers: the part of the
// manual that is made of the presets.
func main() {
	if len(os.Args) == 2 && os.Args[1] == "recipes" {
		if err := preset.WriteManual(os.Stdout); err != nil {
			os.Exit(1)
		}
		return
	}
	plugin.Serve(plugin.Description{Mechanism: "oauth2", Version: version, Presets: presets()}, open)
}

// presets are those of the table, as the host lists them.
func presets() []plugin.Preset {
	var list []plugin.Preset
	for _, p := range preset.All() {
		list = append(list, plugin.Preset{Name: p.Name, Title: p.Title, Icon: p.Icon})
	}
	return list
}
