package e2e

import (
	"testing"

	"github.com/doorward/doorward/sdk"
)

// The service account can be the client certificate or the account of the process, so
// that no password is written anywhere.
func TestLDAPExternal(t *testing.T) {
	s := startSlapd(t, slapdConfig{Extra: `authz-regexp ^cn=doorward$ ` + readerDN + `
authz-regexp cn=peercred,cn=external,cn=auth$ ` + readerDN})
	pair, err := s.CA.issue("doorward")
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := s.CA.issue("stranger")
	if err != nil {
		t.Fatal(err)
	}
	external := map[string]string{"sasl_external": "true", "bind_dn": "", "bind_password": "", "group_dn": groupsDN}
	certificate := func(pair keyPair) map[string]string {
		return map[string]string{"tls_cert": readText(t, pair.CertFile), "tls_key": readText(t, pair.KeyFile)}
	}
	for name, options := range map[string]map[string]string{
		"StartTLS":      merged(external, certificate(pair)),
		"ldaps":         merged(external, certificate(pair), map[string]string{"client_url": s.LDAPS(), "start_tls": ""}),
		"a unix socket": merged(external, map[string]string{"client_url": s.LDAPI(), "start_tls": ""}),
		"by template":   merged(external, certificate(pair), map[string]string{"user_dn_template": "uid={username}," + peopleDN}),
	} {
		t.Run(name, func(t *testing.T) {
			w := openLDAP(t, s.options(options))
			alice := w.identity("alice", s.Password)
			wantGroups(t, "alice", alice.Groups, "editors", "admins")
			w.refused("alice", "not the password")
			if _, err := w.Refresh(t.Context(), alice.Grant); err != nil {
				t.Errorf("refresh: %v", err)
			}
			for _, f := range check(t, s.options(options)) {
				if f.Severity != sdk.SeverityOK {
					t.Errorf("finding %+v", f)
				}
			}
		})
	}
	_, err = openLDAP(t, s.options(merged(external, certificate(stranger)))).login("alice", s.Password)
	wantKind(t, "the certificate of somebody who may not search", err, sdk.ErrMisconfigured)
}

// Without the control of password policies, a directory says no more than it says to anybody.
func TestLDAPWithoutPolicyControl(t *testing.T) {
	s := startSlapd(t, slapdConfig{})
	w := openLDAP(t, s.options(map[string]string{"password_policy_control": "false"}))
	w.identity("alice", s.Password)
	w.refused("locked", s.Password)
	_, err := openLDAP(t, s.options(nil)).login("locked", s.Password)
	wantKind(t, "with the control", err, sdk.ErrDenied)
}
