package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/plugins/ldap/internal/directory"
	"github.com/doorward/doorward/plugins/ldap/ldaptest"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/options"
)

// ofDirectus are options as shown in the manual of Directus.
func ofDirectus() map[string]any {
	return map[string]any{
		"client_url": "ldap://localhost:1389", "bind_dn": "CN=Bind User,OU=Users,DC=ldap,DC=directus,DC=io", "bind_password": "p@ssw0rd",
		"user_dn": "OU=Users,DC=ldap,DC=directus,DC=io", "user_attribute": "uid", "user_scope": "sub",
		"mail_attribute": "mail", "first_name_attribute": "givenName", "last_name_attribute": "sn",
		"group_dn": "OU=Groups,DC=ldap,DC=directus,DC=io", "group_attribute": "memberUid", "group_scope": "one",
		"client__timeout": "1500", "client__connect_timeout": 700, "client__tls_options__reject_unauthorized": "true", "client__strict_dn": "true",
	}
}

func TestDirectusOptions(t *testing.T) {
	o, err := options.Decode[Options](ofDirectus())
	if err != nil {
		t.Fatal(err)
	}
	o, err = o.settle()
	if err != nil || o.OperationTimeout != 1500*time.Millisecond || o.ConnectTimeout != 700*time.Millisecond {
		t.Errorf("time limits %v and %v, %v", o.OperationTimeout, o.ConnectTimeout, err)
	}
	l, err := directory.Locate(o.ClientURL[0], o.plainRule())
	if err != nil || l.Protection != directory.ProtectedByTLS {
		t.Errorf("client_url with tls_options: %+v, %v", l, err)
	}
	least, err := options.Decode[Options](map[string]any{"client_url": "ldaps://x", "user_dn": "dc=x", "bind_dn": "cn=x", "bind_password": "x"})
	if err != nil {
		t.Fatal(err)
	}
	least, _ = least.settle()
	got := []string{least.UserAttribute[0], least.UserScope, least.MailAttribute, least.FirstNameAttribute, least.LastNameAttribute, least.GroupAttribute[0], least.GroupScope}
	if diff := cmp.Diff([]string{"cn", "one", "mail", "givenName", "sn", "member", "one"}, got); diff != "" {
		t.Errorf("defaults of Directus (-want +got):\n%s", diff)
	}
}

// TestDirectusTLSOptionsAsJSON: in one variable instead of one for each key.
func TestDirectusTLSOptionsAsJSON(t *testing.T) {
	values := ofDirectus()
	delete(values, "client__tls_options__reject_unauthorized")
	values["client__tls_options"] = `{"rejectUnauthorized":false,"servername":"ldap.example.org"}`
	o, err := options.Decode[Options](values)
	if err != nil {
		t.Fatal(err)
	}
	if o, err = o.settle(); err != nil || !o.insecure() || o.TLSServerName != "ldap.example.org" {
		t.Errorf("%q, insecure %v, %v", o.TLSServerName, o.insecure(), err)
	}
}

