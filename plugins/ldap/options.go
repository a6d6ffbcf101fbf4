package main

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/doorward/doorward/plugins/ldap/internal/account"
	"github.com/doorward/doorward/plugins/ldap/internal/directory"
	"github.com/doorward/doorward/sdk/options"
	"github.com/doorward/doorward/sdk/tlsoptions"
)

// Options are what an operator may set for one directory. Where a preset knows
// better, the default is empty here and filled in by settle.
type Options struct {
	ClientURL []string `option:"client_url,required" doc:"The servers, the preferred one first: ldaps://host, ldap://host, ldapi://%2Fpath%2Fof%2Fsocket, or ldaps+srv://domain and ldap+srv://domain for those that the DNS names within the domain (anywhere, if tls_server_name is set). A port may follow the host. ldap:// to anything but loopback uses StartTLS and never goes on without."`
	Preset    string   `option:"preset" oneof:"active-directory|openldap|freeipa|389ds|lldap|authentik" doc:"The kind of directory, which fills in attributes and filters. What is written beside it wins."`

	BindDN       string         `option:"bind_dn" doc:"The service account that searches. Without it, searches are anonymous. Active Directory also takes user@domain."`
	BindPassword options.Secret `option:"bind_password" doc:"The password of bind_dn."`

	SASLExternal bool `option:"sasl_external" doc:"Search as whom the client certificate tls_cert, or on a unix socket the account of the process, is to the directory (SASL EXTERNAL), in place of bind_dn."`

	UserDN         string   `option:"user_dn,required" doc:"The base under which end users are found, or several separated by semicolons."`
	UserAttribute  []string `option:"user_attribute" doc:"What an end user may type as the name: one attribute, or several separated by commas, such as uid,mail. By default cn, or what the preset says."`
	NetBIOSDomain  string   `option:"netbios_domain" doc:"The short name of the Active Directory domain, such as CORP, if end users may type it and a backslash before their name, too."`
	UserScope      string   `option:"user_scope" oneof:"base|one|sub" doc:"How deep to look under user_dn: one level or the whole subtree. By default one, or what the preset says."`
	UserFilter     string   `option:"user_filter" doc:"A filter that an entry must match, too, such as (objectClass=person) or (memberOf=cn=staff,ou=groups,dc=example,dc=com)."`
	UserDNTemplate string   `option:"user_dn_template" doc:"Bind as this name instead of searching first, with {username} in it: uid={username},ou=people,dc=example,dc=com. What was typed is escaped. The entry must lie under user_dn and match user_filter."`

	IDAttribute        string   `option:"id_attribute" doc:"The attribute that identifies an end user for ever. By default the first of entryUUID, objectGUID, nsUniqueId and ipaUniqueID that the entry has, else the DN. Write one, so that it never changes, or dn."`
	UsernameAttribute  string   `option:"username_attribute" doc:"The attribute with the user name. By default the first of user_attribute."`
	MailAttribute      string   `option:"mail_attribute" default:"mail" doc:"The attribute with the e-mail address."`
	FirstNameAttribute string   `option:"first_name_attribute" default:"givenName" doc:"The attribute with the given name."`
	LastNameAttribute  string   `option:"last_name_attribute" default:"sn" doc:"The attribute with the family name."`
	NameAttribute      string   `option:"name_attribute" default:"displayName" doc:"The attribute with the whole name."`
	Attributes         []string `option:"attributes" doc:"More attributes to read. They and those above are the claims of the identity."`

	GroupDN            string   `option:"group_dn" doc:"The base under which groups are found, or several separated by semicolons. Without it, and without group_member_of, there are none."`
	GroupAttribute     []string `option:"group_attribute" doc:"The attributes by which a group names its members: member and uniqueMember hold the DN, memberUid what member_uid_attribute says. By default member, or what the preset says."`
	MemberUID          string   `option:"member_uid_attribute" default:"uid" doc:"The attribute of the end user whose values memberUid lists."`
	GroupScope         string   `option:"group_scope" oneof:"base|one|sub" doc:"How deep to look under group_dn. By default one, or what the preset says."`
	GroupFilter        string   `option:"group_filter" doc:"A filter that a group must match, too."`
	GroupNameAttribute string   `option:"group_name_attribute" doc:"The attribute with the name of a group, or dn. By default cn."`
	GroupMemberOf      string   `option:"group_member_of" doc:"An attribute of the end user that lists the DNs of groups, such as memberOf. With group_dn, those under it count, in addition to those found there. The name is the first part of the DN."`
	NestedGroups       string   `option:"nested_groups" oneof:"none|walk|active-directory" doc:"Whether members of a group in a group belong to both: walk asks level by level, active-directory has the server do it in one query. By default none, or what the preset says."`
	GroupDepth         int      `option:"group_depth" default:"10" doc:"How many levels of groups are walked."`
	PrimaryGroup       bool     `option:"primary_group" doc:"Add the primary group, which lists no members: that of Active Directory, or the posixGroup with the gidNumber of the end user. Part of the preset active-directory. Needs group_dn."`
	PagedResults       bool     `option:"paged_results" default:"true" doc:"Read groups in pages (RFC 2696). Write false for a directory that leaves some out of them, such as OpenLDAP with groups of its overlay dynlist."`

	PasswordChange string        `option:"password_change" oneof:"auto|extended-operation|unicode-pwd|off" default:"auto" doc:"How an expired password is changed within the login: by the extended operation of RFC 3062, or unicodePwd of Active Directory. auto looks at the entry. off refuses the login."`
	PolicyControl  bool          `option:"password_policy_control" default:"true" doc:"Request the password policy control at each bind (draft-behera-ldap-password-policy). Write false for a directory that rejects it."`
	PasswordWarn   time.Duration `option:"password_warning" default:"14d" doc:"How long before its expiry the end user is warned of it."`
	IgnoreShadow   bool          `option:"ignore_shadow_account" doc:"Do not look at shadowExpire, shadowLastChange and shadowMax."`
	DecoyDN        string        `option:"decoy_dn" doc:"An entry with a password that nobody knows and that cannot be locked. It is bound as when the name is unknown, so that the answer takes the time of a wrong password. By default an entry that does not exist."`
	ConcealLockout bool          `option:"conceal_lockout" doc:"Answer a locked account as a wrong password, one that 389 Directory Server calls inactivated, and one that authentik gives no access. Directories may tell about them without knowing the password, so that others can see which names exist."`
	MaxWrong       int           `option:"max_wrong_passwords" doc:"After so many wrong passwords of one account within wrong_password_window, others are not sent to the directory, whose own lock this keeps away. 0 is no limit. Each process counts for itself."`
	WrongWindow    time.Duration `option:"wrong_password_window" default:"15m" doc:"See max_wrong_passwords."`

	StartTLS               bool `option:"start_tls" doc:"Use StartTLS on every ldap:// server, on loopback, too."`
	AllowInsecurePlaintext bool `option:"allow_insecure_plaintext" doc:"Send passwords unencrypted to ldap:// servers. Whoever sees the network traffic has them all."`

	tlsoptions.TLS

	ConnectTimeout   time.Duration  `option:"connect_timeout" default:"3s" doc:"The time limit for connecting to one server, TLS handshake included."`
	OperationTimeout time.Duration  `option:"operation_timeout" default:"5s" doc:"The time limit for one bind or search."`
	PoolSize         int            `option:"pool_size" default:"8" doc:"How many connections for searches are open at most, to each server."`
	Client           map[string]any `option:"client,secret" doc:"The client options of Directus: timeout and connect_timeout, and in tls_options reject_unauthorized, ca, cert, key, servername, min_version. With tls_options, ldap:// is TLS from the first byte, unless start_tls is set."`

	CheckUser string `option:"check_user" doc:"A user name that doorward check looks up, to show attributes and groups."`
}

