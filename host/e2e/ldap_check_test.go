package e2e

import (
	"strconv"
	"strings"
	"testing"

	"github.com/doorward/doorward/sdk"
)

// Check finds no problem in a good configuration, and names the problem of a bad one.
func TestLDAPCheck(t *testing.T) {
	s := startSlapd(t, slapdConfig{})
	ad := startSamba(t)
	good := s.options(map[string]string{"group_dn": groupsDN, "check_user": "alice"})
	for name, options := range map[string]map[string]string{
		"OpenLDAP": good, "Active Directory": ad.options(map[string]string{"check_user": "alice"}),
	} {
		t.Run(name, func(t *testing.T) {
			text := ""
			for _, f := range check(t, options) {
				if f.Severity != sdk.SeverityOK {
					t.Errorf("a good configuration: %+v", f)
				}
				text += f.Subject + ": " + f.Text + "\n"
			}
			for _, want := range []string{"mail", "editors"} {
				if !strings.Contains(text, want) {
					t.Errorf("the findings do not tell %q:\n%s", want, text)
				}
			}
		})
	}
	gone := "127.0.0.1:" + strconv.Itoa(freePort(t))
	for _, tc := range []struct {
		name    string
		options map[string]string
		word    string // that the text of the error contains
	}{
		{"nobody listens", map[string]string{"client_url": "ldap://" + gone}, gone},
		{"the host has no address", map[string]string{"client_url": "ldap://directory.invalid"}, "directory.invalid"},
		{"an authority that is not the server's", map[string]string{"tls_ca": ad.CA.CA}, "certificate"},
		{"another name than the certificate's", map[string]string{"tls_server_name": "ldap.other.example"}, "ldap.other.example"},
		{"a wrong bind_password", map[string]string{"bind_password": "wrong"}, "bind_password"},
		{"a base that is not there", map[string]string{"user_dn": "ou=nowhere," + slapdBase}, "user_dn"},
		{"a group base that is not there", map[string]string{"group_dn": "ou=nowhere," + slapdBase}, "group_dn"},
		{"nobody of that name", map[string]string{"check_user": "nobody"}, "nobody"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			found := check(t, merged(good, tc.options))
			for _, f := range found {
				if f.Severity != sdk.SeverityOK && strings.Contains(f.Subject+" "+f.Text, tc.word) {
					return
				}
			}
			t.Errorf("no finding contains %q: %+v", tc.word, found)
		})
	}
}

// Without check_user, a check looks at users below the base: it must not pass while
// nobody can sign in, or nobody has a group.
func TestLDAPCheckLooksAtPeople(t *testing.T) {
	hidden := func(attribute string) slapdConfig {
		return slapdConfig{Access: `access to attrs=` + attribute + ` by dn.base="` + readerDN + `" none`}
	}
	groups := map[string]string{"group_dn": groupsDN, "id_attribute": "entryUUID"}
	plain := startSlapd(t, slapdConfig{})
	for _, tc := range []struct {
		name    string
		server  slapdConfig
		options map[string]string
		subject string // of the error; empty: all is well
	}{
		{"all is well", slapdConfig{}, groups, ""},
		{"by the preset", slapdConfig{}, map[string]string{"preset": "openldap", "group_dn": slapdBase}, ""},
		{"an identifier that nobody has", slapdConfig{}, merged(groups, map[string]string{"id_attribute": "objectGUID"}), "id_attribute"},
		{"an identifier of two people", slapdConfig{}, merged(groups, map[string]string{"id_attribute": "gidNumber"}), "id_attribute"},
		{"an identifier that may not be read", hidden("entryUUID"), groups, "id_attribute"},
		{"an identifier that may be read, and not searched by", slapdConfig{Access: `access to attrs=entryUUID by dn.base="` + readerDN + `" =rx`}, groups, "id_attribute"},
		{"a group base without groups", slapdConfig{}, merged(groups, map[string]string{"group_dn": peopleDN}), "group"},
		{"a filter that no group matches", slapdConfig{}, merged(groups, map[string]string{"group_filter": "(cn=nothing)"}), "group_filter"},
		{"an attribute that groups have not", slapdConfig{}, merged(groups, map[string]string{"group_attribute": "uniqueMember"}), "group_attribute"},
		{"members that may not be read", hidden("member"), groups, "group_attribute"},
		{"members that may be read, and not searched by", slapdConfig{Access: `access to attrs=member by dn.base="` + readerDN + `" =rx`}, groups, "group"},
		{"memberOf that may not be read", hidden("memberOf"), map[string]string{"group_member_of": "memberOf"}, "group_member_of"},
		{"memberOf", slapdConfig{}, map[string]string{"group_member_of": "memberOf"}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := plain
			if tc.server != (slapdConfig{}) {
				s = startSlapd(t, tc.server)
			}
			told := false
			found := check(t, s.options(tc.options))
			for _, f := range found {
				told = told || f.Severity == sdk.SeverityError && strings.HasPrefix(f.Subject, tc.subject)
			}
			if told != (tc.subject != "") {
				t.Errorf("want an error about %q: %+v", tc.subject, found)
			}
		})
	}
	t.Run("389 Directory Server", func(t *testing.T) {
		for _, f := range check(t, startDS389(t).options(nil)) {
			if f.Severity == sdk.SeverityError || f.Severity == sdk.SeverityWarning && f.Subject != "attributes" {
				t.Errorf("a fresh server: %+v", f)
			}
		}
	})
	t.Run("Active Directory", func(t *testing.T) {
		for _, f := range check(t, startSamba(t).options(nil)) {
			if f.Severity != sdk.SeverityOK {
				t.Errorf("a fresh server: %+v", f)
			}
		}
	})
}

func check(t *testing.T, options map[string]string) []sdk.Finding {
	t.Helper()
	found, err := openLDAP(t, options).Check(t.Context())
	if err != nil {
		t.Fatalf("checking: %v", err)
	}
	if len(found) == 0 {
		t.Error("nothing was found, not even that all is well")
	}
	for _, f := range found {
		if password := options["bind_password"]; len(password) >= shortestSecret && strings.Contains(f.Text, password) {
			t.Errorf("L06 a finding has the password in it: %s", f.Subject)
		}
	}
	return found
}
