package fieldpath

import (
	"errors"
	"strings"
)

// Rule is a statement about an answer as a whole, such as the one that it is an
// error:
//
//	error           there is such a value: not null, false, 0, empty text or list
//	resultcode!=00  the value is another, or is absent
//	ok=false        the value is that one
type Rule struct {
	text  string
	path  Path
	op    string // "", "=" or "!="
	value string
}

// ParseRule reads a rule. The error says what is wrong, for the operator.
func ParseRule(text string) (Rule, error) {
	r := Rule{text: text}
	left := text
	// A comparison after the last bracket, so that conditions may have their own.
	bracket := strings.LastIndexByte(text, ']') + 1
	if at := strings.IndexByte(text[bracket:], '='); at >= 0 {
		at += bracket
		r.op = "="
		left = text[:at]
		if l, ok := strings.CutSuffix(left, "!"); ok {
			left, r.op = l, "!="
		}
		value, rest, err := readValue(strings.TrimLeft(text[at+1:], " "), "")
		if err != nil {
			return Rule{}, err
		}
		if strings.TrimSpace(rest) != "" {
			return Rule{}, errors.New("has text after the value")
		}
		r.value = value
	}
	var err error
	r.path, err = Parse(strings.TrimSpace(left))
	return r, err
}

// MustParseRule is ParseRule for a rule that stands in the program.
func MustParseRule(text string) Rule {
	r, err := ParseRule(text)
	if err != nil {
		panic("rule " + text + " " + err.Error())
	}
	return r
}

// String is the rule as it was written.
func (r Rule) String() string { return r.text }

// Negative reports whether the rule holds of an answer that does not have the value
// at all.
func (r Rule) Negative() bool { return r.op == "!=" }

// Holds tells whether the rule is true of v.
func (r Rule) Holds(v any) (bool, error) {
	found, err := r.path.One(v)
	if err != nil {
		return false, err
	}
	switch r.op {
	case "=":
		return same(found, r.value), nil
	case "!=":
		return !same(found, r.value), nil
	default:
		return there(found), nil
	}
}

// there tells whether a value says anything.
func there(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case []any:
		return len(v) > 0
	case map[string]any:
		return len(v) > 0
	default:
		return !same(v, "") && !isZero(v)
	}
}
