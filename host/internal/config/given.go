package config

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/doorward/doorward/sdk/options"
)

// Given is a setting or an option that somebody gave, and what it came to mean. Its JSON
// is what programs read.
type Given struct {
	Name string `json:"name"`           // as it was written
	From string `json:"from"`           // environment, or file and line: .env:12, doorward.yaml:7
	File string `json:"file,omitempty"` // path of the file that holds the value, as it was written; empty: none does

	// Understood is false for what is refused; then there is no value.
	Understood bool `json:"understood"`

	// Value is what is in force, as an operator writes it, and shortened if it is long.
	Value string `json:"value"`

	// Hidden: the value is not shown, because it is a secret, or could hold one.
	Hidden     bool `json:"hidden,omitempty"`
	Characters int  `json:"characters,omitempty"` // of a hidden value

	option string
}

// told is what is given, without a value.
func (g given) told(option string) Given {
	return Given{Name: g.name, From: g.place, File: g.file, option: option}
}

// isEmpty: it counts as not given.
func (g given) isEmpty() bool { return !g.broken && (g.value == nil || g.value == "") }

func (g Given) spelled() string {
	if strings.Contains(g.From, ":") {
		return g.Name + " (" + g.From + ")"
	}
	return g.Name
}

// credentials are user and password before the host of a URL, whether it has a scheme or
// not, and however they are escaped; and what is called a secret in its query.
var credentials = regexp.MustCompile(`(?i):.*@|[?&#][^=&]*(secret|password|token|key)[^=&]*=`)

// show puts the value that is in force into g, or, if that is secret, how long the text
// is that was given.
func (g *Given) show(o options.Option, inForce, written any) {
	text := textOf(o.Type, inForce)
	if o.Secret || credentials.MatchString(text) {
		g.hide(written)
		return
	}
	g.Value = inOneLine(text)
}

func (g *Given) hide(written any) {
	g.Hidden = true
	switch text := written.(type) {
	case string:
		g.Characters = utf8.RuneCountInString(text)
	case json.Number:
		g.Characters = len(text)
	}
}

// Mechanism tells what is given for the mechanism: values are what its schema made of
// it. What no value is of was refused. Without a schema nobody knows what is secret,
// and nothing is shown.
func (p ReportedProvider) Mechanism(schema *options.Schema, values map[string]any, refused []string) []Given {
	list := []Given{}
	for _, name := range slices.SortedFunc(maps.Keys(p.values), inOrderOf(schema)) {
		found := p.values[name]
		if _, ours := providerSchema.Lookup(name); ours || found.isEmpty() {
			continue
		}
		g := found.told(name)
		value, known := values[name]
		isPart := strings.Contains(name, "__")
		g.Understood = !found.broken && !slices.Contains(refused, name) && (schema == nil || known || isPart)
		switch {
		case !g.Understood:
		case !known:
			g.hide(found.value)
		default:
			o, _ := schema.Lookup(name)
			g.show(o, namesOnly(value), found.value)
		}
		list = append(list, g)
	}
	return list
}

// inOrderOf sorts options as they stand in a schema, and by name what does not.
func inOrderOf(schema *options.Schema) func(a, b string) int {
	at := func(name string) int {
		if schema == nil {
			return 0
		}
		i := slices.IndexFunc(schema.Options, func(o options.Option) bool { return o.Name == name })
		if i < 0 {
			return len(schema.Options)
		}
		return i
	}
	return func(a, b string) int {
		if d := at(a) - at(b); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	}
}

// namesOnly are the keys of a mapping: its values may be secret, whatever the option is.
func namesOnly(value any) any {
	switch m := value.(type) {
	case map[string]string:
		return slices.Sorted(maps.Keys(m))
	case map[string]any:
		return slices.Sorted(maps.Keys(m))
	case json.RawMessage:
		return fmt.Sprintf("JSON, %d bytes", len(m))
	}
	return value
}

// textOf writes a value as an operator would.
func textOf(t options.Type, value any) string {
	switch v := value.(type) {
	case time.Duration:
		return durationText(v)
	case []string:
		return strings.Join(v, ", ")
	case json.RawMessage:
		return string(v)
	case json.Number:
		if d, err := options.ParseDuration(v.String()); t == options.TypeDuration && err == nil {
			return durationText(d)
		}
	}
	return fmt.Sprint(value)
}

// durationText is 15m for what time.Duration writes as 15m0s, and 7d for 168h0m0s.
func durationText(d time.Duration) string {
	const day = 24 * time.Hour
	if d >= day && d%day == 0 {
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// inOneLine is a value in one line: of a certificate nobody wants more than its size.
func inOneLine(text string) string {
	const most = 160
	switch {
	case strings.ContainsAny(strings.TrimSpace(text), "\r\n"):
		return fmt.Sprintf("text of %d lines, %d bytes", 1+strings.Count(strings.TrimSpace(text), "\n"), len(text))
	case len(text) > most:
		return fmt.Sprintf("%s… (%d bytes)", strings.ToValidUTF8(text[:most], ""), len(text))
	}
	return text
}
