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

// Options are the settings of one directory. Options with a default that depends on the
// preset have none here; settle fills it in.
type Options struct {
	ClientURL []string `option:"client_url,required" doc:"The servers, in order of preference: ldaps://host, ldap://host or ldapi://%2Fpath%2Fof%2Fsocket; or ldaps+srv://domain and ldap+srv://domain for the servers that the DNS lists within the domain (anywhere if tls_server_name is set). You can add a port to the host. ldap:// requires StartTLS, except on loopback."`
	Preset    string   `option:"preset" oneof:"active-directory|openldap|freeipa|389ds|lldap|authentik" doc:"The kind of directory. It sets defaults for attributes and filters; options that you set take precedence."`

	BindDN       string         `option:"bind_dn" doc:"The service account that searches. Without it, searches are anonymous. Active Directory also accepts user@domain."`
	BindPassword options.Secret `option:"bind_password" doc:"The password of bind_dn."`

	SASLExternal bool `option:"sasl_external" doc:"Bind by SASL EXTERNAL instead of bind_dn: as the identity to which the directory maps the client certificate tls_cert or, on a unix socket, the account of the process."`

	UserDN         string   `option:"user_dn,required" doc:"The base DN of the users, or several separated by semicolons."`
	UserAttribute  []string `option:"user_attribute" doc:"The attributes that users can sign in with, separated by commas, such as uid,mail. The default is that of the preset, otherwise cn."`
	NetBIOSDomain  string   `option:"netbios_domain" doc:"The short name of the Active Directory domain, such as CORP. Users can then also sign in as CORP\\name."`
	UserScope      string   `option:"user_scope" oneof:"base|one|sub" doc:"The scope of the search under user_dn: the entry itself, one level or the whole subtree. The default is that of the preset, otherwise one."`
	UserFilter     string   `option:"user_filter" doc:"A filter that user entries must also match, such as (objectClass=person) or (memberOf=cn=staff,ou=groups,dc=example,dc=com)."`
	UserDNTemplate string   `option:"user_dn_template" doc:"Bind directly as this DN instead of searching first. It must contain {username}, such as uid={username},ou=people,dc=example,dc=com. The user name is escaped. The entry must be under user_dn and match user_filter."`

	IDAttribute        string   `option:"id_attribute" doc:"The attribute that identifies a user permanently, or dn. The default is that of the preset, otherwise the first of entryUUID, objectGUID, nsUniqueId and ipaUniqueID that the entry has, otherwise the DN. Set it, so that the choice never changes."`
	UsernameAttribute  string   `option:"username_attribute" doc:"The attribute with the user name. The default is the first of user_attribute."`
	MailAttribute      string   `option:"mail_attribute" default:"mail" doc:"The attribute with the e-mail address."`
	FirstNameAttribute string   `option:"first_name_attribute" default:"givenName" doc:"The attribute with the given name."`
	LastNameAttribute  string   `option:"last_name_attribute" default:"sn" doc:"The attribute with the family name."`
	NameAttribute      string   `option:"name_attribute" default:"displayName" doc:"The attribute with the full name."`
	Attributes         []string `option:"attributes" doc:"Additional attributes to read. The claims of the identity consist of these and the attributes above."`

	GroupDN            string   `option:"group_dn" doc:"The base DN of the groups, or several separated by semicolons. Without group_dn and group_member_of, users have no groups."`
	GroupAttribute     []string `option:"group_attribute" doc:"The attributes in which a group lists its members. member and uniqueMember hold DNs, memberUid holds values of member_uid_attribute. The default is that of the preset, otherwise member."`
	MemberUID          string   `option:"member_uid_attribute" default:"uid" doc:"The attribute of the user whose values memberUid lists."`
	GroupScope         string   `option:"group_scope" oneof:"base|one|sub" doc:"The scope of the search under group_dn. The default is that of the preset, otherwise one."`
	GroupFilter        string   `option:"group_filter" doc:"A filter that groups must also match."`
	GroupNameAttribute string   `option:"group_name_attribute" doc:"The attribute with the name of a group, or dn. The default is cn."`
	GroupMemberOf      string   `option:"group_member_of" doc:"The attribute of the user that lists the DNs of groups, such as memberOf. With group_dn, only the listed groups under it count, in addition to those that the search finds. The name of a listed group is the first value of its DN."`
	NestedGroups       string   `option:"nested_groups" oneof:"none|walk|active-directory" doc:"How to resolve groups within groups: walk searches level by level, active-directory lets the server do it in one query. The default is that of the preset, otherwise none."`
	GroupDepth         int      `option:"group_depth" default:"10" doc:"How many levels of groups walk searches."`
	PrimaryGroup       bool     `option:"primary_group" doc:"Add the primary group, which does not list its members: that of Active Directory, or the posixGroup with the gidNumber of the user. The preset active-directory sets it. It requires group_dn."`
	PagedResults       bool     `option:"paged_results" default:"true" doc:"Read groups in pages (RFC 2696). Set it to false for a directory that omits some groups from pages, such as OpenLDAP with groups of the dynlist overlay."`

	PasswordChange string        `option:"password_change" oneof:"auto|extended-operation|unicode-pwd|off" default:"auto" doc:"How users change an expired password during sign-in: by the extended operation of RFC 3062, or by unicodePwd of Active Directory. auto decides from the entry. off refuses the sign-in."`
	PolicyControl  bool          `option:"password_policy_control" default:"true" doc:"Request the password policy control with each bind (draft-behera-ldap-password-policy). Set it to false for a directory that rejects it."`
	PasswordWarn   time.Duration `option:"password_warning" default:"14d" doc:"How long before their password expires users are warned."`
	IgnoreShadow   bool          `option:"ignore_shadow_account" doc:"Ignore shadowExpire, shadowLastChange, shadowMax and shadowInactive."`
	DecoyDN        string        `option:"decoy_dn" doc:"An entry whose password nobody knows and that cannot be locked. Doorward binds as it when a user name is unknown, so that the answer takes as long as for a wrong password. The default is an entry that does not exist."`
	ConcealLockout bool          `option:"conceal_lockout" doc:"Answer as for a wrong password when an account is locked, when 389 Directory Server says that it is inactivated, or when authentik denies it access. Directories can report these states without checking the password, which reveals which names exist."`
	MaxWrong       int           `option:"max_wrong_passwords" doc:"The number of wrong passwords for one account within wrong_password_window after which further ones are not sent to the directory, so that the directory does not lock the account. 0 means no limit. Each process counts separately."`
	WrongWindow    time.Duration `option:"wrong_password_window" default:"15m" doc:"The period in which max_wrong_passwords counts."`

	StartTLS               bool `option:"start_tls" doc:"Use StartTLS with every ldap:// server, including on loopback."`
	AllowInsecurePlaintext bool `option:"allow_insecure_plaintext" doc:"Send passwords unencrypted to ldap:// servers. Anyone who can read the network traffic can read the passwords."`

	tlsoptions.TLS

	ConnectTimeout   time.Duration  `option:"connect_timeout" default:"3s" doc:"The time limit for connecting to one server, TLS handshake included."`
	OperationTimeout time.Duration  `option:"operation_timeout" default:"5s" doc:"The time limit for one bind or search."`
	PoolSize         int            `option:"pool_size" default:"8" doc:"The maximum number of connections for searches to each server."`
	Client           map[string]any `option:"client,secret" doc:"The client options of Directus: timeout and connect_timeout, and in tls_options reject_unauthorized, ca, cert, key, servername, min_version. With tls_options, ldap:// uses TLS from the first byte, unless start_tls is set."`

	CheckUser string `option:"check_user" doc:"A user name that doorward check looks up to show its attributes and groups."`
}

