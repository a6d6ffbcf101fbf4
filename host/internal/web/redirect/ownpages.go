package redirect

import (
	"path"
	"strings"
	"unicode"
)

// leadsBackHere reports whether a decoded path is that of our own login or logout, with or
// without the base path of the public URL. Going there after a login would start the next
// login, or end the session at once (B09).
func (r *Rules) leadsBackHere(decoded string) bool {
	place := canonical(decoded)
	return isLoginOrLogout(place) || isLoginOrLogout(strings.TrimPrefix(place, r.base))
}

func isLoginOrLogout(place string) bool {
	switch place {
	case "/login", "/logout", "/auth/login", "/auth/logout":
		return true
	}
	return strings.HasPrefix(place, "/auth/login/")
}

// canonical maps all spellings of a path that some router or proxy might take for the same
// path to one: capitals, backslashes, path parameters, empty and dot segments, a trailing
// slash.
func canonical(decoded string) string {
	segments := strings.Split(strings.ReplaceAll(strings.ToLower(decoded), `\`, "/"), "/")
	for i, segment := range segments {
		name, _, _ := strings.Cut(segment, ";")
		segments[i] = strings.TrimFunc(name, unicode.IsSpace)
	}
	return path.Clean("/" + strings.Join(segments, "/"))
}
