package e2e

import (
	"fmt"
	"os/exec"
	"strconv"

	"github.com/go-ldap/ldap/v3"
)

// fill makes the tree and its users with the server's own tools, which is the reason to
// test this server: dsidm makes users that are posixAccount and nsPerson, but not person.
func (s *ds389) fill() error {
	if err := s.tool("dsconf", "backend", "create", "--suffix", ds389Base, "--be-name", "userroot", "--create-suffix", "--create-entries"); err != nil {
		return err
	}
	for n, uid := range []string{"alice", "bob"} {
		number := strconv.Itoa(2000 + n)
		if err := s.tool("dsidm", "user", "create", "--uid", uid, "--cn", "Name of "+uid, "--displayName", "Name of "+uid,
			"--uidNumber", number, "--gidNumber", number, "--homeDirectory", "/home/"+uid); err != nil {
			return err
		}
	}
	for _, args := range [][]string{
		{"service", "create", "--cn", "reader", "--description", "reads for Doorward"},
		{"group", "create", "--cn", "staff"},
		{"group", "add_member", "staff", ds389UserDN("alice")},
		{"posixgroup", "create", "--cn", "workers", "--gidNumber", "2001"},
	} {
		if err := s.tool("dsidm", args...); err != nil {
			return err
		}
	}
	return s.addPeople()
}

// ds389Others have the form that dsidm gives users, without running it for each.
var ds389Others = []string{"lockable", "ending", "ended", "changer"}

// addPeople adds ds389Others, and gives all users the password.
func (s *ds389) addPeople() error {
	conn, err := dialLDAP(s.LDAPI(), nil)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.Bind(ds389RootDN, s.Password); err != nil {
		return fmt.Errorf("binding as the administrator of 389 Directory Server: %w", err)
	}
	dns := []string{ds389ReaderDN, ds389UserDN("alice"), ds389UserDN("bob")}
	for n, uid := range ds389Others {
		req := ldap.NewAddRequest(ds389UserDN(uid), nil)
		for name, value := range map[string]string{
			"uid": uid, "cn": "Name of " + uid, "displayName": "Name of " + uid, "uidNumber": strconv.Itoa(3000 + n),
			"gidNumber": strconv.Itoa(3000 + n), "homeDirectory": "/home/" + uid,
		} {
			req.Attribute(name, []string{value})
		}
		req.Attribute("objectClass", []string{"nsPerson", "nsAccount", "nsOrgPerson", "posixAccount"})
		if err := conn.Add(req); err != nil {
			return fmt.Errorf("adding %s: %w", uid, err)
		}
		dns = append(dns, ds389UserDN(uid))
	}
	for _, dn := range dns {
		req := ldap.NewModifyRequest(dn, nil)
		req.Replace("userPassword", []string{s.Password})
		if err := conn.Modify(req); err != nil {
			return fmt.Errorf("setting the password of %s: %w", dn, err)
		}
	}
	return nil
}

// tool runs dsconf or dsidm against the server.
func (s *ds389) tool(name string, args ...string) error {
	all := append([]string{"-D", ds389RootDN, "-w", s.Password, s.URL()}, args...)
	if name == "dsidm" {
		all = append([]string{"-b", ds389Base}, all...)
	}
	if out, err := exec.Command("/usr/sbin/"+name, all...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s %v: %w\n%s", name, args, err, out)
	}
	return nil
}

// options configure a provider with the preset, as the plugin's README does.
func (s *ds389) options(more map[string]string) map[string]string {
	return merged(map[string]string{
		"client_url": s.LDAPS(), "tls_ca": s.CA.CA, "preset": "389ds",
		"bind_dn": ds389ReaderDN, "bind_password": s.Password, "user_dn": ds389Base, "group_dn": ds389Base,
	}, more)
}
