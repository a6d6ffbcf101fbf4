package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/sdk"
)

// options configure a provider in the most common way: the whole domain, searched
// from its root, where each search ends with references to other partitions.
func (s *samba) options(more map[string]string) map[string]string {
	return merged(map[string]string{
		"client_url": s.LDAPS(), "tls_ca": s.CA.CA, "preset": "active-directory",
		"bind_dn": "reader@ad.example.org", "bind_password": s.Password, "user_dn": adBase, "group_dn": adBase,
	}, more)
}

func TestLDAPActiveDirectory(t *testing.T) {
	s := startSamba(t)
	host := startLDAPHost(t, s.Password, map[string]map[string]string{
		"ldaps":    s.options(map[string]string{"netbios_domain": adDomain}),
		"starttls": s.options(map[string]string{"client_url": s.URL(), "start_tls": "true"}),
		"down":     s.options(map[string]string{"bind_dn": adDomain + `\reader`}),
		"directus": s.options(map[string]string{"preset": "", "user_scope": "sub", "user_attribute": "sAMAccountName", "group_dn": ""}),
	})
	ids := map[string]string{}
	for _, name := range []string{"ldaps", "starttls", "down", "directus"} {
		got := program{t, host, name}.signedIn("alice", s.Password).Data
		if got.Email != "alice@example.org" || got.FirstName != "Alice" || got.LastName != "Liddell" {
			t.Errorf("signed in as %+v", got)
		}
		ids[got.ExternalIdentifier] = name
	}
	if len(ids) != 1 {
		t.Errorf("alice has the subjects %v, want one objectGUID", ids)
	}
	t.Run("login names", func(t *testing.T) {
		p := program{t, host, "ldaps"}
		id := p.signedIn("alice", s.Password).Data.ID
		for _, name := range []string{"ALICE", "alice@ad.example.org", "Alice@AD.Example.Org"} {
			if got := p.signedIn(name, s.Password).Data.ID; got != id {
				t.Errorf("%s is another user than alice", name)
			}
		}
		p.signedIn("zoë", s.Password)
		p.refused("alice@elsewhere.example.org", s.Password, "bad_credentials")
		p.refused("alice", "not the password", "bad_credentials")
		p.refused("nobody", s.Password, "bad_credentials")
		p.refused("DC1$", s.Password, "bad_credentials") // a computer is a user, too
	})
	t.Run("DOMAIN and name", func(t *testing.T) {
		p := program{t, host, "ldaps"}
		id := p.signedIn("alice", s.Password).Data.ID
		if got := p.signedIn(adDomain+`\alice`, s.Password).Data.ID; got != id {
			t.Errorf("%s\\alice is another user than alice", adDomain)
		}
		p.refused(`OTHER\alice`, s.Password, "bad_credentials")
		p.refused(adDomain+`\`, s.Password, "bad_credentials")
		program{t, host, "starttls"}.refused(adDomain+`\alice`, s.Password, "bad_credentials")
	})
}

func TestLDAPActiveDirectoryGroups(t *testing.T) {
	s := startSamba(t)
	w := openLDAP(t, s.options(nil))
	wantGroups(t, "alice", w.identity("alice", s.Password).Groups, "editors", "staff", "everyone", "Domain Users", "Users")
	wantGroups(t, "bob", w.identity("bob", s.Password).Groups, "editors", "staff", "everyone", "workers", "Domain Users", "Users")
	direct := openLDAP(t, s.options(map[string]string{"nested_groups": "none"}))
	wantGroups(t, "bob, directly", direct.identity("bob", s.Password).Groups, "editors", "workers", "Domain Users")
	walked := openLDAP(t, s.options(map[string]string{"nested_groups": "walk"}))
	wantGroups(t, "bob, walked", walked.identity("bob", s.Password).Groups, "editors", "staff", "everyone", "workers", "Domain Users", "Users")
}

func TestJ16_LDAPActiveDirectoryAccounts(t *testing.T) {
	s := startSamba(t)
	host := startLDAPHost(t, s.Password, map[string]map[string]string{"corp": s.options(nil)})
	p := program{t, host, "corp"}
	for name, reason := range map[string]string{"disabled": "account_disabled", "expired": "account_expired", "mustchange2": "password_must_change"} {
		p.refused(name, s.Password, reason)
		p.refused(name, "not the password", "bad_credentials")
	}
	t.Run("locked by wrong passwords", func(t *testing.T) {
		p := program{t, host, "corp"}
		for range 5 {
			p.login("lockable", "not the password")
		}
		p.refused("lockable", s.Password, "account_locked")
		s.admin(t).set(adUserDN("lockable"), "lockoutTime", "0")
		p.signedIn("lockable", s.Password)
	})
	wantUsers(t, host, 1)
}

func TestLDAPActiveDirectoryNewPassword(t *testing.T) {
	s := startSamba(t)
	host := startLDAPHost(t, s.Password, map[string]map[string]string{"corp": s.options(nil)})
	program{t, host, "corp"}.chooses("mustchange", s.Password, "password_must_change")
}

func TestLDAPActiveDirectoryPasswordWarning(t *testing.T) {
	s := startSamba(t)
	host := startLDAPHost(t, s.Password, map[string]map[string]string{"corp": s.options(nil)})
	p := program{t, host, "corp"}
	got := p.login("warned", s.Password)
	if left := time.Until(got.Data.PasswordExpiresAt); got.status != http.StatusOK || left < 47*time.Hour || left > 49*time.Hour {
		t.Errorf("the password of warned: %d %s, want two days left", got.status, got.body)
	}
	if got := p.login("alice", s.Password); !got.Data.PasswordExpiresAt.IsZero() {
		t.Errorf("alice is warned: %s", got.body)
	}
}

// The domain controller itself refuses passwords in plain text; the plugin never
// sends them.
func TestJ10_LDAPActiveDirectoryPlaintext(t *testing.T) {
	s := startSamba(t)
	conn, err := dialLDAP(s.URL(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.Bind(s.adminName(), s.Password); err == nil || !strings.Contains(err.Error(), "Strong") {
		t.Errorf("a bind without TLS: %v, want that stronger authentication is required", err)
	}
	w := openLDAP(t, s.options(map[string]string{"client_url": s.URL(), "allow_insecure_plaintext": "true"}))
	_, err = w.login("alice", s.Password)
	wantKind(t, "signing in without TLS", err, sdk.ErrMisconfigured)
}
