package claims

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Has reports whether the claim exists, even if it is null.
func (o Object) Has(name string) bool {
	_, ok := o[name]
	return ok
}

// True reports whether the claim is the JSON value true. The string "true",
// the number 1 and everything else are not.
func (o Object) True(name string) bool { return o[name] == true }

// String returns a claim that is a string, or "" if it is absent.
func (o Object) String(name string) (string, error) { return asString(name, o[name]) }

// Strings returns a claim that is a string or an array of strings, such as aud,
// or nil if it is absent.
func (o Object) Strings(name string) ([]string, error) { return asStrings(name, o[name]) }

// Time returns a claim that is a NumericDate (RFC 7519 section 2) between the
// years 1970 and 9999, cut to whole seconds, or the zero Time if it is absent.
func (o Object) Time(name string) (time.Time, error) { return asTime(name, o[name]) }

// Int returns a claim that is a whole number, written without a fraction or an
// exponent, or 0 if it is absent.
func (o Object) Int(name string) (int64, error) {
	if o[name] == nil {
		return 0, nil
	}
	n, ok := o[name].(json.Number)
	if !ok {
		return 0, typeError(name, o[name], "a whole number")
	}
	i, err := strconv.ParseInt(string(n), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("claim %s is not a whole number of 64 bits", quote(name))
	}
	return i, nil
}

// Object returns a claim that is itself an object, or nil if it is absent.
func (o Object) Object(name string) (Object, error) {
	if o[name] == nil {
		return nil, nil
	}
	object, ok := o[name].(map[string]any)
	if !ok {
		return nil, typeError(name, o[name], "an object")
	}
	return object, nil
}

func asString(name string, v any) (string, error) {
	if v == nil {
		return "", nil
	}
	s, ok := v.(string)
	if !ok {
		return "", typeError(name, v, "a string")
	}
	return s, nil
}

func asStrings(name string, v any) ([]string, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case string:
		return []string{v}, nil
	case []any:
		list := make([]string, 0, len(v))
		for _, item := range v {
			s, ok := item.(string)
			if !ok {
				return nil, fmt.Errorf("claim %s is a list that contains %s, but only strings are allowed", quote(name), typeName(item))
			}
			list = append(list, s)
		}
		return list, nil
	default:
		return nil, typeError(name, v, "a string or a list of strings")
	}
}

// lastSecond of the year 9999: beyond it a time has no RFC 3339 form.
const lastSecond = 253402300799

func asTime(name string, v any) (time.Time, error) {
	if v == nil {
		return time.Time{}, nil
	}
	n, ok := v.(json.Number)
	if !ok {
		return time.Time{}, typeError(name, v, "a time in seconds")
	}
	// An exponent is refused on purpose: 1e400 is a number in JSON, but nobody
	// writes a time that way.
	whole, _, _ := strings.Cut(string(n), ".")
	if strings.ContainsAny(string(n), "eE") {
		whole = ""
	}
	seconds, err := strconv.ParseUint(whole, 10, 63)
	if err != nil || seconds > lastSecond {
		return time.Time{}, fmt.Errorf("claim %s is not a time in seconds between the years 1970 and 9999", quote(name))
	}
	return time.Unix(int64(seconds), 0).UTC(), nil
}

func typeError(name string, v any, want string) error {
	return fmt.Errorf("claim %s is %s, not %s", quote(name), typeName(v), want)
}

// readable returns the claims without unreadable values, which later readers could
// not read either.
func (o Object) readable() map[string]any {
	if !hasUnreadable(map[string]any(o)) {
		return o
	}
	kept, _ := withoutUnreadable(map[string]any(o)).(map[string]any)
	return kept
}

func hasUnreadable(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		for _, member := range v {
			if hasUnreadable(member) {
				return true
			}
		}
		return false
	case []any:
		return slices.ContainsFunc(v, hasUnreadable)
	}
	_, unreadable := v.(Unreadable)
	return unreadable
}

func withoutUnreadable(v any) any {
	switch v := v.(type) {
	case map[string]any:
		kept := make(map[string]any, len(v))
		for name, member := range v {
			if _, unreadable := member.(Unreadable); !unreadable {
				kept[name] = withoutUnreadable(member)
			}
		}
		return kept
	case []any:
		kept := make([]any, len(v))
		for i, element := range v {
			kept[i] = withoutUnreadable(element)
		}
		return kept
	case Unreadable:
		return nil
	}
	return v
}

func typeName(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return "a string"
	case bool:
		return "a boolean"
	case json.Number:
		return "a number"
	case []any:
		return "a list"
	case Unreadable:
		return string(v)
	default:
		return "an object"
	}
}
