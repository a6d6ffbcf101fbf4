package main

import (
	"errors"
	"regexp"
	"strings"
	"time"
)

// Lengths of texts of others in our errors.
const (
	maxShown  = 128
	maxQuoted = 2 << 10
)

// quoted returns a text of the provider's for an error of ours: bounded and in
// printable ASCII.
func quoted(text string) string { return cut(text, maxQuoted) }

// shown returns a name or an identifier of the provider's for an error of ours.
func shown(text string) string { return cut(text, maxShown) }

func cut(text string, most int) string {
	printable := func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}
	if len(text) > most {
		text = text[:most] + "..."
	}
	return strings.Map(printable, text)
}

var dateTime = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,12})?(Z|[+-]\d\d:\d\d)$`)

var errTime = errors.New("is no time with a time zone, such as 2026-11-25T12:00:00Z (core section 1.3.3)")

// parseTime reads xs:dateTime. A time without a zone is refused, though the schema
// allows it: two readers would take it for two times.
func parseTime(text string) (time.Time, error) {
	if !dateTime.MatchString(text) {
		return time.Time{}, errTime
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || t.Unix() < 0 {
		return time.Time{}, errTime
	}
	return t.UTC(), nil
}
