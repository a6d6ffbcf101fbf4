package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode"
	"unicode/utf16"
)

// writeJSON writes a value, so that a terminal shows it and does nothing: encoding/json
// escapes the control characters of ASCII only, and U+009B begins a sequence, too. What is
// escaped is the same text to whoever reads JSON.
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

// escapeUnprintable escapes in JSON what is no ASCII and cannot be printed. It can only
// stand in a string.
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
