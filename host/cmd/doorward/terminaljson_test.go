package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode"
)

// What somebody else wrote does nothing to a terminal, and stays what it is.
func TestJSONOnATerminal(t *testing.T) {
	hostile := "\x00 \x1b[31m \x7f \u009b31m \u202egpj \u2028 \ufeff \U000E0041 <&> ä \U0001F600 \"\\"
	for _, indent := range []string{"", "  "} {
		var out bytes.Buffer
		if err := writeJSON(&out, map[string]string{"agent": hostile}, indent); err != nil {
			t.Fatal(err)
		}
		if i := strings.IndexFunc(out.String(), func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }); i >= 0 {
			t.Errorf("%q at %d", out.String(), i)
		}
		var read map[string]string
		if err := json.Unmarshal(out.Bytes(), &read); err != nil || read["agent"] != hostile {
			t.Errorf("read %q, %v, want %q", read["agent"], err, hostile)
		}
		if !strings.Contains(out.String(), "<&> ä \U0001F600") {
			t.Errorf("%s: what can be read is escaped", out.String())
		}
	}
}
