package options

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Declared reads values by a schema, as [Decode] does by a struct, into values that
// JSON can carry: text, true and false, numbers, lists, mappings. A plugin in any
// language gets each option, defaults included, in the type that it declared,
// and need not parse text again. A duration becomes its milliseconds.
//
// The error is [Problems]; next to it are the values that have no problem. An option of
// an unknown type is passed on unchanged, because a newer plugin may have more types.
func Declared(schema Schema, values map[string]any) (map[string]any, error) {
	if len(values) > MaxValues {
		return nil, Problems{{Text: fmt.Sprintf("more than %d options are given", MaxValues)}}
	}
	var fields []field
	for _, o := range schema.Options {
		fields = append(fields, field{option: o})
	}
	out := map[string]any{}
	var problems Problems
	parts, unknown := assign(fields, values)
	for _, f := range fields {
		name := f.option.Name
		if !isType(f.option.Type) {
			if given, ok := values[name]; ok {
				out[name] = given
			}
			continue
		}
		value, found := decodeField(f.option, values[name], parts[name])
		problems = append(problems, found...)
		if value != nil && len(found) == 0 {
			out[name] = forJSON(value)
		}
	}
	for _, name := range unknown {
		problems = append(problems, Problem{Option: printable(name), Text: unknownText(name, fields)})
	}
	return out, problems.Err()
}

func isType(t Type) bool {
	return slices.Contains([]Type{TypeString, TypeBool, TypeInteger, TypeDuration, TypeList, TypeMap, TypeObject, TypeJSON}, t)
}

// forJSON converts a value into one that JSON can carry. A duration becomes a plain
// number of milliseconds, or a text with the unit if that is not a whole number.
func forJSON(value any) any {
	d, ok := value.(time.Duration)
	if !ok {
		return value
	}
	if d%time.Millisecond == 0 {
		return json.Number(strconv.FormatInt(d.Milliseconds(), 10))
	}
	return strings.TrimRight(strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', 6, 64), "0") + "ms"
}