func TestOptionProblems(t *testing.T) {
	dir := start(t, ldaptest.Config{})
	certificate, key := dir.Client()
	for name, test := range map[string]struct {
		values map[string]any
		option string
		text   string
	}{
		"http":                 {map[string]any{"client_url": "http://x"}, "client_url", "ldaps://"},
		"no scheme":            {map[string]any{"client_url": "ldap.example.com"}, "client_url", "ldaps://"},
		"password in the URL":  {map[string]any{"client_url": "ldap://cn:hunter2@x"}, "client_url", "bind_password"},
		"password, no scheme":  {map[string]any{"client_url": "cn:hunter2@x:389"}, "client_url", "bind_password"},
		"password with a /":    {map[string]any{"client_url": "ldaps://cn:hunter2/@x"}, "client_url", "bind_password"},
		"base in the URL":      {map[string]any{"client_url": "ldap://x/dc=x"}, "client_url", "ldaps://"},
		"port of a domain":     {map[string]any{"client_url": "ldap+srv://x:389"}, "client_url", "DNS"},
		"socket with slashes":  {map[string]any{"client_url": "ldapi:///run/ldapi"}, "client_url", "%2F"},
		"the second one":       {map[string]any{"client_url": "ldaps://x, ftp://y"}, "client_url", "ftp://y"},
		"only commas":          {map[string]any{"client_url": ", ,"}, "client_url", "server"},
		"no bind_password":     {map[string]any{"bind_password": nil}, "bind_password", "bind_dn"},
		"no bind_dn":           {map[string]any{"bind_dn": nil}, "bind_password", "bind_dn"},
		"user_dn":              {map[string]any{"user_dn": "people"}, "user_dn", "distinguished"},
		"group_dn":             {map[string]any{"group_dn": "cn=x,,"}, "group_dn", "distinguished"},
		"scope":                {map[string]any{"user_scope": "tree"}, "user_scope", "one"},
		"filter":               {map[string]any{"user_filter": "objectClass=person"}, "user_filter", "parentheses"},
		"broken filter":        {map[string]any{"group_filter": "(&(cn=x)"}, "group_filter", "parentheses"},
		"attribute":            {map[string]any{"user_attribute": "uid,m*il"}, "user_attribute", "m*il"},
		"attribute, injection": {map[string]any{"group_attribute": "member)(cn"}, "group_attribute", "member)(cn"},
		"ranged attribute":     {map[string]any{"attributes": "member;range=0-1"}, "attributes", "range"},
		"template":             {map[string]any{"user_dn_template": "uid=alice," + people}, "user_dn_template", "{username}"},
		"template of UPN":      {map[string]any{"user_dn_template": "{username}@example.com"}, "user_dn_template", "DN"},
		"template elsewhere":   {map[string]any{"user_dn_template": "uid={username},dc=elsewhere"}, "user_dn_template", "user_dn"},
		"pool":                 {map[string]any{"pool_size": 0}, "pool_size", "1 to 100"},
		"depth":                {map[string]any{"group_depth": 1000}, "group_depth", "1 to 50"},
		"time limit":           {map[string]any{"operation_timeout": "0"}, "operation_timeout", "1m"},
		"Directus's limit":     {map[string]any{"client__timeout": "120000"}, "client__timeout", "from 1ms to 1m, not 2m0s"},
		"no limit":             {map[string]any{"client__connect_timeout": "never"}, "client__connect_timeout", "duration"},
		"the limit in YAML":    {map[string]any{"client": map[string]any{"connectTimeout": "2m"}}, "client__connectTimeout", "1m"},
		"Directus's CA":        {map[string]any{"tls_ca": nil, "client__tls_options__ca": "no certificate"}, "client__tls_options__ca", "PEM"},
		"tries":                {map[string]any{"max_wrong_passwords": -1}, "max_wrong_passwords", "negative"},
		"CA":                   {map[string]any{"tls_ca": "no certificate"}, "tls_ca", "PEM"},
		"CA by its name":       {map[string]any{"tls_ca": "/etc/ssl/ca.pem"}, "tls_ca", "_FILE"},
		"certificate alone":    {map[string]any{"tls_cert": certificate}, "tls_cert", "tls_key"},
		"not a pair":           {map[string]any{"tls_cert": dir.CA(), "tls_key": key}, "tls_key", "another certificate"},
		"contradiction":        {map[string]any{"start_tls": true, "allow_insecure_plaintext": true}, "allow_insecure_plaintext", "start_tls"},
		"old TLS":              {map[string]any{"client__tls_options__min_version": "TLSv1"}, "client__tls_options__min_version", "version 1.2"},
		"unknown TLS option":   {map[string]any{"client__tls_options__ciphers": "NULL"}, "client__tls_options__ciphers", "ciphers"},
		"unknown client key":   {map[string]any{"client__reconnect": "true"}, "client__reconnect", "tls_options"},
		"not a boolean":        {map[string]any{"client__tls_options__reject_unauthorized": "maybe"}, "client__tls_options__reject_unauthorized", "true or false"},
		"tls_options is text":  {map[string]any{"client": map[string]any{"tls_options": "x"}}, "client__tls_options", "mapping"},
		"preset":               {map[string]any{"preset": "ad"}, "preset", "active-directory"},
		"external, and a name": {map[string]any{"sasl_external": true, "tls_cert": certificate, "tls_key": key}, "sasl_external", "bind_dn"},
		"external as two":      {map[string]any{"sasl_external": true, "bind_dn": nil, "bind_password": nil, "tls_cert": certificate, "tls_key": key, "client_url": "ldaps://x, ldapi://%2Frun%2Fldapi"}, "sasl_external", "one kind"},
		"external by nothing":  {map[string]any{"sasl_external": true, "bind_dn": nil, "bind_password": nil}, "sasl_external", "tls_cert"},
		"one of two bases":     {map[string]any{"user_dn": base + ";people"}, "user_dn", "distinguished"},
		"an empty base":        {map[string]any{"group_dn": base + ";"}, "group_dn", "distinguished"},
		"memberUid":            {map[string]any{"member_uid_attribute": "uid)("}, "member_uid_attribute", "uid)("},
		"primary group":        {map[string]any{"primary_group": true}, "primary_group", "group_dn"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := options.Decode[Options](optionsFor(test.values, dir))
			problems, _ := errors.AsType[options.Problems](err)
			if !slices.ContainsFunc(problems, func(p options.Problem) bool {
				return p.Option == test.option && strings.Contains(p.Text, test.text)
			}) {
				t.Errorf("problems %q, want one of %s with %q", problems, test.option, test.text)
			}
			if strings.Contains(problems.Error(), "hunter2") {
				t.Errorf("a password is told: %q", problems)
			}
		})
	}
}

