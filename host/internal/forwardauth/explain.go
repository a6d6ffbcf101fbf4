package forwardauth

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// ErrUnclear: a method or a URL that cannot be judged, and that a correct proxy would not
// pass on.
var ErrUnclear = errors.New("not a request that can be judged")

// RequestTo returns a request from a method and a URL that an operator writes, to be
// explained.
func RequestTo(method, url string) (Request, error) {
	scheme, rest, ok := strings.Cut(url, "://")
	if !ok {
		return Request{}, fmt.Errorf("%w: the URL must be absolute, such as https://wiki.example.org/x", ErrUnclear)
	}
	host, target := rest, "/"
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		host, target = rest[:i], rest[i:]
	}
	request, ok := requestOf(&http.Request{Header: http.Header{}}, method, scheme, host, target)
	if !ok {
		return Request{}, fmt.Errorf("%w: the method must be in capitals, and the URL have http or https, a plain host name, and a path", ErrUnclear)
	}
	return request, nil
}

// Why returns the reason for a decision.
func (d Decision) Why() string {
	switch d.Verdict {
	case Unknown, Ambiguous:
		return d.Err.Error()
	case SignIn:
		return "nobody is signed in, and the path is not public"
	case Public:
		return "the path is public: " + d.Public.Path
	case Preflight:
		return "it is a preflight, and the app has preflight: true"
	case Admitted:
		return "the app admits every signed-in user" + d.App.conditions()
	}
	lacks := make([]string, len(d.Missing))
	for i, lack := range d.Missing {
		lacks[i] = lack.String()
	}
	return "missing: " + strings.Join(lacks, "; ")
}

// String says what is missing.
func (l Lack) String() string {
	if l.What == "name" {
		return "a value for Remote-User (FORWARD_AUTH_USER)"
	}
	return "one of the " + l.What + " " + strings.Join(l.OneOf, ", ")
}

// conditions describes the conditions of an app that does not admit everybody.
func (a *App) conditions() string {
	text := a.Subject.String()
	if text != "" {
		text = " with " + text
	}
	var alternatives []string
	for i := range a.Allow {
		alternatives = append(alternatives, a.Allow[i].String())
	}
	if len(alternatives) > 0 {
		text += ", and with " + strings.Join(alternatives, ", or ")
	}
	return text
}

// String describes who matches; empty for everybody.
func (s *Subject) String() string {
	var parts []string
	for _, list := range []Lack{{"providers", s.Providers}, {"roles", s.Roles}, {"groups", s.Groups}, {"users", s.Users}} {
		if len(list.OneOf) > 0 {
			parts = append(parts, list.String())
		}
	}
	return strings.Join(parts, " and ")
}
