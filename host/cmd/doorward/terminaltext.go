package main

import (
	"strconv"
	"strings"
	"time"
	"unicode"
)

// shown makes an untrusted text safe for a terminal: it quotes control characters, and those
// that change the direction of the line.
func shown(text string) string {
	if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }) {
		return strconv.QuoteToASCII(text)
	}
	return text
}

// cutTo cuts a text to a number of bytes.
func cutTo(text string, size int) string {
	if len(text) <= size {
		return text
	}
	return strings.ToValidUTF8(text[:size], "") + "…"
}

// shownOrDash is shown, or a dash for nil.
func shownOrDash(text *string) string {
	if text == nil {
		return "-"
	}
	return orDash(shown(*text))
}

// timeOrDash shows a moment to the minute.
func timeOrDash(at *time.Time) string {
	if at == nil {
		return "-"
	}
	return at.UTC().Format("2006-01-02 15:04Z")
}
