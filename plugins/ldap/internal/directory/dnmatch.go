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

// matchKey returns the same text for RDNs that a directory treats as equal: it maps the names
// of an attribute type to one, and compares values by caseIgnoreMatch (RFC 4517 section
// 4.2.11). Use it to tell whether an entry is under a base, and never to identify a user:
// some directories distinguish entries that it does not.
func matchKey(rdn *ldap.RelativeDN) string {
	pairs := make([]string, len(rdn.Attributes))
	for i, a := range rdn.Attributes {
		pairs[i] = typeKey(a.Type) + "=" + valueKey(a.Value)
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "+")
}

// typeNames maps long names and object identifiers (RFC 4519) to the short names of RFC 4514
// section 3.
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

// valueKey keeps values that are not text byte for byte.
func valueKey(value string) string {
	if !utf8.ValidString(value) {
		return "#" + hex.EncodeToString([]byte(value))
	}
	return ldap.EscapeDN(prepared(value))
}

// prepared prepares a value for comparison (RFC 4518): it ignores case, invisible characters,
// compatibility forms and repeated spaces.
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
