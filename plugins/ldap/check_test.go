package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/plugins/ldap/ldaptest"
	"github.com/doorward/doorward/sdk"
)

func TestCheck(t *testing.T) {
	good := start(t, ldaptest.Config{LDAPS: true, Entries: entries(group("staff", "member", aliceDN),
		person("photographed", "x", map[string][]string{"photo": {"\x00\xff"}, "mail": {"a@example.com", "b@example.com"}}))})
	limited := start(t, ldaptest.Config{})
	limited.Misbehave(func(r ldaptest.Request) bool {
		return r.Operation == ldaptest.Search && strings.Contains(r.Filter, "uid=*") && ldaptest.Reply(ldaptest.Answer{Code: 11})(r)
	})
	others := start(t, ldaptest.Config{Entries: entries(group("staff", "member", "cn=somebody,ou=elsewhere,dc=example,dc=org"))})
	down := start(t, ldaptest.Config{LDAPS: true})
	down.Stop()
	plain := start(t, ldaptest.Config{})
	expired := start(t, ldaptest.Config{LDAPS: true, CertificateLife: -time.Second})
	bare := start(t, ldaptest.Config{Entries: entries(person("bare", "x", map[string][]string{"entryUUID": nil, "mail": nil, "userAccountControl": {"514"}}))})
	disabled := start(t, ldaptest.Config{Entries: entries(person("carol", "x", map[string][]string{"nsAccountLock": {"TRUE"}}), person("dan", "x", map[string][]string{"userAccountControl": {"514"}}),
		person("eve", "x", map[string][]string{"pwdReset": {"TRUE"}}))})
	full := map[string]any{"check_user": "alice", "group_dn": "ou=groups," + base, "id_attribute": "entryUUID"}
	for name, test := range map[string]struct {
		dirs   []*ldaptest.Directory
		values map[string]any
		want   []string // severity, subject, and a part of the text
	}{
		"all is well": {[]*ldaptest.Directory{good}, full, []string{
			"ok|certificate of 127.0.0.1:|trusted by tls_ca", "ok|bind at |" + readerDN, "ok|user_dn|" + base, "ok|group_dn|ou=groups",
			"ok|check_user|" + aliceDN, "ok|id_attribute|" + aliceUUID, "ok|attributes|mail", "ok|groups|1: staff",
		}},
		"one server down":        {[]*ldaptest.Directory{good, down}, full, []string{"error|connection to " + down.Address() + "|refused", "ok|groups|1: staff"}},
		"all servers down":       {[]*ldaptest.Directory{down}, full, []string{"error|connection to |refused"}},
		"wrong bind_password":    {[]*ldaptest.Directory{good}, map[string]any{"bind_password": "wrong"}, []string{"error|bind at |Invalid Credentials"}},
		"unknown authority":      {[]*ldaptest.Directory{good}, map[string]any{"tls_ca": plain.CA()}, []string{"error|connection to |certificate"}},
		"no such base":           {[]*ldaptest.Directory{good}, map[string]any{"user_dn": "ou=nowhere," + base}, []string{"error|user_dn|does not exist"}},
		"no such group base":     {[]*ldaptest.Directory{good}, map[string]any{"group_dn": "ou=nowhere," + base}, []string{"ok|user_dn|", "error|group_dn|does not exist"}},
		"no such user":           {[]*ldaptest.Directory{good}, map[string]any{"check_user": "nobody"}, []string{"error|check_user|(uid=nobody)"}},
		"nobody at all":          {[]*ldaptest.Directory{good}, map[string]any{"user_filter": "(objectClass=alien)"}, []string{"error|user_filter|nobody can sign in"}},
		"too deep":               {[]*ldaptest.Directory{good}, map[string]any{"user_scope": "one"}, []string{"error|user_filter|user_scope to sub"}},
		"too deep for one":       {[]*ldaptest.Directory{good}, map[string]any{"user_scope": "one", "check_user": "alice"}, []string{"error|check_user|searching for (uid=alice) under " + base + " with the scope one: not exactly one entry: there is none; a search of the whole subtree finds " + aliceDN}},
		"two of that name":       {[]*ldaptest.Directory{good}, map[string]any{"check_user": "Surname", "user_attribute": "sn"}, []string{"error|check_user|searching for (sn=Surname) under " + base + " with the scope sub: not exactly one entry: there are two or more"}},
		"too much":               {[]*ldaptest.Directory{limited}, nil, []string{"warning|user_filter|no user could be checked"}},
		"a binary identifier":    {[]*ldaptest.Directory{good}, map[string]any{"id_attribute": "photo", "check_user": "photographed"}, []string{"error|id_attribute|not text"}},
		"two identifiers":        {[]*ldaptest.Directory{good}, map[string]any{"id_attribute": "mail", "check_user": "photographed"}, []string{"error|id_attribute|2 values"}},
		"a binary attribute":     {[]*ldaptest.Directory{good}, map[string]any{"attributes": "photo", "check_user": "photographed"}, []string{"warning|attributes|because the value is not text: photo"}},
		"one identifier for two": {[]*ldaptest.Directory{good}, map[string]any{"id_attribute": "sn"}, []string{"error|id_attribute|have the same sn"}},
		"somebody without one":   {[]*ldaptest.Directory{good}, map[string]any{"id_attribute": "displayName"}, []string{"ok|id_attribute|(attribute displayName)", "warning|id_attribute|some users cannot sign in"}},
		"nobody in a group":      {[]*ldaptest.Directory{good}, map[string]any{"group_dn": "ou=groups," + base, "group_attribute": "uniqueMember"}, []string{"error|group_attribute|shows the attribute uniqueMember"}},
		"no group at all":        {[]*ldaptest.Directory{plain}, map[string]any{"group_dn": "ou=groups," + base, "group_filter": "(objectClass=group)"}, []string{"error|group_filter|no user has a group"}},
		"groups of others":       {[]*ldaptest.Directory{others}, map[string]any{"group_dn": "ou=groups," + base}, []string{"warning|groups|none of the members of cn=staff,ou=groups"}},
		"nobody has memberOf":    {[]*ldaptest.Directory{plain}, map[string]any{"group_member_of": "memberOf"}, []string{"error|group_member_of|no user has a group"}},
		"no check_user":          {[]*ldaptest.Directory{good}, nil, []string{"ok|user_filter|matches entries"}},
		"identifier not named":   {[]*ldaptest.Directory{good}, map[string]any{"check_user": "bob"}, []string{"ok|id_attribute|set id_attribute to", "warning|attributes|not found: displayName"}},
		"nothing but a DN":       {[]*ldaptest.Directory{bare}, map[string]any{"check_user": "bare"}, []string{"warning|id_attribute|the DN is used", "warning|attributes|mail", "warning|account|account_disabled"}},
		"all disabled":           {[]*ldaptest.Directory{disabled}, map[string]any{"user_filter": "(|(uid=carol)(uid=dan))"}, []string{"error|account|the 2 users that were checked"}},
		"all but one disabled":   {[]*ldaptest.Directory{disabled}, map[string]any{"user_filter": "(|(uid=carol)(uid=eve))"}, []string{"warning|account|the 2 users that were checked"}},
		"dangers":                {[]*ldaptest.Directory{plain}, map[string]any{"allow_insecure_plaintext": true, "client__tls_options__reject_unauthorized": false, "tls_ca": nil}, []string{"warning|TLS|reject_unauthorized", "warning|TLS|unencrypted"}},
		"only users search":      {[]*ldaptest.Directory{good}, map[string]any{"user_dn_template": "uid={username}," + people, "bind_dn": nil, "bind_password": nil}, []string{"ok|bind|only users"}},
		"unicodePwd elsewhere":   {[]*ldaptest.Directory{good}, map[string]any{"password_change": "unicode-pwd"}, []string{"warning|password_change|Active Directory"}},
		"expired certificate":    {[]*ldaptest.Directory{expired}, nil, []string{"error|certificate of |the server's certificate was valid until", "error|connection to |renew it there"}},
	} {
		t.Run(name, func(t *testing.T) {
			findings, err := openRig(t, test.values, test.dirs...).provider.Check(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range test.want {
				parts := strings.SplitN(want, "|", 3)
				if !slices.ContainsFunc(findings, func(f sdk.Finding) bool {
					return string(f.Severity) == parts[0] && strings.HasPrefix(f.Subject, parts[1]) && strings.Contains(f.Text, parts[2])
				}) {
					t.Errorf("no finding %q in:\n%s", want, shown(findings))
				}
			}
			if name == "all is well" {
				for _, f := range findings {
					if f.Severity != sdk.SeverityOK {
						t.Errorf("finding %+v", f)
					}
				}
				at := slices.IndexFunc(findings, func(f sdk.Finding) bool { return f.Step == sdk.StepTLS })
				if left := time.Until(findings[at].ExpiresAt); left < 24*time.Hour || left > 40*24*time.Hour {
					t.Errorf("the certificate expires at %v", findings[at].ExpiresAt)
				}
			}
		})
	}
	for _, dn := range append(good.Binds(), plain.Binds()...) {
		if dn != readerDN {
			t.Errorf("a bind as %q", dn)
		}
	}
}

func shown(findings []sdk.Finding) string {
	var b strings.Builder
	for _, f := range findings {
		b.WriteString(string(f.Severity) + "|" + f.Subject + "|" + f.Text + "\n")
	}
	return b.String()
}
