// Command doorward-plugin-saml signs in through SAML 2.0 identity providers: the
// web browser SSO profile and the single logout profile of a service provider.
// README.md is the operator's manual.
//
// The way of a login through the files: mechanism.go (Begin and Continue) → request.go
// (AuthnRequest) → internal/bindings → response.go (the wall in internal/strictxml, then the
// structure in internal/validation, the signature in internal/idp and internal/xmldsig,
// encryption in internal/xmlenc) → internal/validation → identity.go. Who the provider is
// says internal/idp; who we are, internal/ownkeys and metadata.go. logout.go begins and
// receives logouts, check.go tells what is wrong.
package main

import (
	"github.com/doorward/doorward/plugins/saml/internal/bindings"
	"github.com/doorward/doorward/sdk/plugin"
)

const version = "0.1.0"

func main() {
	plugin.Serve(plugin.Description{Mechanism: "saml", Version: version, MaxInbound: bindings.MaxInbound}, open)
}
