package options

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Decode reads values into a C. Keys are option names in lower case. Values are
// text or typed (bool, integers, float64, json.Number, lists, mappings,
// json.RawMessage), at most [MaxValues] of them and each at most [MaxValueSize].
//
// The error is [Problems] if the operator can fix it. The C then holds the options
// that have no problem; use it only for further checks. Any other error is a fault in
// the tags of C, as from [SchemaOf]. If all values can be read, Decode calls Problems()
// of the embedded structs of C and Validate() of C or *C.
func Decode[C any](values map[string]any) (C, error) {
	var c C
	fields, err := fieldsOf(reflect.TypeFor[C]())
	if err != nil {
		return c, err
	}
	if len(values) > MaxValues {
		return c, Problems{{Text: fmt.Sprintf("more than %d options are given", MaxValues)}}
	}
	problems := decodeFields(reflect.ValueOf(&c).Elem(), fields, values)
	if len(problems) > 0 {
		return c, problems
	}
	problems = embeddedProblems(reflect.ValueOf(&c).Elem())
	for _, p := range problemsOf(validate(&c)) {
		if !slices.Contains(problems, p) {
			problems = append(problems, p)
		}
	}
	return c, problems.Err()
}

// embeddedProblems calls the method of each embedded struct itself. Method promotion
// is not enough: Go does not promote a method that two embedded structs have, and a
// method of the outer struct hides it.
func embeddedProblems(c reflect.Value) Problems {
	var problems Problems
	for i := range c.NumField() {
		if sf := c.Type().Field(i); !sf.Anonymous || !sf.IsExported() || sf.Type.Kind() != reflect.Struct {
			continue
		}
		if embedded, ok := c.Field(i).Addr().Interface().(interface{ Problems() Problems }); ok {
			problems = append(problems, embedded.Problems()...)
			continue
		}
		problems = append(problems, embeddedProblems(c.Field(i))...)
	}
	return problems
}

func validate(c any) error {
	if v, ok := c.(interface{ Validate() error }); ok {
		return v.Validate()
	}
	return nil
}

func decodeFields(target reflect.Value, fields []field, values map[string]any) Problems {
	var problems Problems
	parts, unknown := assign(fields, values)
	for _, f := range fields {
		value, found := decodeField(f.option, values[f.option.Name], parts[f.option.Name])
		problems = append(problems, found...)
		if value != nil && len(found) == 0 {
			dst := target.FieldByIndex(f.index)
			dst.Set(reflect.ValueOf(value).Convert(dst.Type()))
		}
	}
	for _, name := range unknown {
		problems = append(problems, Problem{Option: printable(name), Text: unknownText(name, fields)})
	}
	return problems
}

// A part is a single value of a mapping: params__prompt.
type part struct {
	name  string // as given
	key   string // after the option's name
	value any
}

// assign finds the option that each value belongs to. It returns the single
// values of mappings by option, and the names that belong to none.
func assign(fields []field, values map[string]any) (parts map[string][]part, unknown []string) {
	byName := map[string]Option{}
	for _, f := range fields {
		byName[f.option.Name] = f.option
	}
	parts = map[string][]part{}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if _, ok := byName[name]; ok {
			continue
		}
		if owner, key, ok := ownerOf(name, byName); ok {
			parts[owner] = append(parts[owner], part{name, key, values[name]})
		} else {
			unknown = append(unknown, name)
		}
	}
	return parts, unknown
}

// ownerOf splits params__ui_locales into params and ui_locales. The longest name
// of a mapping wins.
func ownerOf(name string, byName map[string]Option) (owner, key string, ok bool) {
	for end := strings.LastIndex(name, "__"); end > 0; end = strings.LastIndex(name[:end], "__") {
		o, found := byName[name[:end]]
		if found && (o.Type == TypeMap || o.Type == TypeObject) && len(name) > end+2 {
			return o.Name, name[end+2:], true
		}
	}
	return "", "", false
}

// decodeField reads one option. The value is nil if it is not given and has no
// default.
func decodeField(o Option, given any, parts []part) (any, Problems) {
	var problems Problems
	value, err := decodeValue(o, given)
	if err != nil {
		problems.Addf(o.Name, "%v", err)
	}
	for _, p := range parts {
		if value, err = addPart(o, value, p); err != nil {
			problems.Addf(printable(p.name), "%v", err)
		}
	}
	switch {
	case len(problems) > 0:
		return nil, problems
	case isEmpty(value) && o.Required:
		return nil, Problems{{Option: o.Name, Text: "is required and not set" + meaning(o)}}
	case value == nil && o.Default != "":
		value, err = parse(o, o.Default)
		if err != nil {
			problems.Addf(o.Name, "default %v", err)
		}
	}
	return value, problems
}

func decodeValue(o Option, given any) (any, error) {
	value, err := normalise(given)
	if err != nil || value == nil || value == "" {
		return nil, err
	}
	return parse(o, value)
}

// addPart sets a single value in a mapping, which it makes if there is none.
func addPart(o Option, mapping any, p part) (any, error) {
	value, err := normalise(p.value)
	if err != nil || value == nil || value == "" {
		return mapping, err
	}
	if o.Type == TypeMap {
		return addText(mapping, p.key, value)
	}
	return addMember(mapping, strings.Split(p.key, "__"), value)
}

func addText(mapping any, key string, value any) (any, error) {
	m, ok := mapping.(map[string]string)
	if !ok {
		m = map[string]string{}
	}
	text, ok := plainText(value)
	if !ok {
		return m, fmt.Errorf("must be text, not %s; put it in quotes", kindOf(value))
	}
	m[key] = text
	return m, nil
}

func addMember(mapping any, path []string, value any) (any, error) {
	object, ok := mapping.(map[string]any)
	if !ok {
		object = map[string]any{}
	}
	inner := object
	for _, key := range path[:len(path)-1] {
		if inner[key] == nil {
			inner[key] = map[string]any{}
		}
		if inner, ok = inner[key].(map[string]any); !ok {
			return object, errors.New("is part of a value that is not a mapping; give one or the other")
		}
	}
	inner[path[len(path)-1]] = exactNumbers(value)
	return object, nil
}

func isEmpty(value any) bool {
	if value == nil {
		return true
	}
	switch v := reflect.ValueOf(value); v.Kind() {
	case reflect.String, reflect.Slice, reflect.Map:
		return v.Len() == 0
	}
	return false
}

func meaning(o Option) string {
	if o.Doc == "" {
		return ""
	}
	return " (" + o.Doc + ")"
}

// NoSuchOption is the Text of a [Problem] with an option that does not exist and whose
// name is not similar to an option of the mechanism. It may have been meant for the host.
const NoSuchOption = "there is no such option"

func unknownText(name string, fields []field) string {
	var known []string
	for _, f := range fields {
		known = append(known, f.option.Name)
	}
	if near := Suggest(name, known); near != "" {
		return fmt.Sprintf(NoSuchOption+"; did you mean %s?", near)
	}
	return NoSuchOption
}
