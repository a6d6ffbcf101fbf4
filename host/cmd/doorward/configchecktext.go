package main

import (
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/doorward/doorward/host/internal/config"
)

// How many characters are shown of texts from the configuration.
const (
	mostOfName = 100
	mostOfText = 2000
)

// classTitles are the parts of the output, in their order.
var classTitles = []struct {
	class config.Class
	title string
}{
	{config.ClassWrong, "Wrong"},
	{config.ClassNoEffect, "No effect"},
	{config.ClassDangerous, "Dangerous"},
	{config.ClassDoubtful, "Possibly unintended"},
	{config.ClassMissing, "Required before anybody can sign in"},
}

// checkedPrinter prints the result of a check of a configuration for people.
type checkedPrinter struct{ printer }

func (p checkedPrinter) print(c *checkedConfig) {
	p.line("", "Read: the environment")
	for _, path := range c.Sources {
		p.line("", "Read: "+shownCut(path, mostOfText))
	}
	p.title("Settings of the host")
	p.given(c.Settings)
	for _, app := range c.Apps {
		p.line("  application ", shownCut(app.Name, mostOfName)+": "+shownCut(app.URL, mostOfText))
	}
	for _, one := range c.Providers {
		p.provider(one)
	}
	for _, part := range classTitles {
		p.findings(part.title, c.Findings, part.class)
	}
	p.sum(c.Findings)
}

func (p checkedPrinter) title(text string) {
	fmt.Fprintln(p.out)
	p.line("", text)
}

// given prints names in a column, which very long names do not widen.
func (p checkedPrinter) given(list []config.Given) {
	const widest = 44
	width := 0
	for _, g := range list {
		if n := utf8.RuneCountInString(shownCut(g.Name, mostOfName)); n <= widest {
			width = max(width, n)
		}
	}
	for _, g := range list {
		p.line(fmt.Sprintf("  %-*s  ", width, shownCut(g.Name, mostOfName)), valueOf(g)+"  ("+placeOf(g)+")")
	}
	if len(list) == 0 {
		p.line("  ", "none")
	}
}

func valueOf(g config.Given) string {
	switch {
	case !g.Understood:
		return "refused, see below"
	case g.Hidden && g.Characters > 0:
		return fmt.Sprintf("set, %d characters", g.Characters)
	case g.Hidden:
		return "set"
	case g.Value == "":
		return "empty"
	}
	return shown(g.Value)
}

func placeOf(g config.Given) string {
	if g.File == "" {
		return shownCut(g.From, mostOfName)
	}
	return shownCut(g.From, mostOfName) + ", in the file " + shownCut(g.File, mostOfText)
}

func (p checkedPrinter) provider(c checkedProvider) {
	what := "Provider " + c.Name + ": "
	switch {
	case c.Driver == "":
		what += "no plugin"
	case c.Version == "":
		what += "plugin " + shownCut(c.Driver, mostOfName) + ", which was not asked, so its options are not checked"
	default:
		what += "plugin " + shownCut(c.Driver, mostOfName) + " " + shown(c.Version)
	}
	if c.Preset != "" {
		what += ", preset " + shownCut(c.Preset, mostOfName)
	}
	p.title(what)
	p.given(c.Options)
	if c.URLs != nil {
		p.line("  ", "register these URLs with the provider (a directory needs none); callback is the redirect URI or assertion consumer service:")
		p.urls("    ", [][2]string{{"callback", c.URLs.Callback}, {"logout", c.URLs.Logout}, {"metadata", c.URLs.Metadata}})
		for _, further := range c.FurtherURLs {
			p.line("    ", "for logins that begin at "+shownCut(further.URL, mostOfText)+":")
			p.urls("      ", [][2]string{{"callback", further.Callback}, {"logout", further.Logout}})
		}
	}
}

func (p checkedPrinter) urls(indent string, named [][2]string) {
	for _, url := range named {
		if url[1] != "" {
			p.line(fmt.Sprintf("%s%-8s  ", indent, url[0]), url[1])
		}
	}
}

func (p checkedPrinter) findings(title string, all []config.Finding, class config.Class) {
	titled := false
	for _, f := range all {
		if f.Class != class {
			continue
		}
		if !titled {
			p.title(title)
			titled = true
		}
		p.line("  ", shownCut(f.Text, mostOfText))
	}
}

func (p checkedPrinter) sum(findings []config.Finding) {
	errors := len(slices.DeleteFunc(slices.Clone(findings), func(f config.Finding) bool { return !f.Error }))
	switch errors {
	case 0:
		p.title("No errors. No server was contacted; doorward check contacts the servers of the providers.")
	case 1:
		p.title("1 error to fix.")
	default:
		p.title(fmt.Sprintf("%d errors to fix.", errors))
	}
}

// shownCut returns the beginning of a text from the configuration, safe for a terminal.
func shownCut(text string, most int) string { return shown(cutTo(text, most)) }
