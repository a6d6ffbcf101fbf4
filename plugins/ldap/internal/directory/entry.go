package directory

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-ldap/ldap/v3"

	"github.com/doorward/doorward/sdk"
)

// Entry is an entry as a server sent it. Do not trust it beyond what that server may say.
type Entry struct {
	DN     string
	values map[string][][]byte // by the name of the attribute in lower case
	more   map[string]int      // for attributes sent in part: where the rest begins
}

func entriesOf(list []*ldap.Entry) []Entry {
	entries := make([]Entry, len(list))
	for i, e := range list {
		entries[i] = NewEntry(e)
	}
	return entries
}

// NewEntry converts an entry of the library.
func NewEntry(e *ldap.Entry) Entry {
	out := Entry{DN: e.DN, values: map[string][][]byte{}, more: map[string]int{}}
	for _, a := range e.Attributes {
		name, next, partly := readRange(strings.ToLower(a.Name))
		if partly {
			out.more[name] = next
		}
		out.values[name] = append(out.values[name], a.ByteValues...)
	}
	return out
}

// readRange reads a name such as member;range=0-1499 (MS-ADTS section 3.1.1.3.1.3.3), whose
// remaining values begin at 1500. The last part ends with *.
func readRange(name string) (plain string, next int, partly bool) {
	plain, option, found := strings.Cut(name, ";range=")
	if !found {
		return name, 0, false
	}
	_, end, found := strings.Cut(option, "-")
	last, err := strconv.Atoi(end)
	if !found || err != nil || last < 0 || last > sdk.MaxGroups*10 {
		return plain, 0, false
	}
	return plain, last + 1, true
}

// Raw returns the values of an attribute.
func (e Entry) Raw(name string) [][]byte { return e.values[strings.ToLower(name)] }

// Text returns the first value that is plain text, or "".
func (e Entry) Text(name string) string {
	for _, value := range e.Raw(name) {
		if IsPlain(value) {
			return string(value)
		}
	}
	return ""
}

// Texts returns all values that are plain text.
func (e Entry) Texts(name string) []string {
	var texts []string
	for _, value := range e.Raw(name) {
		if IsPlain(value) {
			texts = append(texts, string(value))
		}
	}
	return texts
}

// IsPlain reports whether a value is allowed in an identity: UTF-8 without control
// characters, and of a size that the host accepts.
func IsPlain(value []byte) bool {
	return len(value) > 0 && len(value) <= sdk.MaxAttribute && utf8.Valid(value) &&
		strings.IndexFunc(string(value), unicode.IsControl) < 0
}

// Number returns the first value as a number.
func (e Entry) Number(name string) (int64, bool) {
	n, err := strconv.ParseInt(e.Text(name), 10, 64)
	return n, err == nil
}

// Is reports whether the first value is that word, in any case.
func (e Entry) Is(name, word string) bool { return strings.EqualFold(e.Text(name), word) }
