package admin

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/doorward/doorward/host/internal/people"
)

// A member is a part of a request or of an answer. The tags of the struct field describe
// it.
type member struct {
	name     string
	place    place
	index    []int
	kind     reflect.Type
	doc      string
	enum     []string
	required bool
	most     int // maximum of a number, or of the bytes of a string; zero: unbounded
	least    int // minimum of a number
}

// A place says which part of a request has a member.
type place string

const (
	inPath  place = "path"
	inQuery place = "query"
	inBody  place = "body"
)

// membersOf lists the members of a struct and of its embedded structs.
func membersOf(t reflect.Type) []member {
	var members []member
	for _, field := range reflect.VisibleFields(t) {
		if field.Anonymous || !field.IsExported() {
			continue
		}
		members = append(members, memberOf(field))
	}
	return members
}

func memberOf(field reflect.StructField) member {
	m := member{index: field.Index, kind: field.Type, doc: field.Tag.Get("doc"), least: number(field, "min")}
	m.most = max(number(field, "max"), number(field, "most"))
	if values := field.Tag.Get("enum"); values != "" {
		m.enum = strings.Split(values, "|")
	}
	name, flags, _ := strings.Cut(field.Tag.Get("json"), ",")
	switch path, query := field.Tag.Get("path"), field.Tag.Get("query"); {
	case path != "":
		m.name, m.place, m.required = path, inPath, true
	case query != "":
		m.name, m.place, m.required = query, inQuery, field.Tag.Get("required") != ""
	default:
		m.name, m.place, m.required = name, inBody, flags == ""
	}
	return m
}

func number(field reflect.StructField, tag string) int {
	n, _ := strconv.Atoi(field.Tag.Get(tag)) // zero without the tag
	return n
}

// at returns the members in a place.
func at(members []member, where place) []member {
	var there []member
	for _, m := range members {
		if m.place == where {
			there = append(there, m)
		}
	}
	return there
}

// check checks a value against the tags of its field.
func (m member) check(value reflect.Value) error {
	switch v := value.Interface().(type) {
	case string:
		return m.checkText(v)
	case people.Change:
		return m.checkText(v.String())
	case int:
		if v < m.least || v > m.most {
			return m.invalid("must be from %d to %d", m.least, m.most)
		}
	}
	return nil
}

func (m member) checkText(text string) error {
	switch {
	case m.most > 0 && len(text) > m.most:
		return m.invalid("has more than %d bytes", m.most)
	case !utf8.ValidString(text):
		return m.invalid("is not UTF-8")
	}
	return nil
}

func (m member) invalid(format string, args ...any) error {
	return &people.InvalidError{Member: m.name, How: fmt.Sprintf(format, args...)}
}