// settle fills in the preset and what is left over, and reads client.
func (o Options) settle() (Options, error) {
	var problems options.Problems
	o.readClient(&problems)
	p := presets[o.Preset]
	p.fill(&o)
	if len(o.UserAttribute) == 0 {
		o.UserAttribute = []string{"cn"}
	}
	o.UserScope = cmp.Or(o.UserScope, "one")
	o.UsernameAttribute = cmp.Or(o.UsernameAttribute, o.UserAttribute[0])
	if len(o.GroupAttribute) == 0 {
		o.GroupAttribute = []string{"member"}
	}
	o.GroupScope = cmp.Or(o.GroupScope, "one")
	o.GroupNameAttribute = cmp.Or(o.GroupNameAttribute, "cn")
	o.NestedGroups = cmp.Or(o.NestedGroups, account.NestedNone)
	return o, problems.Err()
}

// Validate checks what the types of the options cannot say.
func (o Options) Validate() error {
	o, err := o.settle()
	problems, _ := errors.AsType[options.Problems](err)
	if (o.BindDN == "") != (o.BindPassword == "") {
		problems.Addf("bind_password", "goes together with bind_dn; leave out both to search anonymously")
	}
	if o.SASLExternal && o.BindDN != "" {
		problems.Addf("sasl_external", "takes the place of bind_dn: leave out one of them")
	}
	switch sockets := o.sockets(); {
	case !o.SASLExternal || sockets == len(o.ClientURL):
	case o.TLSCert == "":
		problems.Addf("sasl_external", "needs tls_cert and tls_key, or ldapi:// servers only")
	case sockets > 0:
		problems.Addf("sasl_external", "is the account of this process on ldapi://, which may be allowed everything, and tls_cert elsewhere: name servers of one kind in client_url")
	}
	o.validateServers(&problems)
	o.validateNames(&problems)
	o.validateNumbers(&problems)
	problems = append(problems, o.TLS.Problems()...)
	return problems.Err()
}

