// Command doorward-plugin-openid signs in through OpenID providers: OpenID
// Connect Core 1.0, authorization code flow with PKCE.
//
// It has no implicit flow and no hybrid flow, and accepts no unsigned or symmetrically
// signed ID tokens. README.md is the operator's manual.
//
// A login passes through these files: mechanism.go (Begin and Continue) →
// internal/discovery (the provider's metadata) → request.go → response.go (exchanging the
// code for tokens) → identity.go, with internal/jose (the signature of the ID token),
// internal/idtoken (its claims) and internal/userinfo. internal/clientauth authenticates
// the client.
package main

import (
	"os"
	"runtime"

	"github.com/doorward/doorward/plugins/openid/internal/jarm"
	"github.com/doorward/doorward/plugins/openid/internal/preset"
	"github.com/doorward/doorward/sdk/plugin"
)

const version = "0.1.0"

// main also has the argument recipes, which prints the part of the manual that is generated
// from the presets.
func main() {
	if len(os.Args) == 2 && os.Args[1] == "recipes" {
		if err := preset.WriteManual(os.Stdout); err != nil {
			os.Exit(1)
		}
		return
	}
	// A login takes the host more time than the plugin, which mostly waits. With a thread
	// for each processor, idle threads woke up at every step and found nothing to do.
	runtime.GOMAXPROCS(max(1, runtime.GOMAXPROCS(0)/2))
	plugin.Serve(plugin.Description{Mechanism: "openid", Version: version, Presets: presets(), StateTokens: []string{jarm.Parameter}}, open)
}
