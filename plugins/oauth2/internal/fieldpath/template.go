package fieldpath

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Template is text with paths in braces: {organization.login}/{slug}.
type Template struct {
	text     string
	literals []string // one more than paths
	paths    []Path
}

// ParseTemplate parses a template. The error tells the operator what is wrong.
func ParseTemplate(text string) (Template, error) {
	if len(text) > MaxLength {
		return Template{}, fmt.Errorf("has %d bytes, at most %d are allowed", len(text), MaxLength)
	}
	t := Template{text: text}
	rest := text
	for {
		literal, after, found := strings.Cut(rest, "{")
		if strings.Contains(literal, "}") {
			return Template{}, errors.New("has a closing brace without an opening one")
		}
		t.literals = append(t.literals, literal)
		if !found {
			return t, nil
		}
		inner, after, closed := strings.Cut(after, "}")
		if !closed {
			return Template{}, errors.New("has a brace that is not closed")
		}
		path, err := Parse(inner)
		if err != nil {
			return Template{}, fmt.Errorf("has the path %q, which %w", inner, err)
		}
		if t.paths = append(t.paths, path); len(t.paths) > maxSteps {
			return Template{}, fmt.Errorf("has more than %d paths", maxSteps)
		}
		rest = after
	}
}

// MustParseTemplate is ParseTemplate for a template in the source code. It panics on an
// error.
func MustParseTemplate(text string) Template {
	t, err := ParseTemplate(text)
	if err != nil {
		panic(fmt.Sprintf("template %q %v", text, err))
	}
	return t
}

// String is the template as it was written.
func (t Template) String() string { return t.text }

// Constant reports whether the template contains no path.
func (t Template) Constant() bool { return len(t.paths) == 0 }

// ErrAmbiguous: a value contains the text that the template puts between two values.
var ErrAmbiguous = errors.New("a value contains the separator between it and the next value")

// Write fills in the values of v. A value must be present, and be text or a number. Escape
// converts each value; with a nil escape, values are not changed. A value that contains a
// literal of the template is an error, [ErrAmbiguous]: a team "x/admins" of one organization
// must not look like the team "admins" of another.
func (t Template) Write(v any, escape func(string) (string, error)) (string, error) {
	var b strings.Builder
	b.WriteString(t.literals[0])
	for i, path := range t.paths {
		found, err := path.One(v)
		if err != nil {
			return "", err
		}
		text, ok := Text(found)
		if !ok || text == "" {
			return "", fmt.Errorf("%s is neither text nor a number", path)
		}
		if escape != nil {
			if text, err = escape(text); err != nil {
				return "", fmt.Errorf("%s %w", path, err)
			}
		}
		if t.separates(text) {
			return "", fmt.Errorf("%s: %w", path, ErrAmbiguous)
		}
		b.WriteString(text)
		b.WriteString(t.literals[i+1])
	}
	return b.String(), nil
}

func (t Template) separates(text string) bool {
	for _, literal := range t.literals[1 : len(t.literals)-1] {
		if literal != "" && strings.Contains(text, literal) {
			return true
		}
	}
	return false
}

// Text returns a value that is text, or a number with all its digits.
func Text(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return string(v), true
	default:
		return "", false
	}
}

func isZero(v any) bool { return v == json.Number("0") }
