// Command doorward-plugin-ldap signs in against LDAP directories: OpenLDAP,
// Active Directory, FreeIPA, 389 Directory Server and others that speak LDAPv3
// (RFC 4511).
//
// It searches for the entry of the end user and binds as it, or binds by a
// template. The password is the directory's to judge; nothing is read from
// userPassword. README.md is the operator's manual.
//
// The way of a login through the files: mechanism.go (Begin and Continue) → request.go
// (the prompts) → response.go (the answers) → identity.go. Whose entry a name means,
// whether the password is right, what the directory says about the account, its groups,
// and a new password: internal/account. Guessing is made slow and blind by
// internal/guessing.
//
// Under them lies internal/directory: which server, TLS, connections, searches, and the
// limits of what a server may send.
package main

import (
	"github.com/doorward/doorward/sdk/plugin"
)

const version = "0.1.0"

func main() {
	plugin.Serve(plugin.Description{Mechanism: "ldap", Version: version, RegistersByDefault: true, RolesByGroupNameWith: []string{"group_dn", "group_member_of"}, Presets: presetList()}, open)
}
