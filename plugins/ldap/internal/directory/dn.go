package directory

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-ldap/ldap/v3"
)

// NormalDN normalizes case and spaces in a DN, and sorts the parts of a multi-valued RDN. It
// does not fold more: two entries of a directory must not become one. The result is not
// suitable for a bind.
func NormalDN(text string) (string, error) {
	if !utf8.ValidString(text) { // the library maps all such bytes to U+FFFD
		return "", errors.New("reading a DN: it is not UTF-8")
	}
	dn, err := parseDN(text)
	if err != nil {
		return "", err
	}
	parts := make([]string, len(dn.RDNs))
	for i, rdn := range dn.RDNs {
		pairs := make([]string, len(rdn.Attributes))
		for j, a := range rdn.Attributes {
			// Lower case would map all bytes that are not UTF-8 to the same text.
			if !AttributeName.MatchString(a.Type) || !utf8.ValidString(a.Value) {
				return "", errors.New("reading a DN: it has an invalid attribute name or value")
			}
			value := strings.Join(strings.Fields(strings.ToLower(a.Value)), " ")
			pairs[j] = strings.ToLower(a.Type) + "=" + ldap.EscapeDN(value)
		}
		slices.Sort(pairs)
		parts[i] = strings.Join(pairs, "+")
	}
	return strings.Join(parts, ","), nil
}

// maxDN limits the DNs that are parsed: the library takes more than linear time.
const maxDN = 4096

// parseDN reads a DN and refuses an empty one.
func parseDN(text string) (*ldap.DN, error) {
	if len(text) > maxDN {
		return nil, fmt.Errorf("reading a DN: it has %d bytes, at most %d are allowed", len(text), maxDN)
	}
	dn, err := ldap.ParseDN(text)
	if err != nil {
		return nil, fmt.Errorf("reading a DN: %w", err)
	}
	if len(dn.RDNs) == 0 {
		return nil, errors.New("reading a DN: it is empty")
	}
	return dn, nil
}

// IsUnder reports whether a DN is base or below it, compared as directories do
// (distinguishedNameMatch, RFC 4517 section 4.2.15). Every DN is under an empty base except
// the empty DN, because a bind with that does not authenticate anyone.
func IsUnder(text, base string) bool {
	dn, err := parseDN(text)
	if err != nil || !utf8.ValidString(text) { // the library maps all bytes that are not text to one
		return false
	}
	root, err := ldap.ParseDN(base)
	if err != nil || len(root.RDNs) > len(dn.RDNs) {
		return false
	}
	tail := dn.RDNs[len(dn.RDNs)-len(root.RDNs):]
	return slices.EqualFunc(tail, root.RDNs, func(a, b *ldap.RelativeDN) bool { return matchKey(a) == matchKey(b) })
}

// IsUnderAny is the same for several bases.
func IsUnderAny(text string, bases []string) bool {
	return slices.ContainsFunc(bases, func(base string) bool { return IsUnder(text, base) })
}

// SplitBases splits DNs at semicolons. Within a DN, a semicolon is escaped by a backslash
// (RFC 4514 section 2.4).
func SplitBases(text string) []string {
	var list []string
	begin, escaped := 0, false
	for i := range len(text) {
		switch {
		case escaped:
			escaped = false
		case text[i] == '\\':
			escaped = true
		case text[i] == ';':
			list = append(list, strings.TrimSpace(text[begin:i]))
			begin = i + 1
		}
	}
	if last := strings.TrimSpace(text[begin:]); last != "" || len(list) > 0 {
		list = append(list, last)
	}
	return list
}

// NameOfDN returns the value of the first RDN of a DN.
func NameOfDN(text string) string {
	dn, err := parseDN(text)
	if err != nil || len(dn.RDNs[0].Attributes) == 0 {
		return ""
	}
	return dn.RDNs[0].Attributes[0].Value
}
