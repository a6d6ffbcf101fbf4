// Command doorward-plugin-ldap signs in against LDAP directories: OpenLDAP, Active Directory,
// FreeIPA, 389 Directory Server and others that support LDAPv3 (RFC 4511).
//
// It searches for the entry of the user and binds as it, or binds directly by a template. The
// directory checks the password; userPassword is never read. README.md is the manual for
// operators.
//
// A login passes through these files: mechanism.go (Begin and Continue), request.go (the
// prompts), response.go (the answers), identity.go. internal/account finds the entry of a
// name, checks the password and the account, reads the groups and changes passwords.
// internal/guessing slows down guessing and hides which names exist.
//
// internal/directory selects the server, and handles TLS, connections, searches and the
// limits on what a server may send.
package main

import (
	"github.com/doorward/doorward/sdk/plugin"
)

const version = "0.1.0"

func main() {
	plugin.Serve(plugin.Description{Mechanism: "ldap", Version: version, RegistersByDefault: true, RolesByGroupNameWith: []string{"group_dn", "group_member_of"}, Presets: presetList()}, open)
}
