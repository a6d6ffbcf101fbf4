package main

import (
	"strconv"
	"strings"
	"time"
	"unicode"
)

// shown is a text that somebody else wrote, so that a terminal shows it and does
// nothing: no control characters, and none that turn the direction of the line.
func shown(text string) string {
	if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }) {
		return strconv.QuoteToASCII(text)
	}
	return text
}

// cutTo is the beginning of a text, of so many bytes at most.
func cutTo(text string, size int) string {
	if len(text) <= size {
		return text
	}
	return strings.ToValidUTF8(text[:size], "") + "…"
}

// shownOrDash is for what may not be there.
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
