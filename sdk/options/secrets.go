package options

import (
	"encoding/json"
	"strings"
)

// SecretsIn returns the texts in the values that must not be shown: those of options
// that the schema marks as secret, and every [Secret], whatever the schema says.
func SecretsIn(schema Schema, values map[string]any) []string {
	var list []string
	for name, value := range values {
		o, known := schema.Lookup(name)
		if owner, _, isPart := strings.Cut(name, "__"); !known && isPart { // params__x is a part of params
			o, _ = schema.Lookup(owner)
		}
		list = appendSecrets(list, value, o.Secret)
	}
	return list
}

// appendSecrets appends the secret texts in a value: all of them if secret is set,
// otherwise only those of type Secret.
func appendSecrets(list []string, value any, secret bool) []string {
	switch v := value.(type) {
	case Secret:
		return append(list, v.Reveal())
	case string:
		if secret {
			return append(list, v)
		}
	case json.Number:
		return appendSecrets(list, string(v), secret)
	case json.RawMessage:
		var decoded any
		if secret && json.Unmarshal(v, &decoded) == nil {
			return appendSecrets(list, decoded, true)
		}
	case []any:
		for _, inner := range v {
			list = appendSecrets(list, inner, secret)
		}
	case []string:
		for _, inner := range v {
			list = appendSecrets(list, inner, secret)
		}
	case map[string]any:
		for _, inner := range v {
			list = appendSecrets(list, inner, secret)
		}
	case map[string]string:
		for _, inner := range v {
			list = appendSecrets(list, inner, secret)
		}
	}
	return list
}
