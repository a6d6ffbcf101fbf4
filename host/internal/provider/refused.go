package provider

import (
	"errors"
	"fmt"
	"strings"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/options"
)

// refusals returns one error for all providers whose options are wrong, in the
// order of the configuration.
func (p *Providers) refusals() error {
	var lines []string
	for _, c := range p.config.Providers {
		err := p.plugins[c.Driver].now.Load().failed[c.Name]
		if errors.Is(err, sdk.ErrMisconfigured) {
			lines = append(lines, explain(c, err)...)
		}
	}
	if len(lines) == 0 {
		return nil
	}
	return fmt.Errorf("providers are misconfigured:\n  %s", strings.Join(lines, "\n  "))
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
