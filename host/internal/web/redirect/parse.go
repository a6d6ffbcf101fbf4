package redirect

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	whatwg "github.com/nlnwa/whatwg-url/url"
)

// clean does what a browser does before it parses a URL: it strips spaces and control
// characters from both ends, and removes tabs and line breaks anywhere (URL Standard
// section 4.4). A browser would keep other control characters in encoded form; nobody needs
// them, and servers behind this host may decode them (B02).
func clean(text string) (string, error) {
	if len(text) > MaxSize {
		return "", fmt.Errorf("longer than %d bytes", MaxSize)
	}
	if !utf8.ValidString(text) {
		return "", errors.New("not valid UTF-8")
	}
	text = strings.TrimFunc(text, func(r rune) bool { return r <= ' ' })
	text = strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(text)
	if strings.ContainsFunc(text, unicode.IsControl) {
		return "", errors.New("contains a control character")
	}
	return text, nil
}

// hasScheme reports whether a cleaned text starts with a scheme (URL Standard section 4.3).
// Such a text never counts as a relative reference, although a browser on an https page
// reads "https:x" as one: that depends on the page that the browser happens to be on.
func hasScheme(text string) bool {
	for i := range len(text) {
		c := text[i] | 0x20
		switch {
		case 'a' <= c && c <= 'z':
		case i > 0 && (text[i] == '+' || text[i] == '-' || text[i] == '.' || '0' <= text[i] && text[i] <= '9'):
		default:
			return i > 0 && text[i] == ':'
		}
	}
	return false
}

// hasAuthority reports whether a reference without a scheme names a host. To a browser a
// backslash is a slash here (B01).
func hasAuthority(reference string) bool {
	return strings.HasPrefix(strings.ReplaceAll(reference, `\`, "/"), "//")
}

// startsWithOrigin reports whether a cleaned text starts with an origin as we write it,
// apart from capitals and a default port.
//
// Parsers disagree about missing slashes (B03), user names and backslashes before an @
// (B04), full-width letters and percent-encoded hosts (B05) and the number forms of IP
// addresses (B08). The browser's own location.href has none of these.
func startsWithOrigin(text, origin string) bool {
	rest, ok := strings.CutPrefix(lowerASCII(text), origin)
	if !ok {
		return false
	}
	switch scheme, _, _ := strings.Cut(origin, ":"); scheme {
	case "https":
		rest = strings.TrimPrefix(rest, ":443")
	case "http":
		rest = strings.TrimPrefix(rest, ":80")
	}
	return rest == "" || strings.ContainsRune("/?#", rune(rest[0]))
}

// lowerASCII leaves other letters unchanged: strings.ToLower would make the Kelvin sign a
// k.
func lowerASCII(text string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, text)
}

// origin is the ASCII serialisation of an http or https origin (HTML Standard
// section 7.1.1): default ports are left out.
func origin(u *whatwg.Url) string { return u.Scheme() + "://" + u.Host() }

// readsAsHost reports whether a path starts with two slashes, or would after a server has
// removed path parameters, white space and dots. A browser reads what follows as a host
// name (B07).
//
// Encoded slashes do not count, because browsers distinguish them from real ones.
func readsAsHost(path string) bool {
	segments := strings.Split(strings.TrimPrefix(path, "/"), "/")
	for _, segment := range segments[:len(segments)-1] {
		segment, err := decoded(segment)
		name, _, _ := strings.Cut(segment, ";")
		switch name = strings.TrimSpace(name); {
		case err != nil || name == "":
			return true
		case name != "." && name != "..":
			return false
		}
	}
	return false
}

// maxDecodings is how many times a path can be percent-encoded. No path made by people
// needs more.
const maxDecodings = 5

// decoded returns a path as the most eager server might see it: decoded until nothing is
// left to decode. It refuses control characters that appear on the way (B02).
func decoded(path string) (string, error) {
	for range maxDecodings {
		next := decodedOnce(path)
		if strings.ContainsFunc(next, unicode.IsControl) {
			return "", refuse("its path contains an encoded control character")
		}
		if next == path {
			return path, nil
		}
		path = next
	}
	return "", refuse("its path is percent-encoded more than %d times", maxDecodings-1)
}

// decodedOnce leaves a percent sign that encodes nothing unchanged, as browsers do (URL
// Standard section 1.3).
func decodedOnce(path string) string {
	var b strings.Builder
	for i := 0; i < len(path); i++ {
		if path[i] == '%' && i+2 < len(path) && isHex(path[i+1]) && isHex(path[i+2]) {
			b.WriteByte(unhex(path[i+1])<<4 | unhex(path[i+2]))
			i += 2
			continue
		}
		b.WriteByte(path[i])
	}
	return b.String()
}

func isHex(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f' }

func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return (c | 0x20) - 'a' + 10
}
