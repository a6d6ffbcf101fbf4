package options

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
)

var errJSON = errors.New("is not valid JSON")

// readJSON reads one JSON value. Unlike json.Unmarshal, it refuses a key that occurs
// twice in an object: to silently take the last of two client secrets or two roles
// would be a guess. Its errors do not quote the text.
func readJSON(text string) (any, error) {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	value, err := readJSONValue(dec, 0)
	if err != nil {
		return nil, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, errJSON
	}
	return value, nil
}

func readJSONValue(dec *json.Decoder, depth int) (any, error) {
	if depth > MaxDepth {
		return nil, errTooDeep
	}
	token, err := dec.Token()
	if err != nil {
		return nil, errJSON
	}
	switch token {
	case json.Delim('['):
		return readJSONArray(dec, depth)
	case json.Delim('{'):
		return readJSONObject(dec, depth)
	}
	if text, ok := token.(string); ok && strings.ContainsRune(text, 0) {
		return nil, errNotText
	}
	return token, nil
}

func readJSONArray(dec *json.Decoder, depth int) (any, error) {
	list := []any{}
	for dec.More() {
		value, err := readJSONValue(dec, depth+1)
		if err != nil {
			return nil, err
		}
		list = append(list, value)
	}
	return list, closeJSON(dec)
}

func readJSONObject(dec *json.Decoder, depth int) (any, error) {
	object := map[string]any{}
	for dec.More() {
		token, err := dec.Token()
		key, ok := token.(string)
		if err != nil || !ok {
			return nil, errJSON
		}
		if _, twice := object[key]; twice {
			return nil, errors.New("has the same key twice in a JSON object")
		}
		if strings.ContainsRune(key, 0) {
			return nil, errNotText
		}
		if object[key], err = readJSONValue(dec, depth+1); err != nil {
			return nil, err
		}
	}
	return object, closeJSON(dec)
}

func closeJSON(dec *json.Decoder) error {
	if _, err := dec.Token(); err != nil {
		return errJSON
	}
	return nil
}