func (o Options) validateServers(problems *options.Problems) {
	if len(o.ClientURL) == 0 {
		problems.Addf("client_url", "names no server")
	}
	for _, text := range o.ClientURL {
		if _, err := directory.Locate(text, o.plainRule()); err != nil {
			problems.Addf("client_url", "%v", err)
		}
	}
	if o.StartTLS && o.AllowInsecurePlaintext {
		problems.Addf("allow_insecure_plaintext", "contradicts start_tls")
	}
}

func (o Options) validateNames(problems *options.Problems) {
	o.validateDNs(problems)
	for option, filter := range map[string]string{"user_filter": o.UserFilter, "group_filter": o.GroupFilter} {
		if _, err := ldap.CompileFilter(filter); filter != "" && err != nil {
			problems.Addf(option, "is not a filter such as (objectClass=person), with its parentheses")
		}
	}
	for option, names := range o.attributeOptions() {
		for _, name := range names {
			if !directory.AttributeName.MatchString(name) {
				problems.Addf(option, "has %q, which is not the name of an attribute", name)
			}
		}
	}
	if o.UserDNTemplate != "" {
		if err := account.CheckTemplate(o.UserDNTemplate, o.userBases()); err != nil {
			problems.Addf("user_dn_template", "%v", err)
		}
	}
}

func (o Options) validateDNs(problems *options.Problems) {
	for option, list := range map[string][]string{"user_dn": o.userBases(), "group_dn": o.groupBases(), "decoy_dn": oneOrNone(o.DecoyDN)} {
		for _, dn := range list {
			if _, err := ldap.ParseDN(dn); err != nil || strings.TrimSpace(dn) != dn || dn == "" && len(list) > 1 {
				problems.Addf(option, "is not a distinguished name such as ou=people,dc=example,dc=com")
			}
		}
	}
}

