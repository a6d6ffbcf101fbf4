package account

import (
	"testing"
	"unicode/utf8"

	"github.com/go-ldap/ldap/v3"

	"github.com/doorward/doorward/plugins/ldap/internal/directory"
)

// FuzzTemplate: any input stays a single value of the DN, in its place.
func FuzzTemplate(f *testing.F) {
	for _, seed := range []string{"alice", "a,ou=admins", "a+cn=b", "#616c", `\`, " a ", "a\x00", `"`, "<>;=", "\xff", "\n"} {
		f.Add(seed)
	}
	template := "uid={username},ou=people,dc=example,dc=com"
	f.Fuzz(func(t *testing.T, name string) {
		if len(name) > MaxUsername {
			return // no login uses a longer one: escaped, it could exceed the limit for a DN
		}
		filled := FillTemplate(template, name)
		dn, err := ldap.ParseDN(filled)
		if err != nil {
			return // refused by the directory that reads it
		}
		if len(dn.RDNs) != 4 || len(dn.RDNs[0].Attributes) != 1 || !directory.IsUnder(filled, "ou=people,dc=example,dc=com") {
			t.Fatalf("%q becomes %q", name, filled)
		}
		if got := dn.RDNs[0].Attributes[0].Value; utf8.ValidString(name) && got != name {
			t.Fatalf("%q becomes the value %q", name, got)
		}
	})
}
