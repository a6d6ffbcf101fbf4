package config

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"time"

	"github.com/doorward/doorward/sdk/options"
)

// A group is a set of options that are decoded together: the settings of the host,
// or its options of one provider.
type group struct {
	loader *loader
	given  map[string]given // by option
	failed map[string]bool  // options that have a problem
	spell  func(option string) string
}

func newGroup(l *loader, values map[string]given, spell func(option string) string) *group {
	return &group{loader: l, given: values, failed: map[string]bool{}, spell: spell}
}

// decode reads the group into a C, which lacks the options that have failed.
func decode[C any](g *group) C {
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

// refuse adds a problem by the name that the operator wrote.
func (g *group) refuse(option, format string, args ...any) {
	g.failed[option] = true
	g.loader.problems.Addf(g.spell(option), format, args...)
}

// ok reports whether the option has no problem so far.
func (g *group) ok(option string) bool { return !g.failed[option] }

func (g *group) isGiven(option string) bool {
	_, ok := g.given[option]
	return ok
}

// base returns the folder from which the value of an option counts.
func (g *group) base(option string) string {
	if found, ok := g.given[option]; ok {
		return found.base
	}
	return g.loader.dir
}

// path makes a path that can be opened of the value of an option.
func (g *group) path(option, value string) string {
	base := g.base(option)
	if err := g.loader.missedAt(base, value); g.ok(option) && err != nil {
		g.refuse(option, "%v", err)
	}
	return under(base, value)
}

// within holds a duration against its bounds, which say also tells in words.
func (g *group) within(option string, d, least, most time.Duration, say string) {
	if !g.ok(option) || d >= least && d <= most {
		return
	}
	if number, ok := g.plainNumber(option); ok && d != 0 {
		g.refuse(option, "must be %s, not %v; a plain number is milliseconds: write %ss for seconds", say, d, number)
		return
	}
	g.refuse(option, "must be %s, not %v", say, d)
}

// plainNumber returns what is given for a duration, if it has no unit.
func (g *group) plainNumber(option string) (string, bool) {
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
