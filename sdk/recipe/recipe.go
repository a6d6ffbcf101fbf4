// Package recipe writes the part of a plugin's manual that says how to set up the
// providers for which the plugin has a preset: what to click at the provider, which
// callback URL to register, and which settings to write. The order is the same in the
// manuals of all plugins.
package recipe

import (
	"fmt"
	"io"
	"strings"
)

// Recipe is how to set up one provider.
type Recipe struct {
	Preset string // the name of the preset
	Title  string // what the provider calls itself
	Dated  string // the day on which its facts were gathered

	Console []string // steps at the provider

	// Settings are the lines after AUTH_PROVIDERS and the preset. {X} stands for the name
	// of the provider in capitals, as in AUTH_{X}_CLIENT_ID=….
	Settings []string

	Callback    string // how the provider compares the callback URL
	Notes       []Note
	Unconfirmed []string // statements that no source confirms
}

// Note is a remark of the recipe, such as whether an e-mail address can be trusted.
type Note struct{ About, Text string }

// Write writes the recipes as third-level sections in Markdown.
func Write(w io.Writer, recipes []Recipe) error {
	var text strings.Builder
	for _, r := range recipes {
		r.write(&text)
	}
	_, err := io.WriteString(w, text.String())
	return err
}

// Link is a link to the section, in Markdown.
func (r Recipe) Link() string { return fmt.Sprintf("[`%s`](#%s)", r.Preset, r.anchor()) }

func (r Recipe) heading() string { return fmt.Sprintf("%s: `%s`", r.Title, r.Preset) }

// anchor returns the anchor of the heading in GitHub's and most other Markdown.
func (r Recipe) anchor() string {
	keep := func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-':
			return c
		case c == ' ':
			return '-'
		}
		return -1
	}
	return strings.Map(keep, strings.ToLower(r.heading()))
}

func (r Recipe) write(w *strings.Builder) {
	variable := strings.ToUpper(strings.ReplaceAll(r.Preset, "-", "_"))
	fmt.Fprintf(w, "\n### %s\n\nAs of %s.\n\n", r.heading(), r.Dated)
	for i, step := range r.Console {
		fmt.Fprintf(w, "%d. %s\n", i+1, step)
	}
	fmt.Fprintf(w, "\n```sh\nAUTH_PROVIDERS=%s\nAUTH_%s_PRESET=%s\n", strings.ToLower(variable), variable, r.Preset)
	for _, line := range r.Settings {
		fmt.Fprintln(w, strings.ReplaceAll(line, "{X}", variable))
	}
	fmt.Fprintf(w, "```\n\n* Callback: `https://login.example.com/auth/login/%s/callback`. %s\n", strings.ToLower(variable), r.Callback)
	for _, note := range r.Notes {
		fmt.Fprintf(w, "* %s: %s\n", note.About, note.Text)
	}
	if len(r.Unconfirmed) > 0 {
		fmt.Fprintf(w, "* Not confirmed by any source: %s.\n", strings.Join(r.Unconfirmed, "; "))
	}
}
