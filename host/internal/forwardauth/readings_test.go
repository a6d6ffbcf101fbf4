package forwardauth_test

import (
	"net/url"
	"path"
	"strings"
)

// readings returns how servers of different kinds read a request target.
func readings(target string) map[string]string {
	raw, _, _ := strings.Cut(target, "?")
	raw, _, _ = strings.Cut(raw, "#")
	once := unescape(raw)
	return map[string]string{
		"a server that takes it as it is":                  unescape(raw),
		"one that cleans, then decodes":                    unescape(clean(raw)),
		"one that decodes, then cleans":                    clean(once),
		"one that decodes twice":                           clean(unescape(once)),
		"one for which a backslash is a slash":             clean(strings.ReplaceAll(once, `\`, "/")),
		"one that drops path parameters":                   clean(withoutParameters(once)),
		"one that drops path parameters before it decodes": clean(unescape(withoutParameters(raw))),
		"one that drops dots and spaces at the end":        clean(withoutTails(once)),
		"one that ends at NUL":                             clean(strings.SplitN(once, "\x00", 2)[0]),
	}
}

func unescape(text string) string {
	if decoded, err := url.PathUnescape(text); err == nil {
		return decoded
	}
	return text
}

// clean keeps a trailing slash, which shows that there is a segment.
func clean(text string) string {
	cleaned := path.Clean("/" + text)
	if strings.HasSuffix(text, "/") && cleaned != "/" {
		cleaned += "/"
	}
	return cleaned
}

func withoutParameters(text string) string {
	segments := strings.Split(text, "/")
	for i, segment := range segments {
		segments[i], _, _ = strings.Cut(segment, ";")
	}
	return strings.Join(segments, "/")
}

func withoutTails(text string) string {
	segments := strings.Split(text, "/")
	for i, segment := range segments {
		if trimmed := strings.TrimRight(segment, ". "); trimmed != "" || segment == "" {
			segments[i] = trimmed
		} else {
			segments[i] = ".." // the most that a server can make of dots
		}
	}
	return strings.Join(segments, "/")
}
