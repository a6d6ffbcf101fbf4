package postgres

import "strings"

// text is s as PostgreSQL can store it, for texts that are only displayed: an e-mail
// address, a name, a user agent. NUL and bytes that are not UTF-8 are removed, so that no
// login fails because of them. Values that are compared are bytea, or chosen by the host.
func text(s string) string {
	const unknown = "\uFFFD"
	return strings.ReplaceAll(strings.ToValidUTF8(s, unknown), "\x00", unknown)
}

// bytes is the value of a NOT NULL column, in which nil is stored as empty.
func bytes[T string | []byte](b T) []byte { return append([]byte{}, b...) }

// asString reads bytes into a string.
type asString struct{ to *string }

// ScanBytes implements pgtype.BytesScanner.
func (s asString) ScanBytes(b []byte) error {
	*s.to = string(b)
	return nil
}
