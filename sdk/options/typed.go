package options

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// parseTyped reads a value that is neither text nor a whole number.
func parseTyped(o Option, value any) (any, error) {
	if o.Type == TypeJSON {
		return marshalJSON(value)
	}
	switch v := value.(type) {
	case bool:
		if o.Type == TypeBool {
			return v, nil
		}
	case []any:
		if o.Type == TypeList {
			return parseList(o, v)
		}
	case map[string]any:
		switch o.Type {
		case TypeMap:
			return parseMap(v)
		case TypeObject:
			return exactNumbers(v), nil
		}
	}
	return nil, fmt.Errorf("must be %s, not %s", expected(o), kindOf(value))
}

func marshalJSON(value any) (any, error) {
	if raw, ok := value.(json.RawMessage); ok {
		if _, err := readJSON(string(raw)); err != nil {
			return nil, err
		}
		return JSON(slices.Clone(raw)), nil
	}
	raw, err := json.Marshal(value)
	if err != nil {
		return nil, errJSON
	}
	return JSON(raw), nil
}

func parseList(o Option, list []any) (any, error) {
	out := []string{}
	for i, element := range list {
		text, ok := plainText(element)
		if !ok {
			return nil, fmt.Errorf("element %d must be text, not %s; put it in quotes", i+1, kindOf(element))
		}
		value, err := oneOf(o, text)
		if err != nil {
			return nil, err
		}
		out = append(out, value)
	}
	return out, nil
}

func parseMap(object map[string]any) (any, error) {
	out := map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(object)) {
		if object[key] == nil {
			continue
		}
		text, ok := plainText(object[key])
		if !ok {
			return nil, fmt.Errorf("the value of %s must be text, not %s; put it in quotes", printable(key), kindOf(object[key]))
		}
		out[key] = text
	}
	return out, nil
}

// exactNumbers turns the floats in a normalised value into json.Number, so that
// readers of a map[string]any find only one type of number.
func exactNumbers(value any) any {
	switch v := value.(type) {
	case float64:
		return json.Number(strconv.FormatFloat(v, 'g', -1, 64))
	case []any:
		for i := range v {
			v[i] = exactNumbers(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = exactNumbers(v[key])
		}
	}
	return value
}

func plainText(value any) (string, bool) {
	return scalarText(Option{Type: TypeString}, value)
}

// expected describes the values of an option, to follow "must be".
func expected(o Option) string {
	switch o.Type {
	case TypeString:
		return "text (put it in quotes)"
	case TypeBool:
		return "true or false"
	case TypeInteger:
		return "a whole number"
	case TypeDuration:
		return "a duration such as 15m"
	case TypeList:
		return "a list of texts"
	}
	return "a mapping of keys to values"
}

func kindOf(value any) string {
	switch v := value.(type) {
	case nil:
		return "null"
	case bool:
		return "true or false"
	case json.Number:
		if integerText.MatchString(string(v)) {
			return "a number"
		}
		return "a number with a fraction or exponent"
	case float64:
		return "a number that may have lost digits"
	case string:
		return "text"
	case []any:
		return "a list"
	case map[string]any:
		return "a mapping"
	}
	return fmt.Sprintf("%T", value)
}
