package config

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"time"

	"github.com/doorward/doorward/sdk/options"
)

// An optionGroup is a set of options that are decoded together: the settings of the host, or the
// options that it reads of one provider.
type optionGroup struct {
	loader *loader
	given  map[string]given // by option
	failed map[string]bool  // options that have a problem
	spell  func(option string) string
}

func newGroup(l *loader, values map[string]given, spell func(option string) string) *optionGroup {
	return &optionGroup{loader: l, given: values, failed: map[string]bool{}, spell: spell}
}

// decode reads the group into a C, without the options that have failed.
func decode[C any](g *optionGroup) C {
	values := map[string]any{}
	for option, found := range g.given {
		if found.broken {
			g.failed[option] = true
		} else {
			values[option] = found.value
		}
	}
	c, err := options.Decode[C](values)
	problems, ok := errors.AsType[options.Problems](err)
	if err != nil && !ok {
		g.refuse("", "%v", err)
	}
	for _, problem := range problems {
		if !g.failed[problem.Option] {
			g.refuse(problem.Option, "%s", problem.Text)
		}
	}
	return c
}

// refuse adds a problem under the name that the operator wrote.
func (g *optionGroup) refuse(option, format string, args ...any) {
	g.failed[option] = true
	g.loader.problems.Addf(g.spell(option), format, args...)
}

// ok reports whether the option has no problem so far.
func (g *optionGroup) ok(option string) bool { return !g.failed[option] }

func (g *optionGroup) isGiven(option string) bool {
	_, ok := g.given[option]
	return ok
}

// base returns the folder at which a relative path in the value of an option starts.
func (g *optionGroup) base(option string) string {
	if found, ok := g.given[option]; ok {
		return found.base
	}
	return g.loader.dir
}

// path returns a path that can be opened for the value of an option.
func (g *optionGroup) path(option, value string) string {
	base := g.base(option)
	if err := g.loader.missedAt(base, value); g.ok(option) && err != nil {
		g.refuse(option, "%v", err)
	}
	return under(base, value)
}

// within checks a duration against its bounds, which say contains in words.
func (g *optionGroup) within(option string, d, least, most time.Duration, say string) {
	if !g.ok(option) || d >= least && d <= most {
		return
	}
	if number, ok := g.plainNumber(option); ok && d != 0 {
		g.refuse(option, "must be %s, not %v; a plain number is in milliseconds: write %ss for seconds", say, d, number)
		return
	}
	g.refuse(option, "must be %s, not %v", say, d)
}

// plainNumber returns the value of a duration if it has no unit.
func (g *optionGroup) plainNumber(option string) (string, bool) {
	var text string
	switch value := g.given[option].value.(type) {
	case string:
		text = strings.TrimSpace(value)
	case json.Number:
		text = value.String()
	}
	return text, wholeNumber.MatchString(text)
}

var wholeNumber = regexp.MustCompile(`^[0-9]+$`)
