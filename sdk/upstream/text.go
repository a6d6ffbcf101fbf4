package upstream

import "strings"

// Lengths of foreign texts in errors, in bytes.
const (
	maxShown  = 128
	maxQuoted = 512
	maxListed = 16
)

// Shown returns a name or an identifier of the provider for an error text: at most 128
// bytes of printable ASCII.
func Shown(text string) string { return Clip(text, maxShown) }

// Quoted returns a text of the provider, or one that may quote the provider, for an
// error text: at most 512 bytes of printable ASCII.
func Quoted(text string) string { return Clip(text, maxQuoted) }

// ShownList applies [Shown] to the first 16 elements of a list.
func ShownList(list []string) []string {
	short := []string{}
	for _, text := range list[:min(len(list), maxListed)] {
		short = append(short, Shown(text))
	}
	return short
}

// Clip cuts a text to most bytes, and replaces characters other than printable ASCII,
// which could alter a log.
func Clip(text string, most int) string {
	if len(text) > most {
		text = text[:most] + "..."
	}
	return strings.Map(printable, text)
}

// IsPrintable reports whether a text consists of printable ASCII.
func IsPrintable(text string) bool { return strings.Map(printable, text) == text }

func printable(r rune) rune {
	if r < ' ' || r > '~' {
		return '?'
	}
	return r
}
