package forwardauth

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// ErrAmbiguous: the proxy and the application can interpret a path differently, and a rule
// depends on it.
var ErrAmbiguous = errors.New("the path is ambiguous")

func ambiguous(why string) error { return fmt.Errorf("%w: %s", ErrAmbiguous, why) }

// pathOf returns the unchanged path of a request target.
func pathOf(target string) string {
	path, _, _ := strings.Cut(target, "?")
	return path
}

// decodePath returns the decoded path to compare with rules, or ErrAmbiguous. It decodes
// once, and refuses an encoded percent sign, because some applications decode twice.
func decodePath(raw string) (string, error) {
	if isSimplePath(raw) {
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
				return "", ambiguous("it has a percent sign without two hexadecimal digits")
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

// isSimplePath recognizes most paths without copying them: segments of letters, digits and
// the usual punctuation.
func isSimplePath(path string) bool {
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

// checkSegments refuses segments that servers remove or treat as the parent folder. Some
// servers do so only after they have removed path parameters, dots and spaces.
func checkSegments(path string) error {
	segments := strings.Split(path[1:], "/")
	for i, segment := range segments {
		name, _, parameters := strings.Cut(segment, ";")
		switch rest := strings.Trim(name, ". "); {
		case rest != "":
		case name != "" || parameters:
			return ambiguous("it has a dot segment or a similar segment")
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

// foldPath returns a decoded path as the most lenient server treats it: in lower case, without
// path parameters, and without dots and spaces at the end of segments.
func foldPath(path string) string {
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		name, _, _ := strings.Cut(segment, ";")
		segments[i] = strings.ToLower(strings.ToUpper(strings.TrimRight(name, ". ")))
	}
	return strings.Join(segments, "/")
}

// below reports whether a path is below a prefix, by whole segments: /team is below /team/.
func below(path, prefix string) bool {
	return strings.HasPrefix(path, prefix) || len(path)+1 == len(prefix) && strings.HasPrefix(prefix, path)
}
