// Command doorward-plugin-openid signs in through OpenID providers: OpenID
// Connect Core 1.0, authorization code flow with PKCE.
//
// It is a relying party of one kind only. There is no implicit and no hybrid
// flow, no unsigned and no symmetrically signed ID token, and no way to switch
// a check off. README.md is the operator's manual.
//
// The way of a login through the files: mechanism.go (Begin and Continue) →
// discovery.go (who is the provider) → authrequest.go → authresponse.go →
// token.go (code exchange) → idtoken.go (jose.go, keys.go) → userinfo.go →
// identity.go. All that is fetched goes through fetch.go, all that is kept
// through cache.go.
package main

import "github.com/doorward/doorward/sdk/plugin"

const version = "0.1.0"

func main() {
	plugin.Serve(plugin.Description{Mechanism: "openid", Version: version}, open)
}
