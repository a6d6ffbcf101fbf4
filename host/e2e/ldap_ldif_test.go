package e2e

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
)

// ldif is an LDIF file (RFC 2849) in the making.
type ldif struct{ strings.Builder }

// entry adds an entry; each attribute is "name: value". slapadd requires the values of
// an attribute to be adjacent.
func (l *ldif) entry(dn string, attributes ...string) {
	l.line("dn", dn)
	for _, attribute := range slices.Sorted(slices.Values(attributes)) {
		name, value, _ := strings.Cut(attribute, ": ")
		l.line(name, value)
	}
	l.WriteByte('\n')
}

func (l *ldif) line(name, value string) {
	if plainLDIF(value) {
		fmt.Fprintf(l, "%s: %s\n", name, value)
		return
	}
	fmt.Fprintf(l, "%s:: %s\n", name, base64.StdEncoding.EncodeToString([]byte(value)))
}

// plainLDIF reports whether the value is a SAFE-STRING that does not end with a
// space.
func plainLDIF(value string) bool {
	for i, c := range []byte(value) {
		if c < ' ' || c > '~' || i == 0 && strings.ContainsRune(" :<", rune(c)) {
			return false
		}
	}
	return !strings.HasSuffix(value, " ")
}
