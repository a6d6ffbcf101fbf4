package options

import (
	"fmt"
	"strings"
)

// Markdown returns the option table of a manual: name, type, default, whether it
// is required, and its meaning.
func (s Schema) Markdown() string {
	var b strings.Builder
	b.WriteString("| Option | Type | Default | Required | Meaning |\n")
	b.WriteString("|---|---|---|---|---|\n")
	for _, o := range s.Options {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", o.Name, typeCell(o), defaultCell(o), requiredCell(o), cell(o.Doc))
	}
	return b.String()
}

func typeCell(o Option) string {
	text := string(o.Type)
	if o.Secret {
		text += ", secret"
	}
	if len(o.Values) > 0 {
		text += ": `" + strings.Join(o.Values, "`, `") + "`"
	}
	return cell(text)
}

func defaultCell(o Option) string {
	if o.Default == "" {
		return ""
	}
	return "`" + cell(o.Default) + "`"
}

func requiredCell(o Option) string {
	if o.Required {
		return "yes"
	}
	return ""
}

// cell escapes what would break a table's row.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ").Replace(text)
}
