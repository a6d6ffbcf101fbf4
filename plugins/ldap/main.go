// Command doorward-plugin-ldap signs in against LDAP directories: OpenLDAP,
// Active Directory, FreeIPA, 389 Directory Server and others that speak LDAPv3
// (RFC 4511).
//
// It searches for the entry of the end user and binds as it, or binds by a
// template. The password is the directory's to judge; nothing is read from
// userPassword. README.md is the operator's manual.
//
// The way of a login through the files: mechanism.go (Begin and Continue) →
// search.go (whose entry) → bind.go (is the password right) → policy.go,
// activedirectory.go and shadow.go (may this account sign in) → password.go (a
// new password, if it must) → groups.go → identity.go.
//
// Under them lies the directory: servers.go (which server) → failover.go →
// pool.go (connections of the service account) → dial.go (TLS) → connection.go
// (time limits) → envelope.go (size limits).
package main

import (
	ber "github.com/go-asn1-ber/asn1-ber"

	"github.com/doorward/doorward/sdk/plugin"
)

const version = "0.1.0"

func main() {
	plugin.Serve(plugin.Description{Mechanism: "ldap", Version: version, RegistersByDefault: true}, open)
}

// init bounds what the BER library decodes. It is for the whole process, and the
// second fence behind envelope.go: the first sees no control values, which are
// BER inside an octet string.
func init() {
	ber.MaxPacketLengthBytes = maxMessage
	ber.MaxNestingDepth = maxDepth
}
