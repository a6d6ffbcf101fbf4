package e2e

import (
	"strings"
	"testing"

	"github.com/doorward/doorward/sdk"
)

// A TLS error names the option that fixes it, in the check and in the log.
func TestLDAPFaultsOfTLSNameTheOption(t *testing.T) {
	s := startSlapd(t, slapdConfig{})
	elsewhere := startSlapd(t, slapdConfig{Certificate: "ldap.other.example"})
	old := startSlapd(t, slapdConfig{Extra: "TLSCipherSuite SECURE256:-VERS-ALL:+VERS-TLS1.2"})
	strict := startSlapd(t, slapdConfig{Extra: "TLSVerifyClient demand"})
	strict12 := startSlapd(t, slapdConfig{Extra: "TLSVerifyClient demand\nTLSCipherSuite SECURE256:-VERS-ALL:+VERS-TLS1.2"})
	pair, err := s.CA.issue("stranger")
	if err != nil {
		t.Fatal(err)
	}
	stranger := map[string]string{"tls_cert": readText(t, pair.CertFile), "tls_key": readText(t, pair.KeyFile)}
	ldaps := func(s *slapd, more map[string]string) map[string]string {
		return s.options(merged(map[string]string{"client_url": s.LDAPS(), "start_tls": ""}, more))
	}
	for _, tc := range []struct {
		name    string
		options map[string]string
		option  string
	}{
		{"an unknown authority", s.options(map[string]string{"tls_ca": elsewhere.CA.CA}), "tls_ca"},
		{"an unknown authority, ldaps", ldaps(s, map[string]string{"tls_ca": ""}), "the option ca"},
		{"another name", elsewhere.options(nil), "tls_server_name"},
		{"another name that was written", s.options(map[string]string{"tls_server_name": "ldap.other.example"}), "tls_server_name"},
		{"no TLS there", s.options(map[string]string{"client_url": "ldaps://" + s.Address(), "start_tls": ""}), "client_url"},
		{"a server without TLS 1.3", old.options(map[string]string{"tls_min_version": "1.3"}), "tls_min_version"},
		{"no client certificate", ldaps(strict, nil), "the option cert"},
		{"no client certificate, TLS 1.2", strict12.options(nil), "the option cert"},
		{"a client certificate of a stranger", strict.options(stranger), "tls_cert"},
		{"a client certificate of a stranger, TLS 1.2", strict12.options(stranger), "tls_cert"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := openLDAP(t, tc.options).login("alice", s.Password)
			wantKind(t, tc.name, err, sdk.ErrUnavailable, sdk.ErrMisconfigured)
			if err != nil && !strings.Contains(err.Error(), tc.option) {
				t.Errorf("the log does not name %s: %v", tc.option, err)
			}
			found := check(t, tc.options)
			for _, f := range found {
				if f.Severity == sdk.SeverityError && strings.Contains(f.Text, tc.option) {
					return
				}
			}
			t.Errorf("the check does not name %s: %+v", tc.option, found)
		})
	}
}
