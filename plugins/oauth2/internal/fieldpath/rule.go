package fieldpath

import (
	"errors"
	"strings"
)

// Rule is a condition on a whole response, such as one that makes it an error:
//
//	error           the value is present and not null, false, 0, or an empty text or list
//	resultcode!=00  the value differs, or is absent
//	ok=false        the value is equal
type Rule struct {
	text  string
	path  Path
	op    string // "", "=" or "!="
	value string
}

// ParseRule parses a rule. The error tells the operator what is wrong, and follows the words
// "the rule, which".
func ParseRule(text string) (Rule, error) {
	r := Rule{text: text}
	left := text
	// The comparison of the rule is after the last bracket; conditions have their own.
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

// MustParseRule is ParseRule for a rule in the source code. It panics on an error.
func MustParseRule(text string) Rule {
	r, err := ParseRule(text)
	if err != nil {
		panic("rule " + text + " " + err.Error())
	}
	return r
}

// String is the rule as it was written.
func (r Rule) String() string { return r.text }

// Negative reports whether the rule is true for a response that does not have the value at
// all.
func (r Rule) Negative() bool { return r.op == "!=" }

// Holds reports whether the rule is true for v.
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
		return isSet(found), nil
	}
}

// isSet reports whether a value is neither null, false, zero nor empty.
func isSet(v any) bool {
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
