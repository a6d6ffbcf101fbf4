package options

import (
	"fmt"
	"reflect"
)

// Type says how an option is read. See the package comment.
type Type string

// The types of options, and the types of the fields that have them.
const (
	TypeString   Type = "string"   // string, Secret
	TypeBool     Type = "boolean"  // bool
	TypeInteger  Type = "integer"  // int
	TypeDuration Type = "duration" // time.Duration
	TypeList     Type = "list"     // []string
	TypeMap      Type = "map"      // map[string]string
	TypeObject   Type = "object"   // map[string]any
	TypeJSON     Type = "json"     // JSON
)

// Option describes one option.
type Option struct {
	Name     string   `json:"name"`
	Type     Type     `json:"type"`
	Default  string   `json:"default,omitempty"` // as the operator would write it
	Required bool     `json:"required,omitempty"`
	Secret   bool     `json:"secret,omitempty"` // its value must never be shown
	Values   []string `json:"values,omitempty"` // the only ones allowed; empty: any
	Doc      string   `json:"doc,omitempty"`
}

// Schema describes the options of a mechanism in the order of the struct's
// fields. It can be marshalled as JSON.
type Schema struct {
	Options []Option `json:"options"`
}

// SchemaOf derives the schema from the tags of the struct C. An error is a fault
// of the program: C is not a struct, or a tag or a type is not as described in the
// package comment.
func SchemaOf[C any]() (Schema, error) {
	fields, err := fieldsOf(reflect.TypeFor[C]())
	if err != nil {
		return Schema{}, err
	}
	schema := Schema{Options: make([]Option, 0, len(fields))}
	for _, f := range fields {
		schema.Options = append(schema.Options, f.option)
	}
	return schema, nil
}

// Lookup returns the option of that name.
func (s Schema) Lookup(name string) (Option, bool) {
	for _, o := range s.Options {
		if o.Name == name {
			return o, true
		}
	}
	return Option{}, false
}

// A field of the struct C, with its path for reflect.Value.FieldByIndex.
type field struct {
	option Option
	index  []int
}

func fieldsOf(t reflect.Type) ([]field, error) {
	if t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("options must be a struct, not %s", t)
	}
	fields, err := appendFields(nil, t, nil)
	if err != nil {
		return nil, fmt.Errorf("options in %s: %w", t, err)
	}
	seen := map[string]bool{}
	for _, f := range fields {
		if seen[f.option.Name] {
			return nil, fmt.Errorf("options in %s: two fields have the option %q", t, f.option.Name)
		}
		seen[f.option.Name] = true
	}
	return fields, nil
}

func appendFields(fields []field, t reflect.Type, path []int) ([]field, error) {
	for i := range t.NumField() {
		sf := t.Field(i)
		index := append(append([]int(nil), path...), i)
		if sf.Anonymous && sf.Type.Kind() == reflect.Struct {
			var err error
			if fields, err = appendFields(fields, sf.Type, index); err != nil {
				return nil, err
			}
			continue
		}
		option, ok, err := readTags(sf)
		if err != nil {
			return nil, fmt.Errorf("field %s: %w", sf.Name, err)
		}
		if ok {
			fields = append(fields, field{option, index})
		}
	}
	return fields, nil
}
