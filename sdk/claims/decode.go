package claims

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Limits of Decode.
const (
	MaxBytes  = 256 << 10 // bytes of the whole text
	MaxDepth  = 16        // objects and arrays inside each other, the outermost included
	MaxValues = 20_000    // values of all kinds together
	MaxNumber = 64        // characters of a number
)

// Object is a decoded JSON object. Its values are string, bool, nil,
// [json.Number], []any and map[string]any.
type Object map[string]any

// Decode reads one JSON object strictly; the package comment says how. The
// error tells what is wrong and never holds a value.
func Decode(data []byte) (Object, error) {
	w, err := begin(data, '{')
	if err != nil {
		return nil, err
	}
	return w.object(1)
}

// DecodeFor is [Decode] for a reader of the names given and no others. Two keys that
// differ only in case are refused only where they are spellings of one of these: of
// what nobody reads, nobody can read the wrong one. A key that is there twice is
// refused whatever it is called.
func DecodeFor(data []byte, names ...string) (Object, error) {
	w, err := begin(data, '{')
	if err != nil {
		return nil, err
	}
	w.some, w.names = true, names
	return w.object(1)
}

// DecodeList reads one JSON array as strictly as [Decode] reads an object. Its
// elements are of the kinds that the values of an [Object] are of.
func DecodeList(data []byte) ([]any, error) {
	w, err := begin(data, '[')
	if err != nil {
		return nil, err
	}
	return w.array(1)
}

// begin checks a text as a whole, and that it starts with an object or an array.
func begin(data []byte, first byte) (*walker, error) {
	switch {
	case len(data) > MaxBytes:
		return nil, fmt.Errorf("%d bytes of JSON, at most %d are read", len(data), MaxBytes)
	case !utf8.Valid(data):
		return nil, errors.New("not valid UTF-8")
	case !json.Valid(data):
		return nil, errors.New("not valid JSON")
	}
	w := &walker{data: bytes.TrimSpace(data)}
	if w.data[0] == first {
		return w, nil
	}
	if first == '[' {
		return nil, errors.New("not a JSON array")
	}
	return nil, errors.New("not a JSON object")
}

// walker goes once over text that json.Valid found well-formed, so that it can
// leave the grammar aside and look at what the grammar does not forbid.
type walker struct {
	data   []byte
	at     int
	values int

	some    bool // only names are guarded, and may have one spelling only; else all keys
	names   []string
	guarded map[string]bool // names, folded; nil: not yet
}

func (w *walker) value(depth int) (any, error) {
	if w.values++; w.values > MaxValues {
		return nil, fmt.Errorf("more than %d values", MaxValues)
	}
	switch w.peek() {
	case '{':
		object, err := w.object(depth + 1)
		return map[string]any(object), err
	case '[':
		return w.array(depth + 1)
	case '"':
		return w.text()
	case 't':
		w.at += len("true")
		return true, nil
	case 'f':
		w.at += len("false")
		return false, nil
	case 'n':
		w.at += len("null")
		return nil, nil
	default:
		return w.number()
	}
}

func (w *walker) object(depth int) (Object, error) {
	if depth > MaxDepth {
		return nil, fmt.Errorf("nested more than %d deep", MaxDepth)
	}
	object, seen := Object{}, map[string]bool{}
	w.at++
	for w.peek() != '}' {
		key, err := w.key(object, seen)
		if err != nil {
			return nil, err
		}
		if object[key], err = w.value(depth); err != nil {
			return nil, err
		}
		w.skip(',')
	}
	w.at++
	return object, nil
}

// key reads a key and the colon after it. Two keys that a case-insensitive
// reader takes for one are refused like two equal ones, if they are guarded.
func (w *walker) key(object Object, seen map[string]bool) (string, error) {
	key, err := w.text()
	if err != nil {
		return "", err
	}
	if key == "__proto__" {
		return "", errors.New(`a key "__proto__"`)
	}
	folded := fold(key)
	if seen[folded] {
		if _, twice := object[key]; twice {
			return "", fmt.Errorf("key %s twice", quote(key))
		}
		if w.guards(folded) {
			return "", fmt.Errorf("key %s in two spellings", quote(key))
		}
	}
	seen[folded] = true
	w.peek()
	w.skip(':')
	return key, nil
}

