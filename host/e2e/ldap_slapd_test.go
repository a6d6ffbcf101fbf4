package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/doorward/doorward/sdk"
)

// startSlapdHost runs OpenLDAP with 10,000 users, and Doorward with a provider
// for each way to reach and search it.
func startSlapdHost(t *testing.T) (*slapd, *testHost, *relay) {
	t.Helper()
	elsewhere := startRelay(t, "127.0.0.1:1")
	s := startSlapd(t, slapdConfig{Bulk: 10_000, Referral: "ldap://" + elsewhere.Address})
	whole := map[string]string{"user_dn": slapdBase, "user_scope": "sub"}
	host := startLDAPHost(t, s.Password, map[string]map[string]string{
		"starttls": s.options(nil),
		"ldaps":    s.options(map[string]string{"client_url": s.LDAPS(), "start_tls": ""}),
		"ldapi":    s.options(map[string]string{"client_url": s.LDAPI(), "start_tls": ""}),
		"loopback": s.options(map[string]string{"start_tls": ""}),
		"whole":    s.options(whole),
		"several":  s.options(merged(whole, map[string]string{"user_attribute": "uid,mail,cn"})),
		"template": s.options(map[string]string{"user_dn_template": "uid={username}," + peopleDN}),
		"nobody":   s.options(map[string]string{"user_dn_template": "uid={username}," + peopleDN, "bind_dn": "", "bind_password": ""}),
		"preset":   s.options(map[string]string{"preset": "openldap", "user_dn": slapdBase, "user_attribute": ""}),
		"closed":   s.options(map[string]string{"allow_public_registration": "false"}),
	})
	return s, host, elsewhere
}

func TestLDAPOpenLDAP(t *testing.T) {
	s, host, elsewhere := startSlapdHost(t)
	for _, name := range []string{"starttls", "ldaps", "ldapi", "loopback", "whole", "several", "template", "nobody", "preset"} {
		t.Run(name, func(t *testing.T) {
			p := program{t, host, name}
			got := p.signedIn("alice", s.Password).Data
			if got.Email != "alice@example.org" || got.FirstName != "Alice" || got.LastName != "Liddell" || got.ExternalIdentifier == "" {
				t.Errorf("signed in as %+v", got)
			}
			if strings.Contains(strings.ToLower(got.ExternalIdentifier), "alice") {
				t.Errorf("J20 the subject %q is a name", got.ExternalIdentifier)
			}
			p.refused("alice", "not the password", "bad_credentials")
		})
	}
	t.Run("one of 10000", func(t *testing.T) {
		for _, name := range []string{"whole", "several", "preset"} {
			got := program{t, host, name}.signedIn("user9999", s.Password).Data
			if got.Email != "user9999@example.org" {
				t.Errorf("signed in as %+v", got)
			}
		}
	})
	t.Run("by each login attribute", func(t *testing.T) {
		p := program{t, host, "several"}
		id := p.signedIn("bob", s.Password).Data.ID
		for _, name := range []string{"bob@example.org", "Bob Builder"} {
			if got := p.signedIn(name, s.Password).Data.ID; got != id {
				t.Errorf("%s is another user than bob", name)
			}
		}
	})
	t.Run("J06 an ambiguous name signs nobody in", func(t *testing.T) {
		p := program{t, host, "several"}
		p.refused("Same Name", s.Password, "bad_credentials")
		p.refused("twins@example.org", s.Password, "bad_credentials")
	})
	t.Run("who is not registered", func(t *testing.T) {
		got := program{t, host, "closed"}.login("carol", s.Password)
		if got.status != http.StatusUnauthorized || got.code() != "INVALID_CREDENTIALS" {
			t.Errorf("%d %s", got.status, got.body)
		}
	})
	if n := elsewhere.connections(); n > 0 {
		t.Errorf("J06 the server that a referral names was dialled %d times", n)
	}
}

// Users of the older kind, which are not inetOrgPerson, sign in by the preset.
func TestLDAPOpenLDAPPosixPeople(t *testing.T) {
	s := startSlapd(t, slapdConfig{})
	w := openLDAP(t, s.options(map[string]string{"preset": "openldap", "user_dn": slapdBase, "user_attribute": ""}))
	if got := w.identity("scripted", s.Password); got.Username != "scripted" || got.Subject == "" {
		t.Errorf("identity %+v", got)
	}
}

