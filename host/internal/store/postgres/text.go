package postgres

import "strings"

// text is what PostgreSQL can hold of a text that is only shown: an e-mail address,
// a name, a user agent. It has no NUL and nothing that is not UTF-8, and no login
// fails for either. Whatever is compared is bytea, or chosen by ourselves.
func text(s string) string {
	const unknown = "\uFFFD"
	return strings.ReplaceAll(strings.ToValidUTF8(s, unknown), "\x00", unknown)
}

// bytes is a value of a column that is NOT NULL, for which nil is empty.
func bytes[T string | []byte](b T) []byte { return append([]byte{}, b...) }

// asString reads bytes into a string.
type asString struct{ to *string }

// ScanBytes implements pgtype.BytesScanner.
func (s asString) ScanBytes(b []byte) error {
	*s.to = string(b)
	return nil
}
