package e2e

import (
	"strings"
	"testing"
)

// Whom the server's own tool makes signs in by the preset, with the groups that the tool
// makes.
func TestLDAP389DS(t *testing.T) {
	s := startDS389(t)
	host := startLDAPHost(t, s.Password, map[string]map[string]string{
		"corp": s.options(nil), "starttls": s.options(map[string]string{"client_url": s.URL(), "start_tls": "true"}),
	})
	for _, name := range []string{"corp", "starttls"} {
		p := program{t, host, name}
		got := p.signedIn("alice", s.Password).Data
		if len(got.ExternalIdentifier) != len("e40c5117-eca411f1-98c2c61e-4c9d66d4") || strings.Contains(got.ExternalIdentifier, "alice") {
			t.Errorf("the subject is %q, want the nsUniqueId", got.ExternalIdentifier)
		}
		p.refused("alice", "not the password", "bad_credentials")
		p.refused("nobody", s.Password, "bad_credentials")
		p.refused("reader", s.Password, "bad_credentials") // a service is nobody who signs in
	}
	wantUsers(t, host, 2)
	w := openLDAP(t, s.options(nil))
	wantGroups(t, "alice", w.identity("alice", s.Password).Groups, "staff")
	wantGroups(t, "bob", w.identity("bob", s.Password).Groups)
}