// settle reads client, and fills in the preset and then the remaining defaults.
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

// Validate checks what the types of the options cannot express.
func (o Options) Validate() error {
	ofClient := o.ofClient()
	o, err := o.settle()
	problems, _ := errors.AsType[options.Problems](err)
	if (o.BindDN == "") != (o.BindPassword == "") {
		problems.Addf("bind_password", "must be set together with bind_dn; leave out both to search anonymously")
	}
	if o.SASLExternal && o.BindDN != "" {
		problems.Addf("sasl_external", "replaces bind_dn: set only one of them")
	}
	switch sockets := o.sockets(); {
	case !o.SASLExternal || sockets == len(o.ClientURL):
	case o.TLSCert == "":
		problems.Addf("sasl_external", "requires tls_cert and tls_key, or ldapi:// servers only")
	case sockets > 0:
		problems.Addf("sasl_external", "means the account of this process on ldapi://, which may have all rights, and tls_cert on other servers: list servers of one kind only in client_url")
	}
	o.validateServers(&problems)
	o.validateNames(&problems)
	o.validateNumbers(&problems)
	problems = append(problems, o.TLS.Problems()...)
	for i, problem := range problems {
		if name, ok := ofClient[problem.Option]; ok {
			problems[i].Option = name
		}
	}
	return problems.Err()
}

func (o Options) validateServers(problems *options.Problems) {
	if len(o.ClientURL) == 0 {
		problems.Addf("client_url", "does not name a server")
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
			problems.Addf(option, "is not a valid filter such as (objectClass=person); it must include the parentheses")
		}
	}
	for option, names := range o.attributeOptions() {
		for _, name := range names {
			if !directory.AttributeName.MatchString(name) {
				problems.Addf(option, "contains %q, which is not a valid attribute name", name)
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
			problems.Addf(option, "must be from 1ms to 1m, not %v; a plain number is milliseconds", limit)
		}
	}
	if o.PrimaryGroup && o.GroupDN == "" && o.Preset == "" {
		problems.Addf("primary_group", "requires group_dn, under which the group is searched by its SID or gidNumber")
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

// users returns the rules for user entries.
func (o Options) users() account.Users {
	return account.Users{
		Bases: o.userBases(), Scope: directory.ScopeOf(o.UserScope), LoginAttributes: o.UserAttribute, Filter: o.UserFilter,
		NetBIOSDomain: o.NetBIOSDomain, Read: attributesToRead(o),
	}
}

// groupRules returns the rules for groups.
func (o Options) groupRules() account.GroupRules {
	return account.GroupRules{
		Bases: o.groupBases(), Scope: directory.ScopeOf(o.GroupScope), MemberAttributes: o.GroupAttribute, MemberUID: o.MemberUID, Filter: o.GroupFilter,
		NameAttribute: o.GroupNameAttribute, MemberOf: o.GroupMemberOf, Nested: o.NestedGroups, Depth: o.GroupDepth, Primary: o.PrimaryGroup, Paged: o.PagedResults,
	}
}

// attributesToRead lists the attributes that a search requests. Nothing else is sent: an
// entry can hold a photograph of many megabytes.
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
