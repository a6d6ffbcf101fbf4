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
		where := fmt.Sprintf("provider %q", c.Name)
		if problem.Option != "" && c.Spelling != nil {
			where = c.Spelling(problem.Option)
		} else if problem.Option != "" {
			where += ", option " + problem.Option
		}
		lines = append(lines, printable(where+": "+problem.Text+c.meant(problem)))
	}
	return lines
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
