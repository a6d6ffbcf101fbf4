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

// Given is a setting or an option that the operator gave, and its meaning. Programs read
// its JSON.
type Given struct {
	Name string `json:"name"`           // as written
	From string `json:"from"`           // environment, or file and line: .env:12, doorward.yaml:7
	File string `json:"file,omitempty"` // path of the file that contains the value, as written; empty: there is none

	// Understood is false if the setting is refused; it then has no value.
	Understood bool `json:"understood"`

	// Value is the value in force, as an operator would write it, shortened if it is long.
	Value string `json:"value"`

	// Hidden: the value is not shown, because it is or may contain a secret.
	Hidden     bool `json:"hidden,omitempty"`
	Characters int  `json:"characters,omitempty"` // of a hidden value

	option string
}

// report returns the Given without a value.
func (g given) report(option string) Given {
	return Given{Name: g.name, From: g.place, File: g.file, option: option}
}

// isEmpty: an empty value counts as not given.
func (g given) isEmpty() bool { return !g.broken && (g.value == nil || g.value == "") }

func (g Given) spelled() string {
	if strings.Contains(g.From, ":") {
		return g.Name + " (" + g.From + ")"
	}
	return g.Name
}

// credentials matches user and password before the host of a URL, with or without a scheme
// and however they are escaped, and secrets in its query.
var credentials = regexp.MustCompile(`(?i):.*@|[?&#][^=&]*(secret|password|token|key)[^=&]*=`)

// show sets the value in force, or, if that is secret, the length of the text that was
// given.
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

// Mechanism returns what is given for the mechanism; values are those that its schema
// read. An option without a value was refused. Without a schema, nothing is shown, because
// any option can be secret.
func (p ReportedProvider) Mechanism(schema *options.Schema, values map[string]any, refused []string) []Given {
	list := []Given{}
	for _, name := range slices.SortedFunc(maps.Keys(p.values), inOrderOf(schema)) {
		found := p.values[name]
		if _, ours := providerSchema.Lookup(name); ours || found.isEmpty() {
			continue
		}
		g := found.report(name)
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

// inOrderOf sorts options in the order of a schema, and others by name.
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

// namesOnly returns the keys of a mapping: its values may be secret even if the option is
// not.
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

// durationText returns 15m where time.Duration writes 15m0s, and 7d for 168h0m0s.
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

// inOneLine returns a value in one line. For a certificate, its size is enough.
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
