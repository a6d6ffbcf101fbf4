package e2e

import (
	"testing"

	"github.com/doorward/doorward/sdk"
)

// By default, OpenLDAP sends at most 500 entries, with or without pages. A user in more
// groups gets all of them.
func TestLDAPMoreGroupsThanTheSizeLimit(t *testing.T) {
	const many = 1203
	s := startSlapd(t, slapdConfig{Groups: many})
	for name, more := range map[string]map[string]string{
		"in pages":      nil,
		"without pages": {"paged_results": "false"},
		"by DN":         {"group_name_attribute": "dn"},
		"walked":        {"nested_groups": "walk"},
		"several bases": {"group_dn": manyDN + ";" + groupsDN},
	} {
		t.Run(name, func(t *testing.T) {
			want := many
			if name == "several bases" {
				want += 2 // editors and admins
			}
			w := openLDAP(t, s.options(merged(map[string]string{"group_dn": manyDN}, more)))
			if got := w.identity("alice", s.Password).Groups; len(got) != want {
				t.Errorf("%d groups, want %d", len(got), want)
			}
			if got := w.identity("dave", s.Password).Groups; len(got) != 0 {
				t.Errorf("dave has the groups %q", got)
			}
		})
	}
}

// The members of a dynlist group are the entries that a search finds. The overlay leaves
// such groups out of paged results.
func TestLDAPDynamicGroups(t *testing.T) {
	s := startSlapd(t, slapdConfig{
		Extra:   "include /etc/ldap/schema/dyngroup.schema\nmoduleload dynlist",
		Overlay: "overlay dynlist\ndynlist-attrset groupOfURLs memberURL member",
	})
	s.admin(t).add(groupDN("dynamic"), map[string][]string{
		"objectClass": {"groupOfURLs"}, "cn": {"dynamic"}, "memberURL": {"ldap:///" + peopleDN + "??sub?(uid=dave)"},
	})
	w := openLDAP(t, s.options(map[string]string{"group_dn": groupsDN, "paged_results": "false"}))
	wantGroups(t, "dave", w.identity("dave", s.Password).Groups, "dynamic")
	wantGroups(t, "alice", w.identity("alice", s.Password).Groups, "editors", "admins")
}

func TestLDAPPosixGroups(t *testing.T) {
	s := startSlapd(t, slapdConfig{})
	s.admin(t).add("cn=mailers,"+posixDN, map[string][]string{
		"objectClass": {"posixGroup"}, "cn": {"mailers"}, "gidNumber": {"6002"}, "memberUid": {"alice@example.org", "dave"},
	})
	posix := map[string]string{"group_dn": posixDN, "group_attribute": "memberUid"}
	for _, tc := range []struct {
		name          string
		options       map[string]string
		alice, script []string
	}{
		{"by uid", posix, []string{"devs"}, nil},
		{"by another attribute", merged(posix, map[string]string{"member_uid_attribute": "mail"}), []string{"mailers"}, nil},
		{"with the primary group", merged(posix, map[string]string{"primary_group": "true"}), []string{"devs"}, []string{"devs"}},
		{"with the primary group, by DN", map[string]string{"group_dn": posixDN, "primary_group": "true"}, nil, []string{"devs"}},
		{"with the primary group, by the preset", map[string]string{"preset": "openldap", "user_attribute": "uid", "group_dn": posixDN, "primary_group": "true"}, []string{"devs"}, []string{"devs"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := openLDAP(t, s.options(tc.options))
			wantGroups(t, "alice", w.identity("alice", s.Password).Groups, tc.alice...)
			wantGroups(t, "scripted", w.identity("scripted", s.Password).Groups, tc.script...)
		})
	}
}

// Users and groups can be below several bases. A name in two of them means two users; an
// entry that is below two bases is one user.
func TestLDAPSeveralBases(t *testing.T) {
	s := startSlapd(t, slapdConfig{Bulk: 3})
	two := map[string]string{"user_dn": peopleDN + "; " + bulkDN, "group_dn": groupsDN + ";" + posixDN, "group_attribute": "member,memberUid"}
	w := openLDAP(t, s.options(two))
	alice := w.identity("alice", s.Password)
	wantGroups(t, "alice", alice.Groups, "editors", "admins", "devs")
	user := w.identity("user3", s.Password)
	for name, grant := range map[string][]byte{"alice": alice.Grant, "user3": user.Grant} {
		if _, err := w.Refresh(t.Context(), grant); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, f := range check(t, s.options(two)) {
		if f.Severity != sdk.SeverityOK {
			t.Errorf("finding %+v", f)
		}
	}
	overlapping := openLDAP(t, s.options(map[string]string{"user_dn": slapdBase + ";" + peopleDN, "user_scope": "sub"}))
	overlapping.identity("alice", s.Password)
	s.admin(t).add("uid=alice,"+bulkDN, map[string][]string{
		"objectClass": {"inetOrgPerson"}, "uid": {"alice"}, "cn": {"Another"}, "sn": {"Alice"}, "userPassword": {s.Password},
	})
	w.refused("alice", s.Password)
	_, err := openLDAP(t, s.options(map[string]string{"user_dn": peopleDN + ";ou=nowhere," + slapdBase})).login("alice", s.Password)
	wantKind(t, "a base that is not there", err, sdk.ErrMisconfigured)
}

// A base can be written in any form that the directory reads, not only in the form that it writes.
func TestLDAPSpellingsOfBases(t *testing.T) {
	s := startSlapd(t, slapdConfig{})
	admin := s.admin(t)
	admin.add("ou=Zwei  Räume,"+slapdBase, map[string][]string{"objectClass": {"organizationalUnit"}, "ou": {"Zwei  Räume"}})
	admin.add("uid=gast,ou=Zwei  Räume,"+slapdBase, map[string][]string{
		"objectClass": {"inetOrgPerson"}, "uid": {"gast"}, "cn": {"Gast"}, "sn": {"Gast"}, "userPassword": {s.Password},
	})
	for name, base := range map[string]string{
		"alice": "OU=People, DC=EXAMPLE , dc=Org", "bob": "organizationalUnitName=people,0.9.2342.19200300.100.1.25=example,domainComponent=org",
		"carol": "2.5.4.11=people," + slapdBase, "dave": `ou=\70eople,` + slapdBase, "zoë": "ou=ｐｅｏｐｌｅ," + slapdBase, "gast": "ou=zwei ra\u0308ume," + slapdBase,
	} {
		t.Run(base, func(t *testing.T) {
			w := openLDAP(t, s.options(map[string]string{"user_dn": base, "group_dn": groupsDN}))
			who := w.identity(name, s.Password)
			if _, err := w.Refresh(t.Context(), who.Grant); err != nil {
				t.Errorf("refresh: %v", err)
			}
		})
	}
	byDN := openLDAP(t, s.options(map[string]string{"user_dn": "organizationalUnitName=people," + slapdBase, "id_attribute": "dn", "user_dn_template": "userid={username},2.5.4.11=people," + slapdBase}))
	byDN.identity("alice", s.Password)
}
