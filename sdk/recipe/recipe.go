// Package recipe writes the part of a plugin's manual that says how to set up the
// providers which the plugin knows by preset: what to click where at the provider, which
// callback URL to register, and what to write here. The manuals of all plugins tell it in
// the same order.
package recipe

import (
	"fmt"
	"io"
	"strings"
)

// Recipe is how to set up one provider.
type Recipe struct {
	Preset string // its name
	Title  string // what the provider calls itself
	Dated  string // the day on which its facts were gathered

	Console []string // steps at the provider

	// Settings are the lines that come after AUTH_PROVIDERS and the preset. {X} stands
	// for the name of the provider in capitals, as in AUTH_{X}_CLIENT_ID=….
	Settings []string

	Callback    string // how the provider compares the callback URL
	Notes       []Note
	Unconfirmed []string // what no source confirms
}

// Note is a remark of the recipe, such as what an e-mail address is worth.
type Note struct{ About, Text string }

// Write writes the recipes as sections of the third level, in Markdown.
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

// anchor is that of GitHub's and most others' Markdown.
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