// TestPresets: each preset results in valid options, and explicit options take precedence.
func TestPresets(t *testing.T) {
	schema, err := options.SchemaOf[Options]()
	if err != nil {
		t.Fatal(err)
	}
	option, _ := schema.Lookup("preset")
	if diff := cmp.Diff(slices.Sorted(maps.Keys(presets)), slices.Sorted(slices.Values(option.Values))); diff != "" {
		t.Errorf("presets, and the values of the option (-have +offered):\n%s", diff)
	}
	for name, p := range presets {
		t.Run(name, func(t *testing.T) {
			values := map[string]any{
				"client_url": "ldaps://x", "user_dn": "dc=x", "bind_dn": "cn=x", "bind_password": "x", "group_dn": "dc=x", "preset": name,
			}
			o, err := options.Decode[Options](values)
			if err != nil {
				t.Fatal(err)
			}
			o, err = o.settle()
			if err != nil || !slices.Equal(o.UserAttribute, p.userAttribute) || o.UserFilter != p.userFilter || o.IDAttribute != p.id || o.UserScope != "sub" {
				t.Errorf("%+v, %v", o, err)
			}
			for _, filter := range []string{p.userFilter, p.groupFilter} {
				if _, err := ldap.CompileFilter(filter); err != nil {
					t.Errorf("%s: %v", filter, err)
				}
			}
			values["user_attribute"], values["id_attribute"], values["user_filter"], values["nested_groups"], values["password_change"] = "mail", "dn", "(cn=*)", "none", "off"
			o, err = options.Decode[Options](values)
			if err != nil {
				t.Fatal(err)
			}
			o, _ = o.settle()
			if o.UserAttribute[0] != "mail" || o.IDAttribute != "dn" || o.UserFilter != "(cn=*)" || o.NestedGroups != "none" || o.PasswordChange != "off" {
				t.Errorf("what is written does not win: %+v", o)
			}
		})
	}
}

// documented are users and groups according to the manual or the source of each directory.
// Those of Active Directory, OpenLDAP and 389 Directory Server are for developers without
// these servers: the end-to-end tests use the servers themselves.
var documented = map[string]struct {
	dn         string
	attributes map[string][]string
	groups     []map[string][]string
	want       []string
}{
	"active-directory": {
		"CN=Carol,CN=Users," + base,
		map[string][]string{"objectClass": {"top", "person", "organizationalPerson", "user"}, "objectCategory": {"person"}, "sAMAccountName": {"carol"}, "objectGUID": {"0123456789abcdef"}},
		[]map[string][]string{{"objectClass": {"top", "group"}, "cn": {"staff"}, "member": {"CN=Carol,CN=Users," + base}}},
		[]string{"staff"},
	},
	"openldap": {
		"uid=carol," + people, // as created by ldapadduser of the package ldapscripts
		map[string][]string{"objectClass": {"account", "posixAccount"}, "cn": {"carol"}, "uid": {"carol"}, "entryUUID": {"x"}},
		[]map[string][]string{
			{"objectClass": {"posixGroup"}, "cn": {"staff"}, "memberUid": {"carol"}},
			{"objectClass": {"groupOfMembers"}, "cn": {"choir"}, "member": {"uid=carol," + people}},
		},
		[]string{"choir", "staff"},
	},
	"freeipa": {
		"uid=carol,cn=users,cn=accounts," + base,
		map[string][]string{
			"objectClass": {"top", "person", "organizationalperson", "inetorgperson", "inetuser", "posixaccount", "krbprincipalaux", "krbticketpolicyaux", "ipaobject", "ipasshuser", "mepOriginEntry"},
			"uid":         {"carol"}, "cn": {"Carol"}, "sn": {"Carol"}, "ipaUniqueID": {"d3c1b1a6-4b6e-11ee-9a52-525400aa55aa"}, "nsAccountLock": {"FALSE"},
			"krbPasswordExpiration": {"20991231235959Z"}, "memberOf": {"cn=staff,cn=groups,cn=accounts," + base},
		},
		[]map[string][]string{
			{"objectClass": {"top", "groupofnames", "nestedgroup", "ipausergroup", "ipaobject", "posixgroup"}, "cn": {"staff"}, "member": {"uid=carol,cn=users,cn=accounts," + base}},
			{"objectClass": {"posixgroup", "ipaobject", "mepManagedEntry", "top"}, "cn": {"carol"}},
		},
		[]string{"staff"},
	},
	"389ds": {
		"uid=carol," + people,
		map[string][]string{"objectClass": {"top", "nsPerson", "nsAccount", "nsOrgPerson", "posixAccount"}, "uid": {"carol"}, "cn": {"Carol"}, "displayName": {"Carol"}, "nsUniqueId": {"f20ea142-eca511f1-8641a6b4-48569ebf"}},
		[]map[string][]string{
			{"objectClass": {"top", "groupOfUniqueNames"}, "cn": {"staff"}, "uniqueMember": {"uid=carol," + people}},
			{"objectClass": {"top", "groupOfNames", "posixGroup", "nsMemberOf"}, "cn": {"choir"}, "member": {"uid=carol," + people}},
		},
		[]string{"choir", "staff"},
	},
	"lldap": {
		"uid=carol," + people,
		map[string][]string{"objectClass": {"inetOrgPerson", "posixAccount", "mailAccount", "person"}, "uid": {"carol"}, "mail": {"carol@example.com"}, "entryuuid": {"x"}},
		[]map[string][]string{{"objectClass": {"groupOfUniqueNames", "groupOfNames"}, "cn": {"staff"}, "member": {"uid=carol," + people}, "uniquemember": {"uid=carol," + people}}},
		[]string{"staff"},
	},
	"authentik": {
		"cn=carol,ou=users," + base,
		map[string][]string{
			"objectClass": {"top", "person", "organizationalPerson", "inetOrgPerson", "user", "posixAccount", "goauthentik.io/ldap/user"},
			"cn":          {"carol"}, "sAMAccountName": {"carol"}, "uid": {"hash"}, "name": {"Carol"}, "displayName": {"Carol"}, "ak-active": {"TRUE"}, "ak-superuser": {"FALSE"},
		},
		[]map[string][]string{
			{"objectClass": {"group", "groupOfUniqueNames", "groupOfNames", "goauthentik.io/ldap/group", "posixGroup"}, "cn": {"staff"}, "uid": {"1"}, "member": {"cn=carol,ou=users," + base}},
			{"objectClass": {"group", "groupOfUniqueNames", "groupOfNames", "goauthentik.io/ldap/group", "posixGroup", "goauthentik.io/ldap/virtual-group"}, "cn": {"carol"}, "member": {"cn=carol,ou=users," + base}},
		},
		[]string{"staff"},
	},
}

