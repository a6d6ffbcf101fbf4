// Package fieldpath finds fields in a provider's response by paths that an operator
// writes.
//
//	id                                   a member
//	data.user.open_id                    a member of a member
//	response.0.id                        a member of the first element of a list
//	https://slack.com/user_id            a name can contain dots
//	emails[primary && verified].email    a member of the only matching element
//	orgs[].login                         a member of each element
//	name|login                           the first that is present
//
// A condition in brackets is one of
//
//	verified            the member is the JSON value true
//	!archived           it is false, null or absent
//	type=company        it is that text, that number digit by digit, true or false
//	state!="no longer"  it is not, or it is absent; quotes allow any character
//
// Conditions are joined with &&. There are no wildcards, no scripts and no regular
// expressions, and the length and the steps of a path are limited, so that a response
// cannot make a search slow.
//
// A path that leads to two values where one is expected is an error; the first value is
// not used, because somebody who can add values to the response must not control the
// result. A number remains a [json.Number] with all its digits.
package fieldpath

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/doorward/doorward/sdk/claims"
)

// Limits of a path.
const (
	MaxLength       = 512 // bytes, alternatives included
	maxSteps        = 16
	maxConditions   = 8
	maxAlternatives = 4
)

// Path is a parsed path. The zero value leads nowhere.
type Path struct {
	text         string
	alternatives []alternative
}

// alternative is one of the paths separated by bars.
type alternative []step

// step goes to a member, or selects elements of a list.
type step struct {
	name       string // dotted; empty for a filter
	filter     bool
	conditions []condition
}

// Parse parses a path. The error tells the operator what is wrong, and follows the words
// "the path".
func Parse(text string) (Path, error) {
	if len(text) > MaxLength {
		return Path{}, fmt.Errorf("has %d bytes, at most %d are allowed", len(text), MaxLength)
	}
	p := parser{rest: text}
	path := Path{text: text}
	for {
		r, err := p.alternative()
		if err != nil {
			return Path{}, err
		}
		path.alternatives = append(path.alternatives, r)
		if p.rest == "" {
			break
		}
		p.rest = p.rest[1:] // the bar
	}
	if len(path.alternatives) > maxAlternatives {
		return Path{}, fmt.Errorf("has %d alternatives, at most %d are allowed", len(path.alternatives), maxAlternatives)
	}
	return path, nil
}

// MustParse is Parse for a path in the source code. It panics on an error.
func MustParse(text string) Path {
	p, err := Parse(text)
	if err != nil {
		panic(fmt.Sprintf("path %q %v", text, err))
	}
	return p
}

// String is the path as it was written.
func (p Path) String() string { return p.text }

// IsZero reports whether the path leads nowhere.
func (p Path) IsZero() bool { return len(p.alternatives) == 0 }

// Single reports whether the path has one alternative only, and selects single elements.
func (p Path) Single() bool {
	return len(p.alternatives) == 1 && !slices.ContainsFunc(p.alternatives[0], step.each)
}

// Filters reports whether the path selects elements of a list.
func (p Path) Filters() bool {
	return slices.ContainsFunc(p.alternatives, func(a alternative) bool {
		return slices.ContainsFunc(a, func(s step) bool { return s.filter })
	})
}

// Last returns the name of the last member of the path, or of its first alternative:
// email for emails[primary].email.
func (p Path) Last() string {
	if p.IsZero() {
		return ""
	}
	r := p.alternatives[0]
	return r[len(r)-1].name
}

// One finds one value in v. It returns nil if there is no value or the value is null. Two
// values are an error.
func (p Path) One(v any) (any, error) {
	for _, r := range p.alternatives {
		found, err := r.walk(v)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.text, err)
		}
		if len(found) > 1 {
			return nil, fmt.Errorf("%s: leads to %d values, but must lead to one", p.text, len(found))
		}
		if len(found) == 1 && found[0] != nil && found[0] != "" {
			return found[0], nil
		}
	}
	return nil, nil
}

// All finds all values in v. A list at the end of the path is replaced by its
// elements.
func (p Path) All(v any) ([]any, error) {
	for _, r := range p.alternatives {
		found, err := r.walk(v)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.text, err)
		}
		if len(found) == 1 {
			if list, ok := found[0].([]any); ok {
				found = list
			}
		}
		if len(found) > 0 && (len(found) > 1 || found[0] != nil) {
			return found, nil
		}
	}
	return nil, nil
}

// each reports whether a step can select several elements.
func (s step) each() bool { return s.filter && len(s.conditions) == 0 }

func (r alternative) walk(v any) ([]any, error) {
	values := []any{v}
	for _, s := range r {
		var next []any
		for _, v := range values {
			found, err := s.take(v)
			if err != nil {
				return nil, err
			}
			next = append(next, found...)
		}
		values = next
	}
	return values, nil
}

func (s step) take(v any) ([]any, error) {
	if !s.filter {
		found, err := claims.Lookup(v, s.name)
		if err != nil || found == nil {
			return nil, err
		}
		return []any{found}, nil
	}
	if v == nil {
		return nil, nil
	}
	list, ok := v.([]any)
	if !ok {
		return nil, errors.New("the value before brackets is not a list")
	}
	var kept []any
	for _, element := range list {
		fits, err := s.fits(element)
		if err != nil {
			return nil, err
		}
		if fits {
			kept = append(kept, element)
		}
	}
	return kept, nil
}

func (s step) fits(element any) (bool, error) {
	for _, c := range s.conditions {
		if fits, err := c.holds(element); !fits || err != nil {
			return false, err
		}
	}
	return true, nil
}

// parser parses a path from left to right.
type parser struct{ rest string }

// alternative parses up to a bar or the end.
func (p *parser) alternative() (alternative, error) {
	var r alternative
	for {
		s, err := p.step()
		if err != nil {
			return nil, err
		}
		if r = append(r, s); len(r) > maxSteps {
			return nil, fmt.Errorf("has more than %d steps", maxSteps)
		}
		switch {
		case p.rest == "" || p.rest[0] == '|':
			return r, nil
		case p.rest[0] == '.' && s.filter:
			p.rest = p.rest[1:]
			if p.rest == "" || strings.IndexByte("[|.", p.rest[0]) >= 0 {
				return nil, errors.New("has no name after a dot")
			}
		case p.rest[0] != '[':
			return nil, fmt.Errorf("has %q after brackets, where a dot is required", p.rest[:1])
		}
	}
}

func (p *parser) step() (step, error) {
	if strings.HasPrefix(p.rest, "[") {
		conditions, err := p.brackets()
		return step{filter: true, conditions: conditions}, err
	}
	end := strings.IndexAny(p.rest, "[|")
	if end < 0 {
		end = len(p.rest)
	}
	name := p.rest[:end]
	p.rest = p.rest[end:]
	if err := checkName(name); err != nil {
		return step{}, err
	}
	return step{name: name}, nil
}

// checkName checks a dotted name. Dots can be part of a member's own name, so only empty
// parts are errors.
func checkName(name string) error {
	switch {
	case name == "":
		return errors.New("is empty, or has an empty part")
	case strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".") || strings.Contains(name, ".."):
		return errors.New("has no name before or after a dot")
	case strings.Count(name, ".") >= maxSteps:
		return fmt.Errorf("has more than %d steps", maxSteps)
	case strings.TrimSpace(name) != name || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f || r == ']' || r == '"' }):
		return errors.New("has a bracket, a quote, a control character or a space where it is not allowed")
	}
	return nil
}
