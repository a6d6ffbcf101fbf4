package main

import (
	"context"
	"encoding/hex"
	"regexp"
	"slices"
	"strings"
)

var attributeName = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9-]*|[0-9]+(\.[0-9]+)+)$`) // RFC 4512 section 1.4

// scopeOf numbers the words of a scope (RFC 4511 section 4.5.1.2).
func scopeOf(word string) int { return slices.Index([]string{"base", "one", "sub"}, word) }

// anyOf is a filter for an escaped value in any of the attributes.
func anyOf(attributes []string, escaped string) string {
	var b strings.Builder
	for _, name := range attributes {
		b.WriteString("(" + name + "=" + escaped + ")")
	}
	if len(attributes) == 1 {
		return b.String()
	}
	return "(|" + b.String() + ")"
}

// escapeBytes escapes every byte of a binary value.
func escapeBytes(value []byte) string {
	var b strings.Builder
	for _, c := range value {
		b.WriteString(`\` + hex.EncodeToString([]byte{c}))
	}
	return b.String()
}

// A searcher runs an operation on a connection that may search.
type searcher func(ctx context.Context, operation func(*connection) error) error

// search runs an operation on a connection of the service account.
func (d *directory) search(ctx context.Context, operation func(*connection) error) error {
	err := d.try(ctx, func(ctx context.Context, s *server) error {
		return s.pool.do(ctx, operation)
	})
	return refusal(err)
}
