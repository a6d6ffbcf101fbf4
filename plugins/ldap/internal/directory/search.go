package directory

import (
	"context"
	"encoding/hex"
	"regexp"
	"slices"
	"strings"
)

// AttributeName matches the name of an attribute, or its OID, without options.
var AttributeName = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9-]*|[0-9]+(\.[0-9]+)+)$`) // RFC 4512 section 1.4

// ScopeOf numbers the words of a scope (RFC 4511 section 4.5.1.2).
func ScopeOf(word string) int { return slices.Index([]string{"base", "one", "sub"}, word) }

// AnyOf is a filter for an escaped value in any of the attributes.
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
	return Refusal(err)
}
