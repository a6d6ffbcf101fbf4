// Command doorward-plugin-openid signs in through OpenID providers: OpenID
// Connect Core 1.0, authorization code flow with PKCE.
//
// It is a relying party of one kind only. There is no implicit and no hybrid
// flow, no unsigned and no symmetrically signed ID token, and no way to switch
// a check off. README.md is the operator's manual.
//
// The way of a login through the files: mechanism.go (Begin and Continue) →
// internal/discovery (who is the provider) → request.go → response.go
// (the code, and tokens for it) → identity.go, with internal/jose (the signature of the ID
// token), internal/idtoken (its claims) and internal/userinfo. How the client
// authenticates says internal/clientauth.
package main

import (
	"os"
	"runtime"

	"github.com/doorward/doorward/plugins/openid/internal/jarm"
	"github.com/doorward/doorward/plugins/openid/internal/preset"
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
	// A login takes the host more time than it takes us, and most of ours is waiting. With
	// a thread for each processor, idle ones woke up at every step to find nothing to do.
	runtime.GOMAXPROCS(max(1, runtime.GOMAXPROCS(0)/2))
	plugin.Serve(plugin.Description{Mechanism: "openid", Version: version, Presets: presets(), StateTokens: []string{jarm.Parameter}}, open)
}
