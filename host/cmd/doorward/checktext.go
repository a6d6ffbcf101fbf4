package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/doorward/doorward/host/internal/provider"
	"github.com/doorward/doorward/sdk"
)

// pendingText says what was checked if it is not in force.
var pendingText = map[provider.Pending]string{
	provider.PendingAdded:   ": new, and not in force yet: run doorward reload",
	provider.PendingChanged: ": has changed; checked with the new configuration, which is not in force yet: run doorward reload",
	provider.PendingRemoved: ": still in force, but no longer in the configuration; doorward reload removes it",
}

var errFindings = errors.New("there are errors; see above")

// errorOf is errFindings if there is an error among the findings.
func errorOf(checked []provider.Checked) error {
	for _, c := range checked {
		if slices.ContainsFunc(c.Findings, func(f sdk.Finding) bool { return f.Severity == sdk.SeverityError }) {
			return errFindings
		}
	}
	return nil
}

// printChecked prints the findings in lines of this width; zero: each finding in one line,
// for programs.
func printChecked(out io.Writer, checked []provider.Checked, columns int) error {
	p := printer{out, columns}
	for i, c := range checked {
		if i > 0 {
			fmt.Fprintln(out)
		}
		p.provider(c)
	}
	if !slices.ContainsFunc(checked, func(c provider.Checked) bool { return c.Plugin != "" }) {
		fmt.Fprintln(out, noProviders)
	}
	return errorOf(checked)
}

// printer prints findings in lines of a given width.
type printer struct {
	out     io.Writer
	columns int
}

// provider prints the findings about its servers first, grouped by server, and then the
// rest.
func (p printer) provider(c provider.Checked) {
	what := c.Provider
	if c.Plugin != "" {
		what += " (" + c.Plugin + ")"
	}
	p.line("", what+pendingText[c.Pending])
	var targets []string
	for _, f := range c.Findings {
		if f.Target != "" && !slices.Contains(targets, f.Target) {
			targets = append(targets, f.Target)
			p.line("  ", f.Target)
			p.about(f.Target, "    ", c.Findings)
		}
	}
	p.about("", "  ", c.Findings)
}

func (p printer) about(target, indent string, findings []sdk.Finding) {
	for _, f := range findings {
		if f.Target == target {
			p.finding(indent, f)
		}
	}
}

// finding prints one finding. Steps have their own column; subjects have any length.
func (p printer) finding(indent string, f sdk.Finding) {
	begin := fmt.Sprintf("%s%-8s ", indent, f.Severity)
	if f.Step == "" {
		p.line(begin, f.Subject+": "+f.Text)
		return
	}
	p.line(begin+fmt.Sprintf("%-9s ", f.Step), f.Text)
}

// line prints a text after its beginning, and wraps it under its first word.
func (p printer) line(begin, text string) {
	indent := utf8.RuneCountInString(begin)
	if p.columns == 0 {
		fmt.Fprintln(p.out, begin+text)
		return
	}
	at, line := indent, begin
	for i, word := range strings.Split(text, " ") {
		length := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case at+1+length > p.columns:
			fmt.Fprintln(p.out, line)
			at, line = indent, strings.Repeat(" ", indent)
		default:
			at, line = at+1, line+" "
		}
		at, line = at+length, line+word
	}
	fmt.Fprintln(p.out, line)
}
