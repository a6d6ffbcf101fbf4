package directory

import (
	"context"
	"encoding/hex"
	"regexp"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"github.com/doorward/doorward/sdk"
)

// AttributeName matches the name or OID of an attribute, without options.
var AttributeName = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9-]*|[0-9]+(\.[0-9]+)+)$`) // RFC 4512 section 1.4

// ScopeOf returns the number of a scope (RFC 4511 section 4.5.1.2).
func ScopeOf(word string) int { return slices.Index([]string{"base", "one", "sub"}, word) }

// AnyOf returns a filter for an escaped value in any of the attributes.
func AnyOf(attributes []string, escaped string) string {
	var b strings.Builder
	for _, name := range attributes {
		b.WriteString("(" + name + "=" + escaped + ")")
	}
	if len(attributes) == 1 {
		return b.String()
	}
	return "(|" + b.String() + ")"
}

// EscapeBytes escapes every byte of a binary value.
func EscapeBytes(value []byte) string {
	var b strings.Builder
	for _, c := range value {
		b.WriteString(`\` + hex.EncodeToString([]byte{c}))
	}
	return b.String()
}

// A Searcher runs an operation on a connection that may search.
type Searcher func(ctx context.Context, operation func(*Connection) error) error

// Search runs an operation on a connection of the service account.
func (d *Directory) Search(ctx context.Context, operation func(*Connection) error) error {
	err := d.Try(ctx, func(ctx context.Context, s *Server) error {
		return s.pool.do(ctx, operation)
	})
	if code, ok := ResultCode(err); ok && restricted[code] {
		if word := d.policyMessageAtBind(); word != "" {
			return sdk.Misconfigured(ReasonServiceBind, "the directory accepts bind_dn but refuses its search (%s); at the bind it said: %s", Describe(err), word)
		}
	}
	return Refusal(err)
}

// restricted are the result codes with which a password policy restricts an account to
// changing its password.
var restricted = map[uint16]bool{ldap.LDAPResultInsufficientAccessRights: true, ldap.LDAPResultUnwillingToPerform: true}