func (o Options) attributeOptions() map[string][]string {
	return map[string][]string{
		"user_attribute": o.UserAttribute, "group_attribute": o.GroupAttribute, "attributes": o.Attributes,
		"id_attribute": oneOrNone(o.IDAttribute), "username_attribute": oneOrNone(o.UsernameAttribute),
		"mail_attribute": oneOrNone(o.MailAttribute), "first_name_attribute": oneOrNone(o.FirstNameAttribute),
		"last_name_attribute": oneOrNone(o.LastNameAttribute), "name_attribute": oneOrNone(o.NameAttribute),
		"member_uid_attribute": oneOrNone(o.MemberUID), "group_name_attribute": oneOrNone(o.GroupNameAttribute), "group_member_of": oneOrNone(o.GroupMemberOf),
	}
}

func oneOrNone(name string) []string {
	if name == "" {
		return nil
	}
	return []string{name}
}

func (o Options) validateNumbers(problems *options.Problems) {
	if o.PoolSize < 1 || o.PoolSize > 100 {
		problems.Addf("pool_size", "must be from 1 to 100")
	}
	if o.GroupDepth < 1 || o.GroupDepth > 50 {
		problems.Addf("group_depth", "must be from 1 to 50")
	}
	if o.MaxWrong < 0 {
		problems.Addf("max_wrong_passwords", "must not be negative")
	}
	for option, limit := range map[string]time.Duration{"connect_timeout": o.ConnectTimeout, "operation_timeout": o.OperationTimeout} {
		if limit < time.Millisecond || limit > time.Minute {
			problems.Addf(option, "must be from 1ms to 1m")
		}
	}
	if o.PrimaryGroup && o.GroupDN == "" && o.Preset == "" {
		problems.Addf("primary_group", "needs group_dn, under which the group is found by its SID or number")
	}
}

func (o Options) plainRule() directory.PlainRule {
	return directory.PlainRule{StartTLS: o.StartTLS, ImplicitTLS: o.hasTLSOptions(), AllowInsecure: o.AllowInsecurePlaintext}
}

// sockets counts the servers on unix sockets.
func (o Options) sockets() int {
	count := 0
	for _, url := range o.ClientURL {
		if strings.HasPrefix(url, "ldapi://") {
			count++
		}
	}
	return count
}

func (o Options) hasServiceAccount() bool { return o.BindDN != "" || o.SASLExternal }

func (o Options) userBases() []string  { return directory.SplitBases(o.UserDN) }
func (o Options) groupBases() []string { return directory.SplitBases(o.GroupDN) }

// users says which entries are end users.
func (o Options) users() account.Users {
	return account.Users{
		Bases: o.userBases(), Scope: directory.ScopeOf(o.UserScope), LoginAttributes: o.UserAttribute, Filter: o.UserFilter,
		NetBIOSDomain: o.NetBIOSDomain, Read: attributesToRead(o),
	}
}

// groupRules says which groups there are.
func (o Options) groupRules() account.GroupRules {
	return account.GroupRules{
		Bases: o.groupBases(), Scope: directory.ScopeOf(o.GroupScope), MemberAttributes: o.GroupAttribute, MemberUID: o.MemberUID, Filter: o.GroupFilter,
		NameAttribute: o.GroupNameAttribute, MemberOf: o.GroupMemberOf, Nested: o.NestedGroups, Depth: o.GroupDepth, Primary: o.PrimaryGroup, Paged: o.PagedResults,
	}
}

// attributesToRead lists what a search asks for. Nothing else is sent: an entry may
// hold a photograph of many megabytes.
func attributesToRead(o Options) []string {
	list := slices.Concat(o.identityAttributes(), o.UserAttribute, account.AccountAttributes, []string{o.MemberUID, "objectSid", "primaryGroupID"})
	if o.PrimaryGroup {
		list = append(list, "gidNumber")
	}
	if o.IDAttribute != "" && o.IDAttribute != account.IDIsDN {
		list = append(list, o.IDAttribute)
	}
	if o.GroupMemberOf != "" {
		list = append(list, o.GroupMemberOf)
	}
	seen := map[string]bool{}
	return slices.DeleteFunc(list, func(name string) bool {
		lower := strings.ToLower(name)
		again := seen[lower]
		seen[lower] = true
		return again
	})
}
