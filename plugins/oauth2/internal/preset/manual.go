package preset

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// WriteManual writes the recipe of each preset, in Markdown.
func WriteManual(w io.Writer) {
	fmt.Fprintln(w, "| Preset | Scopes | Identifier | Verified address | PKCE |")
	fmt.Fprintln(w, "|---|---|---|---|---|")
	for _, p := range all {
		fmt.Fprintf(w, "| [`%s`](#%s) | %s | `%s` | %s | %s |\n", p.Name, anchor(p), scopesText(p), identifiersText(p), verifiedText(p), pkceText(p))
	}
	for _, p := range all {
		p.write(w)
	}
}

func (p Preset) heading() string { return fmt.Sprintf("%s: `%s`", p.Title, p.Name) }

// anchor is that of GitHub's and most others' Markdown.
func anchor(p Preset) string {
	keep := func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-':
			return r
		case r == ' ':
			return '-'
		}
		return -1
	}
	return strings.Map(keep, strings.ToLower(p.heading()))
}

func (p Preset) write(w io.Writer) {
	variable := strings.ToUpper(strings.ReplaceAll(p.Name, "-", "_"))
	fmt.Fprintf(w, "\n### %s\n\nAs of %s.\n\n", p.heading(), p.Dated)
	for i, step := range p.Manual.Console {
		fmt.Fprintf(w, "%d. %s\n", i+1, step)
	}
	fmt.Fprintf(w, "\n```sh\nAUTH_PROVIDERS=%[1]s\nAUTH_%[2]s_PRESET=%[3]s\n", strings.ToLower(variable), variable, p.Name)
	for _, extra := range p.Manual.Extra {
		fmt.Fprintln(w, strings.Replace(extra, "AUTH_GITHUB_BASE", "AUTH_"+variable+"_BASE", 1))
	}
	fmt.Fprintf(w, "AUTH_%[1]s_CLIENT_ID=…\nAUTH_%[1]s_CLIENT_SECRET=…\n```\n\n", variable)
	fmt.Fprintf(w, "* Callback: `https://login.example.com/auth/login/%s/callback`. %s\n", strings.ToLower(variable), p.Manual.Callback)
	fmt.Fprintf(w, "* Scopes: %s.\n", scopesText(p))
	fmt.Fprintf(w, "* Who may sign in: %s\n", p.Manual.Restricted)
	fmt.Fprintf(w, "* E-mail address: %s\n", p.Manual.Email)
	fmt.Fprintf(w, "* Refresh and logout: %s\n", p.Manual.Session)
	if len(p.Manual.Unconfirmed) > 0 {
		fmt.Fprintf(w, "* Not confirmed by any source: %s.\n", strings.Join(p.Manual.Unconfirmed, "; "))
	}
}

func quotedList(list []string) string {
	var quoted []string
	for _, text := range list {
		quoted = append(quoted, "`"+text+"`")
	}
	return strings.Join(quoted, " ")
}

func scopesText(p Preset) string {
	text := quotedList(p.Scopes)
	if text == "" {
		text = "none"
	}
	if len(p.GroupScopes) > 0 {
		text += "; for groups " + quotedList(p.GroupScopes)
	}
	return text
}

func identifiersText(p Preset) string {
	var paths []string
	for _, id := range p.Identifiers {
		paths = append(paths, id.Path)
	}
	return strings.Join(paths, "`, `")
}

func verifiedText(p Preset) string {
	switch {
	case p.Verified.Always:
		return "always"
	case p.Verified.Path != "":
		return "`" + p.Verified.Path + "`"
	case p.Email == "":
		return "no address"
	default:
		return "never"
	}
}

func pkceText(p Preset) string {
	if slices.Contains([]string{"off", "plain"}, p.PKCE) {
		return p.PKCE
	}
	return "S256"
}
