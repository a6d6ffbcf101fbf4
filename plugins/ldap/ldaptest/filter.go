package ldaptest

import (
	"strings"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
)

// inChain is LDAP_MATCHING_RULE_TRANSITIVE_EVAL of Active Directory.
const inChain = "1.2.840.113556.1.4.1941"

// matches evaluates a filter (RFC 4511 section 4.5.1.7). Unsupported filters are undefined,
// which does not match.
func (d *Directory) matches(filter *ber.Packet, e Entry) bool {
	switch filter.Tag {
	case ldap.FilterAnd:
		for _, part := range filter.Children {
			if !d.matches(part, e) {
				return false
			}
		}
		return true
	case ldap.FilterOr:
		for _, part := range filter.Children {
			if d.matches(part, e) {
				return true
			}
		}
		return false
	case ldap.FilterNot:
		return len(filter.Children) == 1 && !d.matches(filter.Children[0], e)
	case ldap.FilterPresent:
		name := filter.Data.String()
		return strings.EqualFold(name, "objectClass") || len(e.values(name)) > 0
	case ldap.FilterEqualityMatch:
		return len(filter.Children) == 2 && hasValue(e, filter.Children[0].Data.String(), filter.Children[1].Data.String())
	case ldap.FilterSubstrings:
		return len(filter.Children) == 2 && matchesSubstrings(e, filter.Children[0].Data.String(), filter.Children[1].Children)
	case ldap.FilterExtensibleMatch:
		return d.matchesExtensible(filter, e)
	}
	return false
}

func matchesSubstrings(e Entry, name string, parts []*ber.Packet) bool {
	for _, value := range e.values(name) {
		if hasParts(strings.ToLower(value), parts) {
			return true
		}
	}
	return false
}

// hasParts finds the parts in order: the first can be anchored at the beginning, the last at
// the end (RFC 4511 section 4.5.1.7.2).
func hasParts(rest string, parts []*ber.Packet) bool {
	for _, part := range parts {
		text := strings.ToLower(part.Data.String())
		at := strings.Index(rest, text)
		switch {
		case part.Tag == ldap.FilterSubstringsInitial && !strings.HasPrefix(rest, text),
			part.Tag == ldap.FilterSubstringsFinal && !strings.HasSuffix(rest, text), at < 0:
			return false
		}
		rest = rest[at+len(text):]
	}
	return true
}

func hasValue(e Entry, name, value string) bool {
	for _, own := range e.values(name) {
		if equal(own, value) {
			return true
		}
	}
	return false
}

func (d *Directory) matchesExtensible(filter *ber.Packet, e Entry) bool {
	var rule, name, value string
	for _, part := range filter.Children {
		switch part.Tag {
		case 1:
			rule = part.Data.String()
		case 2:
			name = part.Data.String()
		case 3:
			value = part.Data.String()
		}
	}
	return rule == inChain && d.inChain(e, name, value, map[string]bool{})
}

// inChain follows an attribute such as member through the entries it names.
func (d *Directory) inChain(e Entry, name, value string, seen map[string]bool) bool {
	if seen[e.DN] {
		return false
	}
	seen[e.DN] = true
	if hasValue(e, name, value) {
		return true
	}
	for _, dn := range e.values(name) {
		for _, other := range d.entries {
			if sameDN(other.DN, dn) && d.inChain(other, name, value, seen) {
				return true
			}
		}
	}
	return false
}
