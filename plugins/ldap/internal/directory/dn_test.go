package directory

import (
	"slices"
	"testing"
)

// TestIsUnder: IsUnder agrees with directories about where a DN is, in any spelling.
func TestIsUnder(t *testing.T) {
	for _, test := range []struct {
		dn, base string
		want     bool
	}{
		{"uid=a,ou=people,dc=x", "ou=people,dc=x", true},
		{"ou=people,dc=x", "ou=people,dc=x", true},
		{"dc=x", "ou=people,dc=x", false},
		{"uid=a,ou=others,dc=x", "ou=people,dc=x", false},
		{"uid=a,ou=people,dc=x,dc=y", "ou=people,dc=x", false},
		{"UID=A, OU=People , DC=X", "ou=people,dc=x", true},
		{"uid=a,ou=two  words,dc=x", "ou=Two Words,dc=x", true},
		{`uid=a,ou=\ two words\ ,dc=x`, "ou=two words,dc=x", true},
		{`uid=a,ou=smith\2c john,dc=x`, `ou=Smith\, John,dc=x`, true},
		{"uid=a,ou=r\u00e4ume,dc=x", "ou=ra\u0308ume,dc=x", true},
		{"uid=a,ou=RÄUME,dc=x", "ou=räume,dc=x", true},
		{"uid=a,ou=stra\u00dfe,dc=x", "ou=STRASSE,dc=x", true},
		{"uid=a,ou=ｐｅｏｐｌｅ,dc=x", "ou=people,dc=x", true},
		{"uid=a,ou=peo\u00adple,dc=x", "ou=people,dc=x", true},
		{"uid=a,organizationalUnitName=people,domainComponent=x", "ou=people,dc=x", true},
		{"uid=a,2.5.4.11=people,0.9.2342.19200300.100.1.25=x", "ou=people,dc=x", true},
		{"uid=a,OID.2.5.4.11=people,dc=x", "ou=people,dc=x", true},
		{"uid=a,cn=people,dc=x", "ou=people,dc=x", false},
		{"uid=a,cn=b+ou=people,dc=x", "ou=people+cn=B,dc=x", true},
		{"uid=a,ou=people+cn=b,dc=x", "ou=people,dc=x", false},
		{"uid=a,ou=\xff,dc=x", "ou=\xfe,dc=x", false}, // not text, and different bytes
		{`uid=a,ou=\ff,dc=x`, `ou=\fe,dc=x`, false},
		{`uid=a,ou=\ff,dc=x`, `ou=\FF,dc=x`, true},
		{"uid=a,ou=people,dc=x", "", true},
		{"", "", false},
		{"nonsense", "dc=x", false},
	} {
		if got := IsUnder(test.dn, test.base); got != test.want {
			t.Errorf("%q is under %q: %v", test.dn, test.base, got)
		}
	}
}

func TestSplitBases(t *testing.T) {
	for text, want := range map[string][]string{
		"":                   nil,
		"ou=a,dc=x":          {"ou=a,dc=x"},
		"ou=a,dc=x;ou=b":     {"ou=a,dc=x", "ou=b"},
		" ou=a ; ou=b,dc=x ": {"ou=a", "ou=b,dc=x"},
		`ou=a\;b;ou=c`:       {`ou=a\;b`, "ou=c"},
		`ou=a\\;ou=c`:        {`ou=a\\`, "ou=c"},
		"ou=a;":              {"ou=a", ""},
	} {
		if got := SplitBases(text); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