// TestPresetsSignIn: users of those directories sign in, with their groups.
func TestPresetsSignIn(t *testing.T) {
	if diff := cmp.Diff(slices.Sorted(maps.Keys(presets)), slices.Sorted(maps.Keys(documented))); diff != "" {
		t.Fatalf("presets, and those tried (-have +tried):\n%s", diff)
	}
	for name, test := range documented {
		t.Run(name, func(t *testing.T) {
			list := []ldaptest.Entry{{DN: base}, {DN: readerDN, Password: readerPassword}, {DN: test.dn, Password: "secret", Attributes: test.attributes}}
			for n, attributes := range test.groups {
				list = append(list, ldaptest.Entry{DN: fmt.Sprintf("cn=%s,ou=groups%d,%s", attributes["cn"][0], n, base), Attributes: attributes})
			}
			dir := start(t, ldaptest.Config{Entries: list})
			r := openRig(t, map[string]any{"preset": name, "user_attribute": nil, "user_scope": nil, "group_dn": base}, dir)
			got := r.signIn("carol", "secret")
			if got.Username != "carol" || !slices.Equal(got.Groups, test.want) {
				t.Errorf("identity %+v, want the groups %q", got, test.want)
			}
		})
	}
}

// TestPresetsWithoutMachines: machine accounts cannot sign in.
func TestPresetsWithoutMachines(t *testing.T) {
	for _, name := range []string{"openldap", "389ds"} {
		machine := person("pc1$", "secret", map[string][]string{"objectClass": {"account", "posixAccount"}, "nsUniqueId": {"y"}})
		dir := start(t, ldaptest.Config{Entries: entries(machine)})
		r := openRig(t, map[string]any{"preset": name, "user_attribute": nil, "user_scope": nil}, dir)
		step, err := r.enter("pc1$", "secret")
		wantPrompt(t, step, err, sdk.ReasonBadCredentials)
	}
}

// TestOptionsAreNamedAsWritten: what is wrong with a certificate names the option that
// the operator wrote, be it one of ours or of Directus.
func TestOptionsAreNamedAsWritten(t *testing.T) {
	dir, other := start(t, ldaptest.Config{LDAPS: true}), start(t, ldaptest.Config{})
	for name, values := range map[string]map[string]any{
		"client__tls_options__ca": {"tls_ca": nil, "client__tls_options__ca": other.CA()},
		"tls_ca":                  {"tls_ca": other.CA(), "client__tls_options__ca": dir.CA()},
	} {
		_, err := openRig(t, values, dir).enter("alice", alicePassword)
		if err == nil || !strings.Contains(err.Error(), ": "+name+" has an authority") {
			t.Errorf("%v, want one that names %s", err, name)
		}
	}
}
