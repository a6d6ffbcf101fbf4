package forwardauth

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// ErrAmbiguous: the proxy and the application may read the path differently, and a rule
// depends on it.
var ErrAmbiguous = errors.New("the path can be read in more than one way")

func ambiguous(why string) error { return fmt.Errorf("%w: %s", ErrAmbiguous, why) }

// pathOf returns the path of a request target, undecoded.
func pathOf(target string) string {
	path, _, _ := strings.Cut(target, "?")
	return path
}

// plain returns a path decoded, to be compared with rules; ErrAmbiguous if it could be
// read differently. It is decoded once: an encoded percent sign is refused, because some
// applications decode twice.
func plain(raw string) (string, error) {
	if isPlain(raw) {
		return raw, nil
	}
	var b strings.Builder
	b.Grow(len(raw))
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		switch {
		case c == '\\' || c == '#':
			return "", ambiguous("it has a backslash or a number sign")
		case c == '%':
			decoded, ok := hexByte(raw[i+1:])
			if !ok {
				return "", ambiguous("it has a percent sign that does not encode a character")
			}
			if decoded < ' ' || decoded == 0x7f || strings.IndexByte(`/\%.;#?`, decoded) >= 0 {
				return "", ambiguous("it has an encoded slash, dot, percent sign, control character or the like")
			}
			c = decoded
			i += 2
		}
		b.WriteByte(c)
	}
	path := b.String()
	if !utf8.ValidString(path) {
		return "", ambiguous("it is not valid UTF-8")
	}
	return path, checkSegments(path)
}

// isPlain recognizes most paths, without copying them: segments of letters, digits and
// the usual punctuation.
func isPlain(path string) bool {
	for i := 1; i < len(path); i++ {
		switch c := path[i]; {
		case 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_':
		case (c == '/' || c == '.') && path[i-1] != '/' && path[i-1] != '.':
		default:
			return false
		}
	}
	return true
}

// checkSegments refuses segments that servers remove, or treat as the parent, some of
// them only after removing path parameters, dots and spaces.
func checkSegments(path string) error {
	segments := strings.Split(path[1:], "/")
	for i, segment := range segments {
		name, _, parameters := strings.Cut(segment, ";")
		switch rest := strings.Trim(name, ". "); {
		case rest != "":
		case name != "" || parameters:
			return ambiguous("it has a dot segment, or one like it")
		case i < len(segments)-1:
			return ambiguous("it has an empty segment")
		}
	}
	return nil
}

func hexByte(text string) (byte, bool) {
	if len(text) < 2 {
		return 0, false
	}
	high, ok1 := hexDigit(text[0])
	low, ok2 := hexDigit(text[1])
	return high<<4 | low, ok1 && ok2
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10, true
	}
	return 0, false
}

// folded returns a plain path as the most lenient server reads it: without capitals, path
// parameters, and dots and spaces at the end of segments.
func folded(path string) string {
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		name, _, _ := strings.Cut(segment, ";")
		segments[i] = strings.ToLower(strings.ToUpper(strings.TrimRight(name, ". ")))
	}
	return strings.Join(segments, "/")
}

// below reports whether a path is below a prefix, by whole segments: /team/ includes
// /team.
func below(path, prefix string) bool {
	return strings.HasPrefix(path, prefix) || len(path)+1 == len(prefix) && strings.HasPrefix(prefix, path)
}
