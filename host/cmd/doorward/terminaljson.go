package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode"
	"unicode/utf16"
)

// writeJSON writes a value as JSON that is safe for a terminal: encoding/json escapes only
// the control characters of ASCII, but U+009B also begins an escape sequence. For readers of
// JSON the escaped text is the same.
func writeJSON(w io.Writer, value any, indent string) error {
	var made bytes.Buffer
	encoder := json.NewEncoder(&made)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", indent)
	if err := encoder.Encode(value); err != nil {
		return err
	}
	_, err := w.Write(escapeUnprintable(made.Bytes()))
	return err
}

// escapeUnprintable escapes unprintable characters outside ASCII. In JSON they can only be in
// strings.
func escapeUnprintable(data []byte) []byte {
	var out bytes.Buffer
	for _, r := range string(data) {
		switch {
		case r < 0x7F || unicode.IsPrint(r):
			out.WriteRune(r)
		case r > 0xFFFF:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&out, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&out, `\u%04x`, r)
		}
	}
	return out.Bytes()
}
