package fieldpath

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/doorward/doorward/sdk/claims"
)

// condition is a condition in brackets.
type condition struct {
	name  string
	op    string // "", "!", "=" or "!="
	value string
}

// brackets parses [a && !b && c=d].
func (p *parser) brackets() ([]condition, error) {
	p.rest = strings.TrimLeft(p.rest[1:], " ")
	var list []condition
	for !strings.HasPrefix(p.rest, "]") {
		if len(list) > 0 {
			rest, ok := strings.CutPrefix(p.rest, "&&")
			if !ok {
				return nil, errors.New("has brackets that do not end, or conditions that are not joined with &&")
			}
			p.rest = rest
		}
		c, err := p.condition()
		if err != nil {
			return nil, err
		}
		if list = append(list, c); len(list) > maxConditions {
			return nil, fmt.Errorf("has more than %d conditions", maxConditions)
		}
		p.rest = strings.TrimLeft(p.rest, " ")
	}
	p.rest = p.rest[1:]
	return list, nil
}

// condition parses up to && or a bracket.
func (p *parser) condition() (condition, error) {
	p.rest = strings.TrimLeft(p.rest, " ")
	c := condition{}
	if rest, ok := strings.CutPrefix(p.rest, "!"); ok {
		c.op, p.rest = "!", rest
	}
	end := strings.IndexAny(p.rest, "=!&]")
	if end < 0 {
		return c, errors.New("has brackets that do not end")
	}
	c.name = strings.TrimRight(p.rest[:end], " ")
	p.rest = p.rest[end:]
	if err := checkName(c.name); err != nil {
		return c, fmt.Errorf("has a condition whose name %w", err)
	}
	if strings.HasPrefix(p.rest, "&") || strings.HasPrefix(p.rest, "]") {
		return c, nil
	}
	if c.op != "" {
		return c, errors.New("has a condition with both ! and a comparison")
	}
	for _, op := range []string{"!=", "="} {
		if rest, ok := strings.CutPrefix(p.rest, op); ok {
			c.op = op
			value, rest, err := readValue(strings.TrimLeft(rest, " "), "&]")
			c.value, p.rest = value, rest
			return c, err
		}
	}
	return c, errors.New("has a ! inside a condition")
}

// readValue parses text in quotes, or text up to one of the characters of stop.
func readValue(text, stop string) (value, rest string, err error) {
	if inner, ok := strings.CutPrefix(text, `"`); ok {
		value, rest, ok = strings.Cut(inner, `"`)
		if !ok {
			return "", "", errors.New("has a quote that does not end")
		}
		return value, rest, nil
	}
	end := strings.IndexAny(text, stop)
	if end < 0 {
		end = len(text)
	}
	value, rest = strings.TrimRight(text[:end], " "), text[end:]
	if value == "" || strings.ContainsAny(value, `"[]|`) {
		return "", "", errors.New("compares with nothing, or with text that needs quotes")
	}
	return value, rest, nil
}

// holds reports whether an element meets the condition.
func (c condition) holds(element any) (bool, error) {
	v, err := claims.Lookup(element, c.name)
	if err != nil {
		return false, err
	}
	switch c.op {
	case "=":
		return same(v, c.value), nil
	case "!=":
		return !same(v, c.value), nil
	case "!":
		// The text "true" is neither true nor false. Reading it as false could select an
		// element that the condition should exclude.
		if v != nil && v != true && v != false {
			return false, fmt.Errorf("%s is neither true nor false", c.name)
		}
		return v != true, nil
	default:
		return v == true, nil
	}
}

// same compares a value with text. Numbers are compared digit by digit.
func same(v any, text string) bool {
	switch v := v.(type) {
	case string:
		return v == text
	case json.Number:
		return string(v) == text
	case bool:
		return v && text == "true" || !v && text == "false"
	default:
		return false
	}
}
