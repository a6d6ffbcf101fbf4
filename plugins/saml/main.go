// Command doorward-plugin-saml signs in through SAML 2.0 identity providers: the
// web browser SSO profile and the single logout profile of a service provider.
// README.md is the operator's manual.
//
// The way of a login through the files: mechanism.go (Begin and Continue) →
// request.go (AuthnRequest) → binding.go → response.go (the wall in internal/wall,
// then gate.go, the signature in internal/xmldsig, encryption in internal/xmlenc)
// → rules.go, status.go, assertion.go → identity.go. Who the provider is stands in
// provider.go, and source.go keeps it up to date; who we are, in keys.go and
// metadata.go. logout.go begins and receives logouts, check.go tells what is wrong.
package main

import "github.com/doorward/doorward/sdk/plugin"

const version = "0.1.0"

func main() {
	plugin.Serve(plugin.Description{Mechanism: "saml", Version: version, MaxInbound: maxInbound}, open)
}