// No wrong password of any kind creates a user.
func TestLDAPWrongPasswordMakesNoUser(t *testing.T) {
	s := startSlapd(t, slapdConfig{})
	host := startLDAPHost(t, s.Password, map[string]map[string]string{"corp": s.options(nil)})
	p := program{t, host, "corp"}
	for _, name := range []string{"alice", "nobody", "*", "a*", "alice)(uid=*", `\61lice`, "alice\x00", "alice,ou=people", strings.Repeat("a", 1024)} {
		p.refused(name, "not the password", "bad_credentials")
		if name != "alice" {
			p.refused(name, s.Password, "bad_credentials") // J03
		}
	}
	for _, password := range []string{" ", "\x00", s.Password + " ", s.Password + "\x00", strings.ToLower(s.Password)} { // J01, J19
		p.refused("alice", password, "bad_credentials")
	}
	if got := p.login("alice", ""); got.status != http.StatusBadRequest {
		t.Errorf("J01 an empty password: %d %s", got.status, got.body)
	}
	for _, name := range []string{"locked", "expired", "mustchange", "shadowexpired"} {
		if got := p.login(name, s.Password); got.status != http.StatusUnauthorized {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	wantUsers(t, host, 0)
	p.signedIn("alice", s.Password)
	wantUsers(t, host, 1)
	p.refused("alice", "not the password", "bad_credentials")
	wantUsers(t, host, 1)
}

// J05: all spellings that the directory takes for one name are one user.
func TestJ05_LDAPSpellings(t *testing.T) {
	s := startSlapd(t, slapdConfig{})
	host := startLDAPHost(t, s.Password, map[string]map[string]string{"corp": s.options(map[string]string{"user_attribute": "uid,cn"})})
	p := program{t, host, "corp"}
	for _, spellings := range [][]string{
		{"alice", "ALICE", "Alice", " alice ", "ａｌｉｃｅ", "alice liddell", "  Alice   LIDDELL  "},
		{"zoë", "ZOË", "zoe\u0308", "zoë\u00a0"},
		{"carol", "Carol O'Neil (ext)*"},
	} {
		ids := map[string]string{}
		for _, spelling := range spellings {
			got := p.login(spelling, s.Password)
			switch got.status {
			case http.StatusOK:
				ids[p.me(got).Data.ID] = spelling
			case http.StatusUnauthorized: // the directory does not know it: nobody is signed in
				t.Logf("%q is not known", spelling)
			default:
				t.Errorf("%q: %d %s", spelling, got.status, got.body)
			}
		}
		if len(ids) != 1 {
			t.Errorf("%q are %d users", spellings, len(ids))
		}
	}
	for _, spelling := range []string{"ALICE", " alice ", "ａｌｉｃｅ", "zoe\u0308"} {
		if got := p.login(spelling, s.Password); got.status != http.StatusOK {
			t.Errorf("%q, which OpenLDAP knows: %d %s", spelling, got.status, got.body)
		}
	}
	wantUsers(t, host, 3)
}

func TestLDAPOpenLDAPGroups(t *testing.T) {
	s := startSlapd(t, slapdConfig{})
	groups := map[string]string{"group_dn": groupsDN}
	for _, tc := range []struct {
		name       string
		options    map[string]string
		alice, bob []string
	}{
		{"member", groups, []string{"editors", "admins"}, []string{"editors", "loopb"}},
		{"memberOf", map[string]string{"group_member_of": "memberOf"}, []string{"editors", "admins"}, []string{"editors", "loopb"}},
		{"nested", merged(groups, map[string]string{"nested_groups": "walk"}),
			[]string{"editors", "admins", "staff", "everyone"}, []string{"editors", "staff", "everyone", "loopa", "loopb"}},
		{"nested once", merged(groups, map[string]string{"nested_groups": "walk", "group_depth": "2"}),
			[]string{"editors", "admins", "staff"}, []string{"editors", "staff", "loopa", "loopb"}},
		{"posixGroup", map[string]string{"group_dn": posixDN, "group_attribute": "memberUid"}, []string{"devs"}, []string{"devs"}},
		{"filtered", merged(groups, map[string]string{"group_filter": "(cn=e*)"}), []string{"editors"}, []string{"editors"}},
		{"by DN", merged(groups, map[string]string{"group_name_attribute": "dn", "group_filter": "(cn=editors)"}),
			[]string{groupDN("editors")}, []string{groupDN("editors")}},
		{"none", nil, nil, nil},
		{"preset", map[string]string{"preset": "openldap", "group_dn": slapdBase},
			[]string{"editors", "admins", "staff", "everyone", "devs"}, []string{"editors", "staff", "everyone", "loopa", "loopb", "devs"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := openLDAP(t, s.options(tc.options))
			wantGroups(t, "alice", w.identity("alice", s.Password).Groups, tc.alice...)
			wantGroups(t, "bob", w.identity("bob", s.Password).Groups, tc.bob...)
			wantGroups(t, "dave", w.identity("dave", s.Password).Groups)
		})
	}
}

// The first group of the mapping counts, and groups decide at each login.
func TestLDAPRoles(t *testing.T) {
	s := startSlapd(t, slapdConfig{})
	const adminRole, editorRole = "8f1b6f4e-6a51-4c0f-8f2e-000000000001", "8f1b6f4e-6a51-4c0f-8f2e-000000000002"
	host := startLDAPHost(t, s.Password, map[string]map[string]string{"corp": s.options(map[string]string{
		"group_dn": groupsDN, "role_mapping": `{"admins":"` + adminRole + `","editors":"` + editorRole + `"}`,
	})})
	p := program{t, host, "corp"}
	for name, want := range map[string]string{"alice": adminRole, "bob": editorRole, "dave": ""} {
		if got := p.signedIn(name, s.Password).Data.Role; got != want {
			t.Errorf("%s has the role %q, want %q", name, got, want)
		}
	}
	s.admin(t).addValue(groupDN("editors"), "member", personDN("dave"))
	if got := p.signedIn("dave", s.Password).Data.Role; got != editorRole {
		t.Errorf("dave, now an editor, has the role %q", got)
	}
}

// Without a mapping, the name of a group gives the role of that name, as in Directus.
func TestLDAPRolesByGroupName(t *testing.T) {
	s := startSlapd(t, slapdConfig{})
	with := func(more map[string]string) map[string]string {
		return s.options(merged(map[string]string{"group_dn": groupsDN}, more))
	}
	host := startLDAPHost(t, s.Password, map[string]map[string]string{
		"first":  with(map[string]string{"role_mapping": `{"admins":"Admins","editors":"Editors"}`}), // makes the roles
		"corp":   with(map[string]string{"default_role_id": "others"}),
		"off":    with(map[string]string{"default_role_id": "others", "roles_by_group_name": "false"}),
		"groups": s.options(map[string]string{"default_role_id": "others"}), // reads none
	})
	for _, name := range []string{"alice", "bob"} {
		program{t, host, "first"}.signedIn(name, s.Password)
	}
	corp := program{t, host, "corp"}
	for name, want := range map[string]string{"alice": "Admins", "bob": "Editors", "dave": "others"} {
		if got := corp.signedIn(name, s.Password).Data.Role; got != want {
			t.Errorf("%s has the role %q, want %q", name, got, want)
		}
		for _, provider := range []string{"off", "groups"} {
			if got := (program{t, host, provider}).signedIn(name, s.Password).Data.Role; got != "others" {
				t.Errorf("%s has the role %q at %s", name, got, provider)
			}
		}
	}
	s.admin(t).addValue(groupDN("editors"), "member", personDN("dave"))
	if got := corp.signedIn("dave", s.Password).Data.Role; got != "Editors" {
		t.Errorf("dave, now an editor, has the role %q", got)
	}
}

// J06: a base on another server is an error that the operator has to fix.
func TestJ06_LDAPReferral(t *testing.T) {
	elsewhere := startRelay(t, "127.0.0.1:1")
	s := startSlapd(t, slapdConfig{Referral: "ldap://" + elsewhere.Address})
	w := openLDAP(t, s.options(map[string]string{"user_dn": "ou=elsewhere," + slapdBase}))
	_, err := w.login("alice", s.Password)
	wantKind(t, "a base that is elsewhere", err, sdk.ErrMisconfigured)
	if n := elsewhere.connections(); n > 0 {
		t.Errorf("J06 the server that the referral names was dialled %d times", n)
	}
}

// J10: no password goes to a wrong server, or over an unprotected connection.
func TestJ10_LDAPServerIdentity(t *testing.T) {
	s := startSlapd(t, slapdConfig{})
	other := startSlapd(t, slapdConfig{Certificate: "ldap.other.example"})
	for _, tc := range []struct {
		name    string
		options map[string]string
	}{
		{"another authority", s.options(map[string]string{"tls_ca": other.CA.CA})},
		{"another authority, ldaps", s.options(map[string]string{"tls_ca": other.CA.CA, "client_url": s.LDAPS(), "start_tls": ""})},
		{"another name", other.options(nil)},
		{"another name, ldaps", other.options(map[string]string{"client_url": other.LDAPS(), "start_tls": ""})},
		{"the system's authorities", s.options(map[string]string{"tls_ca": ""})},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := openLDAP(t, tc.options).login("alice", s.Password)
			wantKind(t, tc.name, err, sdk.ErrUnavailable, sdk.ErrMisconfigured)
		})
	}
	t.Run("the name that the operator wrote", func(t *testing.T) {
		openLDAP(t, other.options(map[string]string{"tls_server_name": "ldap.other.example"})).identity("alice", other.Password)
	})
}

// A directory can require a certificate from its clients.
func TestLDAPClientCertificate(t *testing.T) {
	s := startSlapd(t, slapdConfig{Extra: "TLSVerifyClient demand"})
	pair, err := s.CA.issue("client")
	if err != nil {
		t.Fatal(err)
	}
	with := map[string]string{"tls_cert": readText(t, pair.CertFile), "tls_key": readText(t, pair.KeyFile)}
	openLDAP(t, s.options(with)).identity("alice", s.Password)
	_, err = openLDAP(t, s.options(nil)).login("alice", s.Password)
	wantKind(t, "without a certificate", err, sdk.ErrUnavailable, sdk.ErrMisconfigured)
}
