package e2e

import (
	"crypto/rand"
	"maps"
	"testing"

	"github.com/go-ldap/ldap/v3"
)

// newPassword meets the rules of every directory.
func newPassword() string { return "Aa1-" + rand.Text() }

func merged(sets ...map[string]string) map[string]string {
	all := map[string]string{}
	for _, set := range sets {
		maps.Copy(all, set)
	}
	return all
}

// directory changes a directory on behalf of the test, as its administrator.
type directory struct {
	t testing.TB
	*ldap.Conn
}

// bindDirectory connects and binds; the connection closes when the test ends.
func bindDirectory(t testing.TB, url string, dial ldap.DialOpt, dn, password string) *directory {
	t.Helper()
	conn, err := dialLDAP(url, dial)
	if err != nil {
		t.Fatalf("connecting to %s: %v", url, err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.Bind(dn, password); err != nil {
		t.Fatalf("binding as %s: %v", dn, err)
	}
	return &directory{t, conn}
}

func (d *directory) add(dn string, attributes map[string][]string) {
	d.t.Helper()
	req := ldap.NewAddRequest(dn, nil)
	for name, values := range attributes {
		req.Attribute(name, values)
	}
	if err := d.Add(req); err != nil {
		d.t.Fatalf("adding %s: %v", dn, err)
	}
}

// set replaces an attribute; no value removes it.
func (d *directory) set(dn, name string, values ...string) {
	d.t.Helper()
	req := ldap.NewModifyRequest(dn, nil)
	req.Replace(name, values)
	d.modify(req)
}

func (d *directory) addValue(dn, name, value string) {
	d.t.Helper()
	req := ldap.NewModifyRequest(dn, nil)
	req.Add(name, []string{value})
	d.modify(req)
}

func (d *directory) removeValue(dn, name, value string) {
	d.t.Helper()
	req := ldap.NewModifyRequest(dn, nil)
	req.Delete(name, []string{value})
	d.modify(req)
}

func (d *directory) modify(req *ldap.ModifyRequest) {
	d.t.Helper()
	if err := d.Modify(req); err != nil {
		d.t.Fatalf("changing %s: %v", req.DN, err)
	}
}

func (d *directory) move(dn, rdn, parent string) {
	d.t.Helper()
	if err := d.ModifyDN(ldap.NewModifyDNRequest(dn, rdn, true, parent)); err != nil {
		d.t.Fatalf("moving %s: %v", dn, err)
	}
}

func (d *directory) remove(dn string) {
	d.t.Helper()
	if err := d.Del(ldap.NewDelRequest(dn, nil)); err != nil {
		d.t.Fatalf("removing %s: %v", dn, err)
	}
}

// find searches below the base and returns the entries without referrals.
func (d *directory) find(base, filter string, attributes ...string) []*ldap.Entry {
	d.t.Helper()
	found, err := d.Search(ldap.NewSearchRequest(base, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, 0, false, filter, attributes, nil))
	if err != nil {
		d.t.Fatalf("searching %s below %s: %v", filter, base, err)
	}
	return found.Entries
}

// values are the values of one attribute of one entry.
func (d *directory) values(dn, name string) []string {
	d.t.Helper()
	found, err := d.Search(ldap.NewSearchRequest(dn, ldap.ScopeBaseObject, ldap.NeverDerefAliases, 0, 0, false, "(objectClass=*)", []string{name}, nil))
	if err != nil || len(found.Entries) != 1 {
		d.t.Fatalf("reading %s of %s: %v", name, dn, err)
	}
	return found.Entries[0].GetAttributeValues(name)
}
