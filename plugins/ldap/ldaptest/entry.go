package ldaptest

import (
	"bytes"
	"strings"

	"github.com/go-ldap/ldap/v3"
	"golang.org/x/text/unicode/norm"
)

// Entry is one entry of the directory.
type Entry struct {
	DN         string
	Attributes map[string][]string // values may be binary
	Password   string              // empty: nobody can bind as it

	// Right is the answer to a bind with the right password instead of success, until the
	// password is changed.
	Right *Answer

	// Any is the answer to every bind, such as for a locked account.
	Any *Answer
}

// Answer is a result of an operation (RFC 4511 section 4.1.9).
type Answer struct {
	Code     uint16
	Text     string
	Controls []Control
}

// Control is part of an answer.
type Control struct {
	OID   string
	Value []byte
}

// ActiveDirectory returns the answer of Active Directory to a refused bind, with a sub-code
// such as "533".
func ActiveDirectory(code string) *Answer {
	return &Answer{
		Code: ldap.LDAPResultInvalidCredentials,
		Text: "80090308: LdapErr: DSID-0C09042A, comment: AcceptSecurityContext error, data " + code + ", v4563\x00",
	}
}

func sameDN(a, b string) bool {
	x, err := ldap.ParseDN(a)
	if err != nil {
		return false
	}
	y, err := ldap.ParseDN(b)
	return err == nil && x.EqualFold(y)
}

func inScope(dn, base string, scope int) bool {
	entry, err := ldap.ParseDN(dn)
	if err != nil {
		return false
	}
	root, err := ldap.ParseDN(base)
	if err != nil {
		return false
	}
	switch scope {
	case ldap.ScopeBaseObject:
		return root.EqualFold(entry)
	case ldap.ScopeSingleLevel:
		return root.AncestorOfFold(entry) && len(entry.RDNs) == len(root.RDNs)+1
	}
	return root.EqualFold(entry) || root.AncestorOfFold(entry)
}

// values returns the values of an attribute, whose name is case-insensitive.
func (e Entry) values(name string) []string {
	for key, values := range e.Attributes {
		if strings.EqualFold(key, name) {
			return values
		}
	}
	return nil
}

func (e *Entry) set(name string, values ...string) {
	for key := range e.Attributes {
		if strings.EqualFold(key, name) {
			delete(e.Attributes, key)
		}
	}
	if e.Attributes == nil {
		e.Attributes = map[string][]string{}
	}
	e.Attributes[name] = values
}

// equal compares by the matching rule that fits the value: DNs as DNs, other text without
// regard to case, outer spaces and width.
func equal(a, b string) bool {
	if bytes.Equal([]byte(a), []byte(b)) {
		return true
	}
	if strings.Contains(a, "=") && strings.Contains(b, "=") {
		return sameDN(a, b)
	}
	return prepare(a) == prepare(b)
}

func prepare(text string) string {
	return strings.Join(strings.Fields(strings.ToLower(norm.NFKC.String(text))), " ")
}
