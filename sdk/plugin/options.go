package plugin

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"unicode/utf8"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/options"
)

// maxOptions bounds the options of a provider as JSON plus the settings of its
// connections, in bytes, so that they fit into a message together with the URLs.
const maxOptions = MaxMessage - 64<<10

var errNotUTF8 = errors.New("must be UTF-8 text")

// encodeOptions writes the options of a provider as JSON.
func encodeOptions(values map[string]any) ([]byte, error) {
	plain := map[string]any{}
	var problems options.Problems
	for name, value := range values {
		var err error
		if plain[name], err = encodable(value); err != nil {
			problems.Addf(name, "%v", err)
		}
	}
	if len(problems) > 0 {
		return nil, sdk.Misconfigured(reasonOptions, "%w", problems)
	}
	var data bytes.Buffer
	encoder := json.NewEncoder(&data)
	encoder.SetEscapeHTML(false) // a JSON option keeps its characters
	if err := encoder.Encode(plain); err != nil {
		return nil, sdk.Misconfigured(reasonOptions, "encoding the options as JSON: %w", err)
	}
	if data.Len() > maxOptions {
		return nil, sdk.Misconfigured(reasonOptions, "options of %d bytes, at most %d are allowed", data.Len(), maxOptions)
	}
	return data.Bytes(), nil
}

// encodable copies a value into one that JSON carries unchanged. It reveals secrets,
// and refuses text that is not UTF-8, because encoding/json would silently change
// characters of a password.
func encodable(value any) (any, error) {
	switch v := value.(type) {
	case options.Secret:
		return encodable(v.Reveal())
	case string:
		if !utf8.ValidString(v) {
			return nil, errNotUTF8
		}
	case []string:
		return encodableList(v)
	case []any:
		return encodableList(v)
	case map[string]string:
		return encodableMap(v)
	case map[string]any:
		return encodableMap(v)
	}
	return value, nil
}

func encodableList[V any](list []V) ([]any, error) {
	out := make([]any, len(list))
	for i, element := range list {
		var err error
		if out[i], err = encodable(element); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func encodableMap[V any](values map[string]V) (map[string]any, error) {
	out := make(map[string]any, len(values))
	for key, member := range values {
		if !utf8.ValidString(key) {
			return nil, errNotUTF8
		}
		var err error
		if out[key], err = encodable(member); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// decodeOptions reads what encodeOptions wrote. A JSON object or array for an option of
// type JSON stays as it was written, because the order of its members may matter.
func decodeOptions(data []byte, schema options.Schema) (map[string]any, error) {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return nil, err
	}
	values := map[string]any{}
	for name, text := range raw {
		o, _ := schema.Lookup(name)
		if o.Type == options.TypeJSON && (text[0] == '{' || text[0] == '[') {
			values[name] = text
			continue
		}
		var err error
		if values[name], err = decodeExact(text); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// decodeExact reads one JSON value and keeps its numbers as written, so that an
// 18-digit client ID or claim is not rounded.
func decodeExact(data []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, errors.New("more than one JSON value")
	}
	return value, nil
}
