// Package redact keeps secrets out of texts.
//
// A provider may repeat the secret that it does not like, and an error or a line of
// the log may hold what somebody passed on. Both ends of the wire pass every text
// of a plugin through a [Set]: the plugin knows which options are secret, and the
// host knows what it handed over.
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

// Long is the length in bytes from which a secret is found wherever it stands, and
// any part of it of that length. A shorter one could be a part of other words, so it
// is found only as a whole word: it is a weak secret.
const Long = 16

// Mark stands where a secret stood.
const Mark = "[redacted]"

// shortest is the least length of a secret that is looked for, in bytes.
const shortest = 2

// Set holds secrets. It may be used by many at once; the zero value and nil have
// none.
type Set struct{ forms atomic.Pointer[forms] }

type forms struct {
	parts map[string]bool // of Long bytes each, of long secrets
	words []string        // short secrets, the longest first
}

// Replace makes these the secrets of the set, in place of those before.
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

// formsOf are the ways in which a secret may stand in a text: each line of it, as
// it is and as JSON, Go and URLs write it. The lines around the base64 of a PEM are
// no secret, and hints show them.
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

// Text returns text with [Mark] in the place of each secret.
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

// withoutParts goes over the text once, with a window.
func (f *forms) withoutParts(text string) string {
	var out strings.Builder
	kept, end := 0, 0 // what is written so far; where the secret under the window ends
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

// inWord counts the underscore in, so that the secret "secret" leaves a hint about
// client_secret alone. What is no text, such as the end, is outside.
func inWord(c rune) bool {
	return c == '_' || c != utf8.RuneError && (unicode.IsLetter(c) || unicode.IsDigit(c))
}
