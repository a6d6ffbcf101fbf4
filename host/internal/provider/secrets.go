package provider

import (
	"strings"

	"github.com/doorward/doorward/host/internal/provider/process"
	"github.com/doorward/doorward/sdk/options"
)

// redact keeps the secrets of these providers, and of more, out of what the process
// writes to the log: what its schema, or the configuration, marks as secret.
func redact(p *process.Process, specs map[string]*spec, more ...*spec) {
	var list []string
	for _, s := range specs {
		list = append(list, secretsIn(p.Schema, s.request.Options)...)
	}
	for _, s := range more {
		list = append(list, secretsIn(p.Schema, s.request.Options)...)
	}
	p.Redact(list)
}

func secretsIn(schema options.Schema, values map[string]any) []string {
	var list []string
	for name, value := range values {
		owner, _, _ := strings.Cut(name, "__")
		option, ok := schema.Lookup(owner)
		list = append(list, secretTexts(value, ok && option.Secret)...)
	}
	return list
}

// secretTexts returns the texts in a value that are secret, or all if it is.
func secretTexts(value any, secret bool) []string {
	switch v := value.(type) {
	case options.Secret:
		return []string{v.Reveal()}
	case string:
		if secret {
			return []string{v}
		}
	case []any:
		var list []string
		for _, inner := range v {
			list = append(list, secretTexts(inner, secret)...)
		}
		return list
	case map[string]any:
		var list []string
		for _, inner := range v {
			list = append(list, secretTexts(inner, secret)...)
		}
		return list
	}
	return nil
}
