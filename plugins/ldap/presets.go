package main

import (
	"cmp"
	"maps"
	"slices"

	"github.com/doorward/doorward/plugins/ldap/internal/account"
	"github.com/doorward/doorward/sdk/plugin"
)

// A preset holds the usual options of one kind of directory.
type preset struct {
	userAttribute  []string
	userScope      string
	userFilter     string
	id             string
	groupAttribute []string
	groupScope     string
	groupFilter    string
	memberOf       string
	nested         string
	primaryGroup   bool
	change         string
}

// noMachine excludes accounts of machines. Samba makes them posixAccounts whose name ends in
// a dollar sign.
const noMachine = "(!(uid=*$))"

// presets by name. Sources: the schema of Active Directory (MS-ADA1 to 3), RFC 2307 and RFC
// 2307bis, RFC 4530 (entryUUID), the manuals of FreeIPA, 389 Directory Server and lldap, and
// the LDAP provider of authentik. The end-to-end tests check those of Active Directory,
// OpenLDAP and 389 Directory Server against newly installed servers.
var presets = map[string]preset{
	"active-directory": {
		userAttribute: []string{"sAMAccountName", "userPrincipalName"},
		userScope:     "sub",
		// In Active Directory, computers are users, too.
		userFilter:     "(&(objectCategory=person)(objectClass=user))",
		id:             "objectGUID",
		groupAttribute: []string{"member"},
		groupScope:     "sub",
		groupFilter:    "(objectClass=group)",
		nested:         account.NestedAD,
		primaryGroup:   true,
		change:         account.ChangeUnicode,
	},
	"openldap": {
		userAttribute:  []string{"uid"},
		userScope:      "sub",
		userFilter:     "(&(|(objectClass=inetOrgPerson)(objectClass=posixAccount))" + noMachine + ")",
		id:             "entryUUID",
		groupAttribute: []string{"member", "uniqueMember", "memberUid"},
		groupScope:     "sub",
		groupFilter:    "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=groupOfMembers)(objectClass=posixGroup))",
		nested:         account.NestedWalk,
		change:         account.ChangeExtended,
	},
	"freeipa": {
		userAttribute:  []string{"uid"},
		userScope:      "sub",
		userFilter:     "(objectClass=posixAccount)",
		id:             "ipaUniqueID",
		groupAttribute: []string{"member"},
		groupScope:     "sub",
		groupFilter:    "(objectClass=ipaUserGroup)",
		nested:         account.NestedWalk,
		change:         account.ChangeExtended,
	},
	"389ds": {
		userAttribute: []string{"uid"},
		userScope:     "sub",
		// dsidm, the tool of the server, makes people who do not have the class person.
		userFilter:     "(&(|(objectClass=person)(objectClass=nsPerson)(objectClass=posixAccount))" + noMachine + ")",
		id:             "nsUniqueId",
		groupAttribute: []string{"member", "uniqueMember"},
		groupScope:     "sub",
		groupFilter:    "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames))",
		nested:         account.NestedWalk,
		change:         account.ChangeExtended,
	},
	"lldap": {
		userAttribute:  []string{"uid", "mail"},
		userScope:      "sub",
		userFilter:     "(objectClass=person)",
		id:             "entryUUID",
		groupAttribute: []string{"member"},
		groupScope:     "sub",
		groupFilter:    "(objectClass=groupOfUniqueNames)",
		change:         account.ChangeExtended,
	},
	"authentik": {
		userAttribute:  []string{"cn"},
		userScope:      "sub",
		userFilter:     "(&(objectClass=user)(ak-active=true))",
		id:             "uid", // a hash of the account number, not its name
		groupAttribute: []string{"member"},
		groupScope:     "sub",
		// authentik also has a group for each user, with the same name: a user called admins
		// is not in the group admins.
		groupFilter: "(&(objectClass=group)(!(objectClass=goauthentik.io/ldap/virtual-group)))",
		change:      account.ChangeOff, // it does not support modifications
	},
}

// fill sets the options that the operator has left empty.
func (p preset) fill(o *Options) {
	if len(o.UserAttribute) == 0 {
		o.UserAttribute = p.userAttribute
	}
	if len(o.GroupAttribute) == 0 {
		o.GroupAttribute = p.groupAttribute
	}
	o.UserScope = cmp.Or(o.UserScope, p.userScope)
	o.UserFilter = cmp.Or(o.UserFilter, p.userFilter)
	o.IDAttribute = cmp.Or(o.IDAttribute, p.id)
	o.GroupScope = cmp.Or(o.GroupScope, p.groupScope)
	o.GroupFilter = cmp.Or(o.GroupFilter, p.groupFilter)
	o.GroupMemberOf = cmp.Or(o.GroupMemberOf, p.memberOf)
	o.NestedGroups = cmp.Or(o.NestedGroups, p.nested)
	o.PrimaryGroup = o.PrimaryGroup || p.primaryGroup && o.GroupDN != ""
	if o.PasswordChange == account.ChangeAuto && p.change != "" {
		o.PasswordChange = p.change
	}
}

// presetList returns the presets for the host.
func presetList() []plugin.Preset {
	titles := map[string]string{
		"active-directory": "Active Directory", "openldap": "OpenLDAP", "freeipa": "FreeIPA",
		"389ds": "389 Directory Server", "lldap": "LLDAP", "authentik": "authentik",
	}
	var list []plugin.Preset
	for _, name := range slices.Sorted(maps.Keys(presets)) {
		list = append(list, plugin.Preset{Name: name, Title: cmp.Or(titles[name], name), Icon: "directory"})
	}
	return list
}
