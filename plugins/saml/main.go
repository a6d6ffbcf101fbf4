// Command doorward-plugin-saml signs in through SAML 2.0 identity providers. It implements
// the web browser SSO profile and the single logout profile of a service provider. README.md
// is the manual for operators.
//
// A login passes through these files: mechanism.go (Begin and Continue), request.go
// (AuthnRequest), internal/bindings, response.go, identity.go. response.go parses with
// internal/strictxml, verifies signatures with internal/idp and internal/xmldsig, decrypts
// with internal/xmlenc, and checks the message with internal/validation. internal/idp reads
// the metadata of the identity provider; internal/ownkeys and metadata.go hold the keys and
// metadata of Doorward. logout.go begins and receives logouts, check.go implements doorward
// check.
package main

import (
	"github.com/doorward/doorward/plugins/saml/internal/bindings"
	"github.com/doorward/doorward/sdk/plugin"
)

const version = "0.1.0"

func main() {
	plugin.Serve(plugin.Description{Mechanism: "saml", Version: version, MaxInbound: bindings.MaxInbound}, open)
}