// guards reports whether a key may have one spelling only. Hardly any text has a key in
// two, so the names are folded when the first one does.
func (w *walker) guards(folded string) bool {
	if !w.some {
		return true
	}
	if w.guarded == nil {
		w.guarded = map[string]bool{}
		for _, name := range w.names {
			w.guarded[fold(name)] = true
		}
	}
	return w.guarded[folded]
}

func (w *walker) array(depth int) ([]any, error) {
	if depth > MaxDepth {
		return nil, fmt.Errorf("nested more than %d deep", MaxDepth)
	}
	list := []any{}
	w.at++
	for w.peek() != ']' {
		v, err := w.value(depth)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
		w.skip(',')
	}
	w.at++
	return list, nil
}

func (w *walker) number() (json.Number, error) {
	start := w.at
	for w.at < len(w.data) && strings.IndexByte("+-.0123456789eE", w.data[w.at]) >= 0 {
		w.at++
	}
	if w.at-start > MaxNumber {
		return "", fmt.Errorf("a number of more than %d characters", MaxNumber)
	}
	return json.Number(w.data[start:w.at]), nil
}

func (w *walker) text() (string, error) {
	start := w.at
	escaped := false
	for w.at++; w.data[w.at] != '"'; w.at++ {
		if w.data[w.at] != '\\' {
			continue
		}
		escaped = true
		if err := w.escape(); err != nil {
			return "", err
		}
	}
	w.at++
	if !escaped {
		return string(w.data[start+1 : w.at-1]), nil
	}
	var s string
	err := json.Unmarshal(w.data[start:w.at], &s)
	return s, err
}

// escape looks at the escape sequence at w.at and leaves w.at on its last
// character. encoding/json turns a lone surrogate into U+FFFD silently, which
// would make different names equal.
func (w *walker) escape() error {
	w.at++
	if w.data[w.at] != 'u' {
		return nil
	}
	r := w.hex()
	switch {
	case r == 0:
		return errors.New("a NUL character")
	case !utf16.IsSurrogate(r):
		return nil
	case w.data[w.at+1] != '\\' || w.data[w.at+2] != 'u':
		return errors.New("a lone surrogate")
	}
	w.at += 2
	if utf16.DecodeRune(r, w.hex()) == unicode.ReplacementChar {
		return errors.New("a lone surrogate")
	}
	return nil
}

// hex reads the four digits after the u at w.at.
func (w *walker) hex() rune {
	n, _ := strconv.ParseUint(string(w.data[w.at+1:w.at+5]), 16, 16) // json.Valid has seen the digits
	w.at += 4
	return rune(n)
}

// peek skips white space and returns the character that follows.
func (w *walker) peek() byte {
	for {
		switch c := w.data[w.at]; c {
		case ' ', '\t', '\r', '\n':
			w.at++
		default:
			return c
		}
	}
}

// skip goes past c if it is next, and past white space before it.
func (w *walker) skip(c byte) {
	if w.peek() == c {
		w.at++
		w.peek()
	}
}

// fold maps all spellings that encoding/json takes for one key to one string.
// It is wider than ASCII: U+212A (Kelvin) folds with k, U+017F (long s) with s.
func fold(key string) string {
	if isASCII(key) {
		return strings.ToUpper(key) // what the rest comes to, and several times faster
	}
	return strings.Map(func(r rune) rune {
		for next := unicode.SimpleFold(r); ; next = unicode.SimpleFold(next) {
			if next <= r {
				return next
			}
		}
	}, key)
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// quote shows a name from hostile input in an error.
func quote(name string) string {
	const most = 64
	if len(name) > most {
		name = strings.ToValidUTF8(name[:most], "") + "…"
	}
	return strconv.QuoteToASCII(name)
}
