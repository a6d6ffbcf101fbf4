package e2e

import (
	"net/http"
	"slices"
	"testing"
	"time"
)

// newPasswordAnswers fill in the prompt for a new password.
func newPasswordAnswers(before directAnswer, current, chosen string) map[string]string {
	answers := map[string]string{}
	if len(before.Errors) == 0 {
		return answers
	}
	for _, f := range before.Errors[0].Extensions.Fields {
		switch f.Kind {
		case "password":
			answers[f.Name] = current
		case "new_password":
			answers[f.Name] = chosen
		}
	}
	return answers
}

// chooses changes a password: after a new one that is too short, the prompt comes again;
// a good one signs in, and from then on no other does.
func (p program) chooses(name, password, reason string) {
	p.t.Helper()
	asked := p.refused(name, password, reason)
	kinds := []string{}
	if len(asked.Errors) > 0 {
		for _, f := range asked.Errors[0].Extensions.Fields {
			kinds = append(kinds, f.Kind)
		}
	}
	if !slices.Contains(kinds, "new_password") {
		p.t.Errorf("%s is asked for %q, want a new password", name, kinds)
		return
	}
	wrong := p.goOn(asked, newPasswordAnswers(asked, "not the password", newPassword()))
	p.wantRefused(name+" with a wrong current password", wrong, "bad_credentials")
	short := p.goOn(wrong, newPasswordAnswers(wrong, password, "Ab1-"))
	p.wantRefused(name+" with a short new password", short, "password_rejected")
	wantUsers(p.t, p.host, 0)

	chosen := newPassword()
	p.host.secrets.add("new password", chosen)
	done := p.goOn(short, newPasswordAnswers(short, password, chosen))
	if done.status != http.StatusOK || done.Data.AccessToken == "" {
		p.t.Errorf("%s with a new password: %d %s", name, done.status, done.body)
		return
	}
	if got := p.signedIn(name, chosen).Data.ID; got == "" || got != p.me(done).Data.ID {
		p.t.Errorf("%s is another user after the change", name)
	}
	p.refused(name, password, "bad_credentials")
}

// Each state of an account has its own reason, and only somebody who knows the password
// learns it (J16).
func TestJ16_LDAPOpenLDAPAccounts(t *testing.T) {
	s := startSlapd(t, slapdConfig{})
	host := startLDAPHost(t, s.Password, map[string]map[string]string{
		"corp": s.options(nil), "concealed": s.options(map[string]string{"conceal_lockout": "true"}),
	})
	p := program{t, host, "corp"}
	for name, reason := range map[string]string{
		"locked": "account_locked", "expired": "password_expired", "shadowexpired": "account_expired", "shadowold": "password_expired",
	} {
		p.refused(name, s.Password, reason)
		if name != "locked" { // the server itself reveals a lock
			p.refused(name, "not the password", "bad_credentials")
		}
	}
	program{t, host, "concealed"}.refused("locked", "not the password", "bad_credentials")

	t.Run("locked by wrong passwords", func(t *testing.T) {
		p := program{t, host, "corp"}
		for range 3 {
			p.refused("lockable", "not the password", "bad_credentials")
		}
		p.refused("lockable", s.Password, "account_locked")
		s.admin(t).set(personDN("lockable"), "pwdAccountLockedTime")
		p.signedIn("lockable", s.Password)
	})
}

func TestLDAPOpenLDAPNewPassword(t *testing.T) {
	for name, reason := range map[string]string{"mustchange": "password_must_change", "grace": "password_expired"} {
		t.Run(name, func(t *testing.T) {
			s := startSlapd(t, slapdConfig{})
			host := startLDAPHost(t, s.Password, map[string]map[string]string{"corp": s.options(nil)})
			program{t, host, "corp"}.chooses(name, s.Password, reason)
		})
	}
	t.Run("by bind_dn, which the policy takes for a reset", func(t *testing.T) {
		s := startSlapd(t, slapdConfig{Access: `access to attrs=userPassword by dn.base="` + readerDN + `" write by self write by anonymous auth by * none`})
		admin := s.admin(t)
		admin.set(policyDN("noexpired"), "pwdMustChange", "TRUE")
		admin.set(policyDN("noexpired"), "pwdMinLength", "12")
		admin.set(policyDN("noexpired"), "pwdCheckQuality", "2")
		host := startLDAPHost(t, s.Password, map[string]map[string]string{"corp": s.options(nil)})
		program{t, host, "corp"}.chooses("expired", s.Password, "password_expired")
	})
	t.Run("switched off", func(t *testing.T) {
		s := startSlapd(t, slapdConfig{})
		host := startLDAPHost(t, s.Password, map[string]map[string]string{"corp": s.options(map[string]string{"password_change": "off"})})
		got := program{t, host, "corp"}.refused("mustchange", s.Password, "password_must_change")
		if len(got.Errors) == 1 && got.Errors[0].Extensions.Attempt != "" {
			t.Errorf("a new password is asked for: %s", got.body)
		}
	})
}

// A user whose password expires soon learns when.
func TestLDAPOpenLDAPPasswordWarning(t *testing.T) {
	s := startSlapd(t, slapdConfig{})
	host := startLDAPHost(t, s.Password, map[string]map[string]string{"corp": s.options(nil)})
	p := program{t, host, "corp"}
	got := p.login("warned", s.Password)
	if left := time.Until(got.Data.PasswordExpiresAt).Round(24 * time.Hour); got.status != http.StatusOK || left != 10*24*time.Hour {
		t.Errorf("the password of warned: %d %s, want 10 days left", got.status, got.body)
	}
	if again := p.refresh(got); again.status != http.StatusOK || !again.Data.PasswordExpiresAt.IsZero() {
		t.Errorf("the refresh warns again, or fails: %d %s", again.status, again.body)
	}
	if got := p.login("alice", s.Password); !got.Data.PasswordExpiresAt.IsZero() {
		t.Errorf("alice, whose password does not end, is warned: %s", got.body)
	}
}
