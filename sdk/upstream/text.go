package upstream

import "strings"

// Lengths of the texts of others in our errors, in bytes.
const (
	maxShown  = 128
	maxQuoted = 512
	maxListed = 16
)

// Shown returns a name or an identifier of the provider's for an error of ours: at
// most 128 bytes of printable ASCII.
func Shown(text string) string { return Clip(text, maxShown) }

// Quoted returns a text of the provider's, or one that may quote the provider, for
// an error of ours: at most 512 bytes of printable ASCII.
func Quoted(text string) string { return Clip(text, maxQuoted) }

// ShownList is [Shown] for the first 16 elements of a list.
func ShownList(list []string) []string {
	short := []string{}
	for _, text := range list[:min(len(list), maxListed)] {
		short = append(short, Shown(text))
	}
	return short
}

// Clip cuts a text to so many bytes, and replaces what is not printable ASCII,
// which could alter the log that it stands in.
func Clip(text string, most int) string {
	if len(text) > most {
		text = text[:most] + "..."
	}
	return strings.Map(printable, text)
}

// IsPrintable reports whether a text is printable ASCII and nothing else.
func IsPrintable(text string) bool { return strings.Map(printable, text) == text }

func printable(r rune) rune {
	if r < ' ' || r > '~' {
		return '?'
	}
	return r
}
