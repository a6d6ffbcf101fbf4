package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/go-ldap/ldap/v3"
	"golang.org/x/text/unicode/norm"
)

// normalDN writes a DN so that two spellings of one are the same text: attribute
// types and values in lower case, composed, spaces folded (RFC 4518), each part of a
// multi-valued RDN in order. It is no DN to bind with.
func normalDN(text string) (string, error) {
	dn, err := ldap.ParseDN(text)
	if err != nil {
		return "", fmt.Errorf("reading a DN: %w", err)
	}
	if len(dn.RDNs) == 0 {
		return "", errors.New("reading a DN: it is empty")
	}
	parts := make([]string, len(dn.RDNs))
	for i, rdn := range dn.RDNs {
		pairs := make([]string, len(rdn.Attributes))
		for j, a := range rdn.Attributes {
			pairs[j] = strings.ToLower(a.Type) + "=" + ldap.EscapeDN(fold(a.Value))
		}
		slices.Sort(pairs)
		parts[i] = strings.Join(pairs, "+")
	}
	return strings.Join(parts, ","), nil
}

// fold prepares a value for comparison in the manner of RFC 4518: compatibility
// forms, case, and spaces at the ends and in a row do not count.
func fold(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) { // zero-width and direction marks (section 2.2)
			return -1
		}
		return r
	}, text)
	return strings.Join(strings.Fields(strings.ToLower(norm.NFKC.String(text))), " ")
}

// isUnder reports whether a DN is base or below it. An empty base holds everything,
// but never the empty DN: binding with that is no authentication.
func isUnder(text, base string) bool {
	dn, err := ldap.ParseDN(text)
	if err != nil || len(dn.RDNs) == 0 {
		return false
	}
	root, err := ldap.ParseDN(base)
	if err != nil {
		return false
	}
	return root.EqualFold(dn) || root.AncestorOfFold(dn)
}

// nameOfDN is the value of the first RDN of a DN.
func nameOfDN(text string) string {
	dn, err := ldap.ParseDN(text)
	if err != nil || len(dn.RDNs) == 0 || len(dn.RDNs[0].Attributes) == 0 {
		return ""
	}
	return dn.RDNs[0].Attributes[0].Value
}

// usernamePlace is where a template takes the name.
const usernamePlace = "{username}"

// fillTemplate puts a name into a template. The name is escaped as a value of a DN
// (RFC 4514), not of a filter: "a,ou=admins" stays one value.
func fillTemplate(template, username string) string {
	return strings.ReplaceAll(template, usernamePlace, ldap.EscapeDN(username))
}

func checkTemplate(template, base string) error {
	if !strings.Contains(template, usernamePlace) {
		return fmt.Errorf("must have %s in it", usernamePlace)
	}
	sample := fillTemplate(template, "x")
	if _, err := ldap.ParseDN(sample); err != nil {
		return errors.New("must be a DN, such as uid={username},ou=people,dc=example,dc=com: by a name of another form the directory may know another entry than the one that is read")
	}
	if !isUnder(sample, base) {
		return errors.New("must lie under user_dn")
	}
	return nil
}
