package e2e

import (
	"fmt"
	"strings"
	"time"
)

// slapdBase is the suffix of the test directory. Below it: ou=people with the users in
// special states, ou=bulk with user1, user2, ...; ou=groups, ou=posix, ou=many,
// ou=policies, and ou=elsewhere, which is a referral.
const slapdBase = "dc=example,dc=org"

const (
	readerDN = "cn=reader," + slapdBase // may read everything but passwords
	adminDN  = "cn=admin," + slapdBase
	peopleDN = "ou=people," + slapdBase
	bulkDN   = "ou=bulk," + slapdBase
	groupsDN = "ou=groups," + slapdBase
	posixDN  = "ou=posix," + slapdBase
	manyDN   = "ou=many," + slapdBase
)

func personDN(uid string) string { return "uid=" + uid + "," + peopleDN }
func bulkUserDN(n int) string    { return fmt.Sprintf("uid=user%d,%s", n, bulkDN) }
func groupDN(cn string) string   { return "cn=" + cn + "," + groupsDN }
func policyDN(cn string) string  { return "cn=" + cn + ",ou=policies," + slapdBase }

// slapdPolicies are password policies (draft-behera-ldap-password-policy), by
// the name to which an entry's pwdPolicySubentry points.
var slapdPolicies = map[string][]string{
	"lockout":    {"pwdLockout: TRUE", "pwdMaxFailure: 3", "pwdFailureCountInterval: 600"},
	"mustchange": {"pwdMustChange: TRUE", "pwdMinLength: 12", "pwdCheckQuality: 2", "pwdInHistory: 3"},
	"noexpired":  {"pwdMaxAge: 86400"},
	"grace":      {"pwdMaxAge: 86400", "pwdGraceAuthNLimit: 5", "pwdMinLength: 12", "pwdCheckQuality: 2"},
	"warning":    {"pwdMaxAge: 2592000", "pwdExpireWarning: 1728000"}, // of 30 days, the last 20
}

// slapdLDIF is what slapadd loads: all but the groups, because the memberOf
// overlay sees only changes through the running server.
func slapdLDIF(s *slapd, config slapdConfig) string {
	var l ldif
	l.entry(slapdBase, "objectClass: dcObject", "objectClass: organization", "o: Example", "dc: example")
	for _, ou := range []string{"people", "groups", "posix", "policies", "bulk", "left", "many"} {
		l.entry("ou="+ou+","+slapdBase, "objectClass: organizationalUnit", "ou: "+ou)
	}
	l.entry(readerDN, "objectClass: organizationalRole", "objectClass: simpleSecurityObject", "cn: reader", "userPassword: "+s.Password)
	l.entry("ou=elsewhere,"+slapdBase, "objectClass: referral", "objectClass: extensibleObject", "ou: elsewhere",
		"ref: "+s.Referral+"/ou=elsewhere,"+slapdBase)
	for name, rules := range slapdPolicies {
		l.entry(policyDN(name), append([]string{"objectClass: device", "objectClass: pwdPolicy", "cn: " + name, "pwdAttribute: userPassword"}, rules...)...)
	}
	writePeople(&l, s.Password)
	for n := range config.Bulk {
		uid := fmt.Sprintf("user%d", n+1)
		writePerson(&l, bulkDN, uid, fmt.Sprintf("User Nr%d", n+1), s.Password, "mail: "+uid+"@example.org")
	}
	for n := range config.Groups {
		cn := fmt.Sprintf("group%d", n+1)
		l.entry("cn="+cn+","+manyDN, "objectClass: groupOfNames", "cn: "+cn, "member: "+personDN("alice"))
	}
	return l.String()
}

func writePeople(l *ldif, password string) {
	person := func(uid, name string, more ...string) { writePerson(l, peopleDN, uid, name, password, more...) }
	follows := func(policy string) string { return "pwdPolicySubentry: " + policyDN(policy) }
	generalized := func(at time.Time) string { return at.UTC().Format("20060102150405Z") }

	person("alice", "Alice Liddell", "mail: alice@example.org")
	person("bob", "Bob Builder", "mail: bob@example.org")
	person("carol", "Carol O'Neil (ext)*", "mail: carol@example.org")
	person("dave", "Dave Mover", "mail: dave@example.org")
	person("nomail", "No Mail")
	person("two.mails", "Two Mails", "mail: first@example.org", "mail: second@example.org")
	person("zoë", "Zoë Ångström", "mail: zoe@example.org")
	person("twin1", "Same Name", "mail: twins@example.org")
	person("twin2", "Same Name", "mail: twins@example.org")

	person("lockable", "Lock Able", follows("lockout"))
	person("locked", "Lock Ed", follows("lockout"), "pwdAccountLockedTime: 000001010000Z")
	person("mustchange", "Must Change", follows("mustchange"), "pwdReset: TRUE")
	person("mustchange2", "Must Change", follows("mustchange"), "pwdReset: TRUE")
	person("expired", "Ex Pired", follows("noexpired"), "pwdChangedTime: 20000101000000Z")
	person("grace", "Gra Ce", follows("grace"), "pwdChangedTime: 20000101000000Z")
	person("warned", "War Ned", follows("warning"), "pwdChangedTime: "+generalized(time.Now().AddDate(0, 0, -20)))

	// As the tools of the package ldapscripts create users.
	l.entry(personDN("scripted"), "objectClass: account", "objectClass: posixAccount", "uid: scripted", "cn: scripted",
		"uidNumber: "+posixNumber, "gidNumber: 6001", "homeDirectory: /home", "userPassword: "+password)

	person("shadowexpired", "Shadow Account", "objectClass: shadowAccount", "shadowExpire: 1")
	person("shadowold", "Shadow Password", "objectClass: shadowAccount", "shadowLastChange: 10000", "shadowMax: 30")
}

// numbers of POSIX users; nobody looks at them.
const posixNumber = "10000"

func writePerson(l *ldif, parent, uid, name, password string, more ...string) {
	given, family, _ := strings.Cut(name, " ")
	l.entry("uid="+uid+","+parent, append([]string{
		"objectClass: inetOrgPerson", "objectClass: posixAccount", "uid: " + uid, "cn: " + name, "displayName: " + name, "givenName: " + given, "sn: " + family,
		"uidNumber: " + posixNumber, "gidNumber: 5000", "homeDirectory: /home", "userPassword: " + password,
	}, more...)...)
}

// slapdGroups are groupOfNames by name: nested two levels deep, and a cycle.
var slapdGroups = []struct {
	name    string
	members []string
}{
	{"editors", []string{personDN("alice"), personDN("bob")}},
	{"admins", []string{personDN("alice")}},
	{"staff", []string{groupDN("editors"), personDN("carol")}},
	{"everyone", []string{groupDN("staff")}},
	{"loopa", []string{groupDN("loopb")}},
	{"loopb", []string{groupDN("loopa"), personDN("bob")}},
}
