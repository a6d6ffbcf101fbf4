package e2e

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// The servers behave as the tests of the LDAP plugin assume: a server that behaves
// differently tests nothing.
func TestSlapdFixture(t *testing.T) {
	s := startSlapd(t, slapdConfig{Bulk: 10})
	admin := s.admin(t)
	if got := admin.values(personDN("alice"), "memberOf"); len(got) != 2 {
		t.Errorf("alice is a member of %q, want editors and admins", got)
	}
	if got := admin.find(bulkDN, "(uid=user10)", "entryUUID"); len(got) != 1 || got[0].GetAttributeValue("entryUUID") == "" {
		t.Errorf("user10: %v", got)
	}
	if got := admin.find(peopleDN, "(uid=zoë)"); len(got) != 1 {
		t.Errorf("zoë: %v", got)
	}
	for _, url := range []string{s.URL(), s.LDAPS(), s.LDAPI()} {
		conn, err := dialLDAP(url, ldap.DialWithTLSConfig(s.CA.trust("localhost")))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if url == s.URL() {
			if err := conn.StartTLS(s.CA.trust("localhost")); err != nil {
				t.Errorf("StartTLS: %v", err)
			}
		}
		wantResult(t, url+": alice", conn.Bind(personDN("alice"), s.Password), ldap.LDAPResultSuccess)
		wantResult(t, url+": alice with a wrong password", conn.Bind(personDN("alice"), "wrong"), ldap.LDAPResultInvalidCredentials)
	}
	for name, want := range map[string]string{
		"locked": "Account locked", "expired": "Password expired", "mustchange": "Password must be changed", "warned": "", "grace": "",
	} {
		if got := policyWord(t, s, personDN(name)); !strings.HasPrefix(got, want) || want == "" && got != "" {
			t.Errorf("%s: the policy control says %q, want %q", name, got, want)
		}
	}
}

// policyWord is the error of the ppolicy control in the answer to a bind.
func policyWord(t *testing.T, s *slapd, dn string) string {
	t.Helper()
	conn, err := dialLDAP(s.LDAPI(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	req := ldap.NewSimpleBindRequest(dn, s.Password, []ldap.Control{ldap.NewControlBeheraPasswordPolicy()})
	result, _ := conn.SimpleBind(req)
	control, ok := ldap.FindControl(result.Controls, ldap.ControlTypeBeheraPasswordPolicy).(*ldap.ControlBeheraPasswordPolicy)
	if !ok {
		t.Errorf("%s: no ppolicy control in the answer", dn)
		return ""
	}
	if strings.Contains(dn, "warned") && control.Expire <= 0 {
		t.Errorf("%s: no warning", dn)
	}
	return control.ErrorString
}

func wantResult(t *testing.T, what string, err error, code uint16) {
	t.Helper()
	var failure *ldap.Error
	got := uint16(ldap.LDAPResultSuccess)
	if errors.As(err, &failure) {
		got = failure.ResultCode
	} else if err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	if got != code {
		t.Errorf("%s: result %d (%v), want %d", what, got, err, code)
	}
}

func TestSambaFixture(t *testing.T) {
	s := startSamba(t)
	for name, want := range map[string]string{
		"alice": "", "zoë": "", "reader": "", "disabled": "data 533", "expired": "data 701", "mustchange2": "data 773",
	} {
		conn, err := dialLDAP(s.LDAPS(), s.dialTLS())
		if err != nil {
			t.Fatal(err)
		}
		err = conn.Bind(name+"@ad.example.org", s.Password)
		conn.Close()
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
	admin := s.admin(t)
	// LDAP_MATCHING_RULE_IN_CHAIN
	var names []string
	for _, e := range admin.find(adBase, "(member:1.2.840.113556.1.4.1941:="+adUserDN("alice")+")", "cn") {
		names = append(names, e.GetAttributeValue("cn"))
	}
	slices.Sort(names)
	if want := []string{"editors", "everyone", "staff"}; !slices.Equal(names, want) {
		t.Errorf("alice's groups: %q, want %q", names, want)
	}
	if got := admin.values(adUserDN("warned"), "msDS-UserPasswordExpiryTimeComputed"); len(got) != 1 || got[0] >= filetime(time.Now().AddDate(0, 0, 3)) {
		t.Errorf("the password of warned expires at %q", got)
	}
}
