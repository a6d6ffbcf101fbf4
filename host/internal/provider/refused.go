package provider

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/options"
)

// noneUsable returns an error if there are providers and each one has options that
// are wrong, with all that is, in the order of the configuration. A driver for which
// there is no plugin is not such a mistake: the plugin may be added while the host
// runs, and until then it serves those who are signed in.
func (p *Providers) noneUsable() error {
	var lines []string
	now := p.now.Load()
	for _, c := range now.order {
		err := p.Available(c.Name)
		if !errors.Is(err, sdk.ErrMisconfigured) {
			return nil
		}
		lines = append(lines, explain(c, err)...)
	}
	if len(lines) == 0 {
		return nil
	}
	return fmt.Errorf("%w:\n  %s", ErrNoneUsable, strings.Join(lines, "\n  "))
}

// explain says in the operator's own words what is wrong with a provider.
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
		lines = append(lines, printable(where+": "+problem.Text))
	}
	return lines
}

// printable replaces what could forge a line of the log.
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
