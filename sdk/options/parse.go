package options

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// parse reads a normalised value by the type of its option, into the corresponding Go
// type. Errors are texts that follow the option's name. They do not quote values of a
// secret option, nor of a mapping, which may contain secrets.
func parse(o Option, value any) (any, error) {
	if raw, ok := value.(json.RawMessage); ok && o.Type != TypeJSON {
		decoded, err := readJSON(string(raw))
		if err != nil {
			return nil, err
		}
		value = decoded
	}
	if text, ok := scalarText(o, value); ok {
		return parseText(o, text)
	}
	return parseTyped(o, value)
}

// scalarText returns the text of a string or a whole number, so that both are
// read the same way.
func scalarText(o Option, value any) (string, bool) {
	switch v := value.(type) {
	case string:
		return v, true
	case json.Number:
		return string(v), integerText.MatchString(string(v))
	case float64:
		// Whole numbers up to 2^53 are exact. A string option accepts no float,
		// because 1.0 and 1e3 have lost how they were written.
		whole := v == math.Trunc(v) && math.Abs(v) <= 1<<53
		return strconv.FormatFloat(v, 'f', -1, 64), whole && (o.Type == TypeInteger || o.Type == TypeDuration)
	}
	return "", false
}

func parseText(o Option, text string) (any, error) {
	switch o.Type {
	case TypeString:
		return oneOf(o, text)
	case TypeBool:
		return parseBool(o, text)
	case TypeInteger:
		return parseInteger(o, text)
	case TypeDuration:
		d, err := ParseDuration(text)
		if err != nil {
			return nil, fmt.Errorf("%w%s", err, notText(o, text))
		}
		return d, nil
	case TypeList:
		return parseListText(o, text)
	case TypeMap, TypeObject:
		return parseObjectText(o, text)
	case TypeJSON:
		if _, err := readJSON(text); err != nil {
			return nil, err
		}
		return JSON(text), nil
	}
	return nil, fmt.Errorf("has the unknown type %q", o.Type)
}

func parseBool(o Option, text string) (any, error) {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "true", "yes", "on", "1":
		return true, nil
	case "false", "no", "off", "0":
		return false, nil
	}
	return nil, fmt.Errorf("must be true or false%s", notText(o, text))
}

func parseInteger(o Option, text string) (any, error) {
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil {
		return nil, fmt.Errorf("must be a whole number%s", notText(o, text))
	}
	return n, nil
}

func parseListText(o Option, text string) (any, error) {
	trimmed := strings.TrimSpace(text)
	if strings.HasPrefix(trimmed, "[") && strings.HasSuffix(trimmed, "]") {
		value, err := readJSON(trimmed)
		if err != nil {
			return nil, fmt.Errorf("%w; write the elements with commas between them, or a JSON array", err)
		}
		return parseTyped(o, value)
	}
	list := []string{}
	for element := range strings.SplitSeq(text, ",") {
		element = strings.TrimSpace(element)
		if element == "" {
			continue
		}
		value, err := oneOf(o, element)
		if err != nil {
			return nil, err
		}
		list = append(list, value)
	}
	return list, nil
}

func parseObjectText(o Option, text string) (any, error) {
	value, err := readJSON(text)
	if err == nil {
		if _, ok := value.(map[string]any); !ok {
			err = errors.New("is not a JSON object")
		}
	}
	if err != nil {
		return nil, fmt.Errorf(`%w; write {"key":"value"}, or single values named %s__key`, err, o.Name)
	}
	return parseTyped(o, value)
}

// oneOf checks a text against oneof, and returns the value of oneof that equals it
// without regard to case.
func oneOf(o Option, text string) (string, error) {
	if len(o.Values) == 0 || slices.Contains(o.Values, text) {
		return text, nil
	}
	for _, value := range o.Values {
		if strings.EqualFold(value, text) {
			return value, nil
		}
	}
	meant := ""
	if near := Suggest(text, o.Values); near != "" && !o.Secret {
		meant = fmt.Sprintf("; did you mean %q?", near)
	}
	return "", fmt.Errorf("must be one of %s%s%s", strings.Join(o.Values, ", "), notText(o, text), meant)
}
