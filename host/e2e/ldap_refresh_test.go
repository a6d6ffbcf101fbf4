package e2e

import (
	"net/http"
	"testing"

	"github.com/doorward/doorward/sdk"
)

// wantEnded checks that the next refresh ends the session.
func (p program) wantEnded(what string, session directAnswer) {
	p.t.Helper()
	if got := p.refresh(session); got.status != http.StatusUnauthorized || got.code() != "INVALID_CREDENTIALS" {
		p.t.Errorf("%s: the refresh is answered %d %s", what, got.status, got.body)
	}
	if got := p.me(session); got.status == http.StatusOK {
		p.t.Errorf("%s: the session goes on after the refresh was refused", what)
	}
}

func (p program) wantGoesOn(what string, session directAnswer) directAnswer {
	p.t.Helper()
	got := p.refresh(session)
	if got.status != http.StatusOK {
		p.t.Errorf("%s: the refresh is answered %d %s", what, got.status, got.body)
	}
	return got
}

// A user who is locked, disabled, removed or moved away loses the session, and nobody
// else does.
func TestLDAPOpenLDAPRefresh(t *testing.T) {
	s := startSlapd(t, slapdConfig{Bulk: 8})
	host := startLDAPHost(t, s.Password, map[string]map[string]string{
		"corp": s.options(map[string]string{"user_dn": bulkDN, "user_filter": "(!(employeeType=left))"}),
	})
	admin := s.admin(t)
	p := program{t, host, "corp"}
	for name, happens := range map[string]func(){
		"user1": func() { admin.set(bulkUserDN(1), "pwdAccountLockedTime", "000001010000Z") },
		"user2": func() { admin.remove(bulkUserDN(2)) },
		"user3": func() { admin.move(bulkUserDN(3), "uid=user3", "ou=left,"+slapdBase) },
		"user4": func() { admin.set(bulkUserDN(4), "employeeType", "left") },
		"user5": func() { admin.set(bulkUserDN(5), "pwdReset", "TRUE") },
	} {
		session := p.login(name, s.Password)
		session = p.wantGoesOn(name+" before", session)
		happens()
		p.wantEnded(name, session)
	}
	t.Run("J20 a new name is the same user", func(t *testing.T) {
		p := program{t, host, "corp"}
		session := p.login("user6", s.Password)
		id := p.me(session).Data.ID
		admin.move(bulkUserDN(6), "uid=renamed", "")
		p.wantGoesOn("renamed", session)
		if got := p.signedIn("renamed", s.Password).Data.ID; got != id {
			t.Errorf("user6 became %s with a new name, was %s", got, id)
		}
	})
	t.Run("J20 an old name is not the old user", func(t *testing.T) {
		p := program{t, host, "corp"}
		session := p.login("user7", s.Password)
		id := p.me(session).Data.ID
		admin.remove(bulkUserDN(7))
		admin.add(bulkUserDN(7), map[string][]string{
			"objectClass": {"inetOrgPerson"}, "uid": {"user7"}, "cn": {"Another Person"}, "sn": {"Person"}, "userPassword": {s.Password},
		})
		p.wantEnded("user7", session)
		if got := p.signedIn("user7", s.Password).Data.ID; got == id {
			t.Error("who got an old name got the account with it")
		}
	})
	t.Run("while the directory is down", func(t *testing.T) {
		p := program{t, host, "corp"}
		session := p.login("user8", s.Password)
		s.stop(t)
		session = p.wantGoesOn("user8, with the directory down", session)
		if got := p.login("user8", s.Password); got.status != http.StatusServiceUnavailable {
			t.Errorf("signing in with the directory down: %d %s", got.status, got.body)
		}
		s.restart(t)
		session = p.wantGoesOn("user8, with the directory back", session)
		s.admin(t).remove(bulkUserDN(8))
		p.wantEnded("user8", session)
	})
}

// A refresh updates the groups, and with them the role.
func TestLDAPGroupsFollow(t *testing.T) {
	s := startSlapd(t, slapdConfig{})
	const editorRole = "8f1b6f4e-6a51-4c0f-8f2e-000000000002"
	groups := map[string]string{"group_dn": groupsDN, "nested_groups": "walk"}
	admin := s.admin(t)
	t.Run("through the host", func(t *testing.T) {
		host := startLDAPHost(t, s.Password, map[string]map[string]string{
			"corp": s.options(merged(groups, map[string]string{"role_mapping": `{"editors":"` + editorRole + `"}`})),
		})
		p := program{t, host, "corp"}
		session := p.login("dave", s.Password)
		admin.addValue(groupDN("editors"), "member", personDN("dave"))
		session = p.wantGoesOn("dave, now an editor", session)
		if got := p.me(session).Data.Role; got != editorRole {
			t.Errorf("dave, now an editor, has the role %q", got)
		}
		admin.removeValue(groupDN("editors"), "member", personDN("dave"))
		session = p.wantGoesOn("dave, an editor no more", session)
		if got := p.me(session).Data.Role; got != "" {
			t.Errorf("dave, an editor no more, has the role %q", got)
		}
	})
	t.Run("over the wire", func(t *testing.T) {
		w := openLDAP(t, s.options(groups))
		before := w.identity("dave", s.Password)
		wantGroups(t, "dave", before.Groups)
		admin.addValue(groupDN("loopa"), "member", personDN("dave"))
		after, err := w.Refresh(t.Context(), before.Grant)
		if err != nil || after.Identity.Subject != before.Subject {
			t.Fatalf("refresh: %v, subject %q, was %q", err, after.Identity.Subject, before.Subject)
		}
		wantGroups(t, "dave, in a cycle", after.Identity.Groups, "loopa", "loopb")
	})
}

func TestLDAPActiveDirectoryRefresh(t *testing.T) {
	s := startSamba(t)
	host := startLDAPHost(t, s.Password, map[string]map[string]string{
		"corp": s.options(map[string]string{"user_dn": adUsers}),
	})
	admin := s.admin(t)
	admin.add("OU=Left,"+adBase, map[string][]string{"objectClass": {"organizationalUnit"}})
	p := program{t, host, "corp"}
	for name, happens := range map[string]func(){
		"leaver1": func() { admin.set(adUserDN("leaver1"), "userAccountControl", "514") },
		"leaver2": func() { admin.remove(adUserDN("leaver2")) },
		"leaver3": func() { admin.move(adUserDN("leaver3"), "CN=leaver3", "OU=Left,"+adBase) },
	} {
		session := p.wantGoesOn(name+" before", p.login(name, s.Password))
		happens()
		p.wantEnded(name, session)
	}

	w := openLDAP(t, s.options(nil))
	before := w.identity("dave", s.Password)
	admin.addValue(adUserDN("staff"), "member", adUserDN("dave"))
	after, err := w.Refresh(t.Context(), before.Grant)
	if err != nil || after.Identity.Subject != before.Subject {
		t.Fatalf("refresh: %v, subject %q, was %q", err, after.Identity.Subject, before.Subject)
	}
	wantGroups(t, "dave", before.Groups, "Domain Users", "Users")
	wantGroups(t, "dave, of the staff", after.Identity.Groups, "Domain Users", "Users", "staff", "everyone")
	admin.removeValue(adUserDN("staff"), "member", adUserDN("dave"))

	_, err = w.Refresh(t.Context(), []byte("not a grant"))
	wantKind(t, "a refresh with nonsense", err, sdk.ErrInvalidResponse)
}
