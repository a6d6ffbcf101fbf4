package options

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Declared reads values by a schema, as [Decode] does by a struct, into what JSON
// carries: text, true and false, numbers, lists, mappings. So a plugin gets each
// option in the type that it declared, defaults too, and in whatever language it
// is, need not read text again. A duration becomes its milliseconds.
//
// The error is [Problems]; beside it are the values that have none. What has a type that is not of this package is passed on
// as it is: a plugin that is newer may have more types.
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
			out[name] = carried(value)
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

// carried makes a value fit for JSON. A plain number of a duration is milliseconds;
// what is no whole number of them says so.
func carried(value any) any {
	d, ok := value.(time.Duration)
	if !ok {
		return value
	}
	if d%time.Millisecond == 0 {
		return json.Number(strconv.FormatInt(d.Milliseconds(), 10))
	}
	return strings.TrimRight(strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', 6, 64), "0") + "ms"
}
