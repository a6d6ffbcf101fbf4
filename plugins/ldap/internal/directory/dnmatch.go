package directory

import (
	"encoding/hex"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-ldap/ldap/v3"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// matchKey is the same text for RDNs that are one to a directory: attribute types by any
// of their names, values as caseIgnoreMatch compares them (RFC 4517 section 4.2.11). It
// tells whether an entry lies where it was looked for, and never who somebody is: to
// some directories, two entries may differ in what it folds.
func matchKey(rdn *ldap.RelativeDN) string {
	pairs := make([]string, len(rdn.Attributes))
	for i, a := range rdn.Attributes {
		pairs[i] = typeKey(a.Type) + "=" + valueKey(a.Value)
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "+")
}

// typeNames are the short names of RFC 4514 section 3 by the other ones, and by the
// object identifiers (RFC 4519).
var typeNames = map[string]string{
	"commonname": "cn", "2.5.4.3": "cn",
	"localityname": "l", "2.5.4.7": "l",
	"stateorprovincename": "st", "2.5.4.8": "st",
	"organizationname": "o", "2.5.4.10": "o",
	"organizationalunitname": "ou", "2.5.4.11": "ou",
	"countryname": "c", "2.5.4.6": "c",
	"streetaddress": "street", "2.5.4.9": "street",
	"domaincomponent": "dc", "0.9.2342.19200300.100.1.25": "dc",
	"userid": "uid", "0.9.2342.19200300.100.1.1": "uid",
}

func typeKey(name string) string {
	lower := strings.TrimPrefix(strings.ToLower(name), "oid.") // RFC 1779
	if short, ok := typeNames[lower]; ok {
		return short
	}
	return lower
}

// valueKey keeps what is no text byte for byte.
func valueKey(value string) string {
	if !utf8.ValidString(value) {
		return "#" + hex.EncodeToString([]byte(value))
	}
	return ldap.EscapeDN(prepared(value))
}

// prepared is a value as RFC 4518 prepares it for a comparison: what is invisible does
// not count, nor do case, compatibility forms, and how many spaces there are.
func prepared(value string) string {
	mapped := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), unicode.Is(unicode.Zs, r):
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), r == '\u034f', r == '\ufffc', r >= '\ufe00' && r <= '\ufe0f', r >= '\u180b' && r <= '\u180d':
			return -1
		}
		return r
	}, value)
	folded := cases.Fold().String(norm.NFKC.String(mapped))
	return strings.Join(strings.Fields(norm.NFKC.String(folded)), " ")
}
