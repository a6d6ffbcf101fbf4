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
// [json.Number], []any and map[string]any, and with [DecodeFor] also Unreadable.
type Object map[string]any

// Unreadable replaces a value that another reader may understand differently: text with
// half a surrogate pair or a NUL character, and a number with too many digits. It matches
// no type, so that readers that need the value refuse it, and others are not affected. It
// says what was wrong, and contains nothing of the value.
type Unreadable string

// Decode reads one JSON object strictly; the package comment says how. The
// error says what is wrong and never contains a value.
func Decode(data []byte) (Object, error) {
	w, err := begin(data, '{', false)
	if err != nil {
		return nil, err
	}
	object, _, err := w.object(1)
	return object, err
}

// DecodeFor is [Decode] for a reader that reads only the given names. Two keys that
// differ only in case are refused only if they are spellings of one of these names:
// nobody can read the wrong one of two keys that nobody reads. A key that occurs twice is
// refused whatever its name. A value that can be understood in two ways becomes
// [Unreadable], and so does an inner object with such a key. Such a key of the outermost
// object is left out.
func DecodeFor(data []byte, names ...string) (Object, error) {
	w, err := begin(data, '{', true)
	if err != nil {
		return nil, err
	}
	w.onlyNames, w.names = true, names
	object, _, err := w.object(1)
	return object, err
}

// DecodeList reads one JSON array as strictly as [Decode] reads an object. Its
// elements have the same types as the values of an [Object].
func DecodeList(data []byte) ([]any, error) {
	w, err := begin(data, '[', false)
	if err != nil {
		return nil, err
	}
	return w.array(1)
}

// begin checks the text as a whole, and that it starts with first: '{' or '['.
func begin(data []byte, first byte, lenient bool) (*walker, error) {
	switch {
	case len(data) > MaxBytes:
		return nil, fmt.Errorf("%d bytes of JSON, at most %d are read", len(data), MaxBytes)
	case !utf8.Valid(data):
		return nil, errors.New("not valid UTF-8")
	case !json.Valid(data):
		return nil, errors.New("not valid JSON")
	}
	w := &walker{data: bytes.TrimSpace(data), lenient: lenient}
	if w.data[0] == first {
		return w, nil
	}
	if first == '[' {
		return nil, errors.New("not a JSON array")
	}
	return nil, errors.New("not a JSON object")
}

// walker passes once over text that json.Valid found well-formed. It need not check the
// grammar, and looks only for what the grammar does not forbid.
type walker struct {
	data   []byte
	at     int
	values int

	lenient   bool // what cannot be read becomes Unreadable instead of an error
	onlyNames bool // only names are guarded (have one spelling only); otherwise all keys are
	names     []string
	guarded   map[string]bool // names, folded; nil: not yet
}

func (w *walker) value(depth int) (any, error) {
	if w.values++; w.values > MaxValues {
		return nil, fmt.Errorf("more than %d values", MaxValues)
	}
	switch w.peek() {
	case '{':
		object, oddKey, err := w.object(depth + 1)
		if oddKey != nil {
			// Its keys may be somebody's groups, of which none may be left out.
			return Unreadable("an object with a key that is " + oddKey.Error()), err
		}
		return map[string]any(object), err
	case '[':
		return w.array(depth + 1)
	case '"':
		text, err := w.text()
		return w.orUnreadable(text, err)
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
		number, err := w.number()
		return w.orUnreadable(number, err)
	}
}

// orUnreadable returns the value, or Unreadable for one that cannot be read.
func (w *walker) orUnreadable(v any, err error) (any, error) {
	if err != nil && w.lenient {
		return Unreadable(err.Error()), nil
	}
	return v, err
}

// object reads an object. oddKey says what is wrong with a key that was left out.
func (w *walker) object(depth int) (object Object, oddKey, err error) {
	if depth > MaxDepth {
		return nil, nil, fmt.Errorf("nested more than %d deep", MaxDepth)
	}
	object, seen := Object{}, map[string]bool{}
	w.at++
	for w.peek() != '}' {
		key, unreadable := w.text()
		w.peek()
		w.skip(':')
		if unreadable != nil && !w.lenient {
			return nil, nil, unreadable
		}
		if unreadable == nil {
			err = w.checkKey(key, object, seen)
		} else {
			err = w.checkUnreadable(key)
		}
		if err != nil {
			return nil, nil, err
		}
		v, err := w.value(depth)
		if err != nil {
			return nil, nil, err
		}
		if unreadable != nil {
			oddKey = unreadable
		} else {
			object[key] = v
		}
		w.skip(',')
	}
	w.at++
	return object, oddKey, nil
}

// checkUnreadable refuses an unreadable key if a reader could take it for a guarded key,
// because it stops at a NUL character or skips what it cannot read.
func (w *walker) checkUnreadable(key string) error {
	isOdd := func(r rune) bool { return r == 0 || r == unicode.ReplacementChar }
	end := strings.IndexFunc(key, isOdd)
	without := strings.Map(func(r rune) rune {
		if isOdd(r) {
			return -1
		}
		return r
	}, key)
	if w.guards(fold(key[:max(end, 0)])) || w.guards(fold(without)) {
		return fmt.Errorf("key %s in a spelling that cannot be read", quote(without))
	}
	return nil
}

// checkKey refuses two equal keys. It also refuses two guarded keys that are equal to a
// case-insensitive reader.
func (w *walker) checkKey(key string, object Object, seen map[string]bool) error {
	if key == "__proto__" {
		return errors.New(`a key "__proto__"`)
	}
	folded := fold(key)
	if seen[folded] {
		if _, twice := object[key]; twice {
			return fmt.Errorf("key %s twice", quote(key))
		}
		if w.guards(folded) {
			return fmt.Errorf("key %s in two spellings", quote(key))
		}
	}
	seen[folded] = true
	return nil
}

// guards reports whether a key may have only one spelling. The names are folded when the
// first key occurs in two spellings, because hardly any text has one.
func (w *walker) guards(folded string) bool {
	if !w.onlyNames {
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

// text reads a text, and moves past it even if it cannot be read.
func (w *walker) text() (string, error) {
	start := w.at
	escaped := false
	var odd error
	for w.at++; w.data[w.at] != '"'; w.at++ {
		if w.data[w.at] != '\\' {
			continue
		}
		escaped = true
		if err := w.escape(); odd == nil {
			odd = err
		}
	}
	w.at++
	raw := w.data[start:w.at]
	if !escaped {
		return string(raw[1 : len(raw)-1]), nil
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return "", err
	}
	return s, odd
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
		return errors.New("a text with a NUL character")
	case !utf16.IsSurrogate(r):
		return nil
	case w.data[w.at+1] != '\\' || w.data[w.at+2] != 'u':
		return errors.New("a text with a lone surrogate")
	}
	w.at += 2
	if utf16.DecodeRune(r, w.hex()) == unicode.ReplacementChar {
		return errors.New("a text with a lone surrogate")
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
		return strings.ToUpper(key) // the same result as below, several times faster
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
