package ldaptest_test

import (
	"crypto/tls"
	"crypto/x509"
	"slices"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"github.com/doorward/doorward/plugins/ldap/ldaptest"
)

const (
	base   = "dc=example,dc=com"
	reader = "cn=reader," + base
	alice  = "uid=alice,ou=people," + base
)

func start(t *testing.T, change func(*ldaptest.Config)) (*ldaptest.Directory, *ldap.Conn) {
	t.Helper()
	config := ldaptest.Config{OnlySearcher: reader, MinPassword: 4, Entries: []ldaptest.Entry{
		{DN: base},
		{DN: reader, Password: "secret"},
		{DN: alice, Password: "wonderland", Attributes: map[string][]string{"uid": {"alice"}, "n": {"1", "2", "3", "4", "5"}}},
		{DN: "cn=a," + base, Attributes: map[string][]string{"cn": {"a"}, "member": {alice}}},
		{DN: "cn=b," + base, Attributes: map[string][]string{"cn": {"b"}, "member": {"cn=a," + base}}},
	}}
	if change != nil {
		change(&config)
	}
	dir := ldaptest.Start(t, config)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(dir.CA()))
	conn, err := ldap.DialURL(dir.URL(), ldap.DialWithTLSConfig(&tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.Bind(reader, "secret"); err != nil {
		t.Fatal(err)
	}
	return dir, conn
}

func names(t *testing.T, conn *ldap.Conn, scope int, filter string) []string {
	t.Helper()
	found, err := conn.Search(ldap.NewSearchRequest(base, scope, 0, 0, 0, false, filter, []string{"*"}, nil))
	if err != nil {
		t.Fatalf("%s: %v", filter, err)
	}
	var list []string
	for _, e := range found.Entries {
		list = append(list, e.DN)
	}
	return list
}

// TestSearch compares the fake with an independent client.
func TestSearch(t *testing.T) {
	dir, conn := start(t, func(c *ldaptest.Config) { c.LDAPS = true })
	for filter, want := range map[string]int{
		"(uid=alice)": 1, "(uid= ALICE)": 1, "(uid=al*)": 1, "(uid=*CE)": 1, "(uid=a*i*e)": 1, "(uid=l*)": 0, "(uid=*l)": 0, "(uid=a*x*e)": 0, "(&(cn=*)(!(cn=a)))": 1, "(|(cn=a)(cn=b)(cn=c))": 2,
		"(objectClass=*)": 5, "(member=" + "UID=Alice, ou=people," + base + ")": 1,
		"(member:1.2.840.113556.1.4.1941:=" + alice + ")": 2, "(member:1.2.3:=" + alice + ")": 0,
	} {
		if got := names(t, conn, ldap.ScopeWholeSubtree, filter); len(got) != want {
			t.Errorf("%s finds %q", filter, got)
		}
	}
	if got := names(t, conn, ldap.ScopeSingleLevel, "(objectClass=*)"); len(got) != 3 {
		t.Errorf("one level: %q", got)
	}
	paged, err := conn.SearchWithPaging(ldap.NewSearchRequest(base, ldap.ScopeWholeSubtree, 0, 0, 0, false, "(objectClass=*)", nil, nil), 2)
	if err != nil || len(paged.Entries) != 5 {
		t.Errorf("paged: %v", err)
	}
	if err := conn.Bind(alice, "wonderland"); err != nil {
		t.Fatal(err)
	}
	_, err = conn.Search(ldap.NewSearchRequest(base, ldap.ScopeWholeSubtree, 0, 0, 0, false, "(uid=alice)", nil, nil))
	if !ldap.IsErrorWithCode(err, ldap.LDAPResultInsufficientAccessRights) {
		t.Errorf("a search as alice: %v", err)
	}
	if got := dir.Counts(); got.Binds != 2 || got.Connections != 1 || !slices.Equal(dir.Binds(), []string{reader, alice}) {
		t.Errorf("counts %+v, binds %q", got, dir.Binds())
	}
}

func TestRanges(t *testing.T) {
	_, conn := start(t, func(c *ldaptest.Config) { c.RangeLimit = 2 })
	for asked, want := range map[string]string{"n": "n;range=0-1", "n;range=2-*": "n;range=2-3", "n;range=4-*": "n;range=4-*"} {
		found, err := conn.Search(ldap.NewSearchRequest(alice, ldap.ScopeBaseObject, 0, 0, 0, false, "(objectClass=*)", []string{asked}, nil))
		if err != nil || len(found.Entries[0].GetAttributeValues(want)) == 0 {
			t.Errorf("%s: no %s in %+v, %v", asked, want, found, err)
		}
	}
}

func TestPasswords(t *testing.T) {
	dir, conn := start(t, nil)
	err := conn.Bind(alice, "wrong")
	if !ldap.IsErrorWithCode(err, ldap.LDAPResultInvalidCredentials) {
		t.Errorf("a wrong password: %v", err)
	}
	if err := conn.UnauthenticatedBind(alice); err != nil {
		t.Errorf("an empty password: %v", err)
	}
	if _, err := conn.PasswordModify(ldap.NewPasswordModifyRequest(alice, "wonderland", "looking-glass")); !ldap.IsErrorWithCode(err, ldap.LDAPResultInsufficientAccessRights) {
		t.Errorf("a change by nobody: %v", err)
	}
	if err := conn.Bind(alice, "wonderland"); err != nil {
		t.Fatal(err)
	}
	for previous, chosen := range map[string]string{"wrong": "looking-glass", "wonderland": "abc"} {
		if _, err := conn.PasswordModify(ldap.NewPasswordModifyRequest(alice, previous, chosen)); !ldap.IsErrorWithCode(err, ldap.LDAPResultConstraintViolation) {
			t.Errorf("from %s to %s: %v", previous, chosen, err)
		}
	}
	if _, err := conn.PasswordModify(ldap.NewPasswordModifyRequest(alice, "wonderland", "looking-glass")); err != nil {
		t.Error(err)
	}
	if err := conn.Bind(alice, "looking-glass"); err != nil || dir.Counts().Changes != 1 {
		t.Errorf("the new password: %v", err)
	}
}

func TestStartTLSAndMisbehaviour(t *testing.T) {
	dir, conn := start(t, nil)
	dir.Misbehave(ldaptest.On(ldaptest.Search, ldaptest.Times(1, ldaptest.Reply(ldaptest.Answer{Code: 51}))))
	_, err := conn.Search(ldap.NewSearchRequest(base, ldap.ScopeBaseObject, 0, 0, 0, false, "(objectClass=*)", nil, nil))
	if !ldap.IsErrorWithCode(err, ldap.LDAPResultBusy) {
		t.Errorf("a busy directory: %v", err)
	}
	again, err := ldap.DialURL(dir.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = again.Close() }()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(dir.CA()))
	if err := again.StartTLS(&tls.Config{RootCAs: roots, ServerName: "localhost", MinVersion: tls.VersionTLS12}); err != nil {
		t.Fatal(err)
	}
	if err := again.Bind(reader, "secret"); err != nil {
		t.Fatal(err)
	}
	if got := names(t, again, ldap.ScopeBaseObject, "(objectClass=*)"); len(got) != 1 {
		t.Errorf("after the misbehaviour: %q", got)
	}
	dir.Stop()
	if _, err := ldap.DialURL(dir.URL()); err == nil {
		t.Error("a stopped directory answers")
	}
	dir.Restart(t)
	if conn, err := ldap.DialURL(dir.URL()); err != nil {
		t.Error(err)
	} else {
		_ = conn.Close()
	}
}
