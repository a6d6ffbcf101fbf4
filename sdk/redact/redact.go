// Package redact removes secrets from texts.
//
// A provider may repeat a secret that it refuses, and an error or a log line may contain
// a value that somebody passed on. Both ends of the wire pass every text of a plugin
// through a [Set]: the plugin knows which options are secret, and the host knows which
// secrets it handed over.
package redact

import (
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"unicode"
	"unicode/utf8"
)

// Long is the length in bytes from which a secret, and any part of it of that length, is
// found anywhere in a text. A shorter secret is weak and could be a part of other words,
// so it is found only as a whole word.
const Long = 16

// Mark replaces a secret.
const Mark = "[redacted]"

// shortest is the length in bytes of the shortest secret that is redacted.
const shortest = 2

// Set holds secrets. It is safe for concurrent use. The zero value and nil hold no
// secrets.
type Set struct{ forms atomic.Pointer[forms] }

type forms struct {
	parts map[string]bool // of Long bytes each, of long secrets
	words []string        // short secrets, the longest first
}

// Replace replaces the secrets of the set with these.
func (s *Set) Replace(secrets []string) {
	f := &forms{parts: map[string]bool{}}
	for _, secret := range secrets {
		for _, form := range formsOf(secret) {
			f.add(form)
		}
	}
	slices.SortFunc(f.words, func(a, b string) int { return len(b) - len(a) })
	f.words = slices.Compact(f.words)
	s.forms.Store(f)
}

func (f *forms) add(form string) {
	if len(form) < Long {
		if len(form) >= shortest {
			f.words = append(f.words, form)
		}
		return
	}
	for at := range len(form) - Long + 1 {
		f.parts[form[at:at+Long]] = true
	}
}

// formsOf returns the forms that a secret can have in a text: each of its lines, plain
// and as in JSON, Go and URLs. The lines around the base64 of a PEM are not secret, and
// hints show them.
func formsOf(secret string) []string {
	var list []string
	for line := range strings.Lines(secret) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "-----") {
			continue
		}
		list = append(list, line, url.QueryEscape(line), strings.Trim(strconv.Quote(line), `"`))
		if encoded, err := json.Marshal(line); err == nil {
			list = append(list, string(encoded[1:len(encoded)-1]))
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// Text returns text with each secret replaced by [Mark].
func (s *Set) Text(text string) string {
	if s == nil {
		return text
	}
	f := s.forms.Load()
	if f == nil {
		return text
	}
	if len(f.parts) > 0 {
		text = f.withoutParts(text)
	}
	for _, word := range f.words {
		text = withoutWord(text, word)
	}
	return text
}

// withoutParts passes over the text once, with a window of Long bytes.
func (f *forms) withoutParts(text string) string {
	var out strings.Builder
	kept, end := 0, 0 // where the text that is still to be written begins; where the last secret ends
	for at := 0; at+Long <= len(text); at++ {
		if !f.parts[text[at:at+Long]] {
			continue
		}
		if at >= end {
			out.WriteString(text[kept:at])
			out.WriteString(Mark)
		}
		end = at + Long
		kept = end
	}
	if end == 0 {
		return text
	}
	out.WriteString(text[kept:])
	return out.String()
}

func withoutWord(text, word string) string {
	if !strings.Contains(text, word) {
		return text
	}
	var out strings.Builder
	rest, before := text, ' '
	for {
		at := strings.Index(rest, word)
		if at < 0 {
			return out.String() + rest
		}
		if at > 0 {
			before, _ = utf8.DecodeLastRuneInString(rest[:at])
		}
		after, _ := utf8.DecodeRuneInString(rest[at+len(word):])
		first, _ := utf8.DecodeRuneInString(word)
		last, _ := utf8.DecodeLastRuneInString(word)
		out.WriteString(rest[:at])
		if inWord(before) && inWord(first) || inWord(last) && inWord(after) {
			out.WriteString(word)
		} else {
			out.WriteString(Mark)
		}
		before, rest = last, rest[at+len(word):]
	}
}

// inWord reports whether a character is part of a word. The underscore is, so that the
// secret "secret" does not redact a hint about client_secret. The end of the text is not.
func inWord(c rune) bool {
	return c == '_' || c != utf8.RuneError && (unicode.IsLetter(c) || unicode.IsDigit(c))
}
