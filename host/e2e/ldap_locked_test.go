package e2e

import (
	"strconv"
	"testing"
)

// Wrong passwords from a stranger keep the user from signing in, but end no session. When
// an administrator disables the account, the session ends.
func TestLDAPLockOfAStranger(t *testing.T) {
	const wrongs = 6
	t.Run("Active Directory", func(t *testing.T) {
		s := startSamba(t)
		host := startLDAPHost(t, s.Password, map[string]map[string]string{"corp": s.options(nil)})
		p := program{t, host, "corp"}
		session := p.login("leaver4", s.Password)
		for range wrongs {
			p.login("leaver4", "not the password")
		}
		p.refused("leaver4", s.Password, "account_locked")
		session = p.wantGoesOn("leaver4, locked", session)
		s.admin(t).set(adUserDN("leaver4"), "userAccountControl", strconv.Itoa(adNormalAccount|adDisabled))
		p.wantEnded("leaver4, disabled", session)
	})
	t.Run("OpenLDAP", func(t *testing.T) {
		s := startSlapd(t, slapdConfig{})
		host := startLDAPHost(t, s.Password, map[string]map[string]string{"corp": s.options(nil)})
		p := program{t, host, "corp"}
		session := p.login("lockable", s.Password)
		for range wrongs {
			p.login("lockable", "not the password")
		}
		p.refused("lockable", s.Password, "account_locked")
		session = p.wantGoesOn("lockable, locked", session)
		s.admin(t).set(personDN("lockable"), "pwdAccountLockedTime", "000001010000Z")
		p.wantEnded("lockable, locked for good", session)
	})
	t.Run("389 Directory Server", func(t *testing.T) {
		s := startDS389(t)
		host := startLDAPHost(t, s.Password, map[string]map[string]string{"corp": s.options(nil)})
		p := program{t, host, "corp"}
		s.follow(t, map[string]string{"passwordLockout": "on", "passwordMaxFailure": "3"})
		session := p.login("lockable", s.Password)
		for range wrongs {
			p.login("lockable", "not the password")
		}
		p.refused("lockable", s.Password, "account_locked")
		session = p.wantGoesOn("lockable, locked", session)
		s.admin(t).set(ds389UserDN("lockable"), "nsAccountLock", "true")
		p.wantEnded("lockable, inactivated", session)
	})
}
