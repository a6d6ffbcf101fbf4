package provider

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/doorward/doorward/sdk/options"
)

// explain says what is wrong with a provider, with options named as the operator
// writes them.
func explain(c Configured, err error) []string {
	problems, ok := errors.AsType[options.Problems](err)
	if !ok {
		return []string{fmt.Sprintf("provider %q: %s", c.Name, printable(err.Error()))}
	}
	var lines []string
	for _, problem := range problems {
		lines = append(lines, c.explained(problem))
	}
	return lines
}

func (c Configured) explained(problem options.Problem) string {
	return printable(c.spelled(problem.Option) + ": " + problem.Text + c.meant(problem))
}

// spelled is how the operator writes an option; empty: the provider.
func (c Configured) spelled(option string) string {
	switch {
	case option != "" && c.Spelling != nil:
		return c.Spelling(option)
	case option != "":
		return fmt.Sprintf("provider %q, option %s", c.Name, option)
	}
	return fmt.Sprintf("provider %q", c.Name)
}

// meant names the option of the host that a mechanism was given by a slip.
func (c Configured) meant(p options.Problem) string {
	if p.Text != options.NoSuchOption || c.Near == nil {
		return ""
	}
	near := c.Near(p.Option)
	if near == "" {
		return ""
	}
	return "; did you mean " + near + "?"
}

// printable replaces characters that could forge a line of the log.
func printable(text string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c == '\n' || c == '\t':
			return ' '
		case unicode.IsPrint(c):
			return c
		default:
			return unicode.ReplacementChar
		}
	}, text)
}
