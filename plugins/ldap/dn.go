package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-ldap/ldap/v3"
)

// normalDN writes a DN so that spellings that differ in case and spaces only are the
// same text, each part of a multi-valued RDN in order. It folds no more than that:
// what a directory holds for two entries must not become one. It is no DN to bind with.
func normalDN(text string) (string, error) {
	dn, err := parseDN(text)
	if err != nil {
		return "", err
	}
	parts := make([]string, len(dn.RDNs))
	for i, rdn := range dn.RDNs {
		pairs := make([]string, len(rdn.Attributes))
		for j, a := range rdn.Attributes {
			// Lower case would make one of all bytes that are no UTF-8.
			if !attributeName.MatchString(a.Type) || !utf8.ValidString(a.Value) {
				return "", errors.New("reading a DN: it has an odd attribute or value")
			}
			value := strings.Join(strings.Fields(strings.ToLower(a.Value)), " ")
			pairs[j] = strings.ToLower(a.Type) + "=" + ldap.EscapeDN(value)
		}
		slices.Sort(pairs)
		parts[i] = strings.Join(pairs, "+")
	}
	return strings.Join(parts, ","), nil
}

// isBlank reports whether a directory may take a name for no name at all: spaces and
// invisible characters do not count there (RFC 4518 section 2.2).
func isBlank(name string) bool {
	return strings.IndexFunc(name, func(r rune) bool {
		return !unicode.IsSpace(r) && !unicode.IsControl(r) && !unicode.Is(unicode.Cf, r)
	}) < 0
}

// maxDN bounds what is parsed: the library takes more than linear time.
const maxDN = 4096

// parseDN reads a DN that is not empty.
func parseDN(text string) (*ldap.DN, error) {
	if len(text) > maxDN {
		return nil, fmt.Errorf("reading a DN: it has %d bytes, at most %d are read", len(text), maxDN)
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

// isUnder reports whether a DN is base or below it. An empty base holds everything,
// but never the empty DN: binding with that is no authentication.
func isUnder(text, base string) bool {
	dn, err := parseDN(text)
	if err != nil {
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
	dn, err := parseDN(text)
	if err != nil || len(dn.RDNs[0].Attributes) == 0 {
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
