package preset

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/doorward/doorward/sdk/recipe"
)

// WriteManual writes a table of the presets and the recipe of each, in Markdown.
func WriteManual(w io.Writer) error {
	fmt.Fprintln(w, "| Preset | Scopes | Identifier | Verified address | PKCE |")
	fmt.Fprintln(w, "|---|---|---|---|---|")
	var recipes []recipe.Recipe
	for _, p := range all {
		r := p.recipe()
		fmt.Fprintf(w, "| %s | %s | `%s` | %s | %s |\n", r.Link(), scopesText(p), identifiersText(p), verifiedText(p), pkceText(p))
		recipes = append(recipes, r)
	}
	return recipe.Write(w, recipes)
}

func (p Preset) recipe() recipe.Recipe {
	return recipe.Recipe{
		Preset: p.Name, Title: p.Title, Dated: p.Dated,
		Console:  p.Manual.Console,
		Settings: slices.Concat(p.Manual.Extra, []string{"AUTH_{X}_CLIENT_ID=…", "AUTH_{X}_CLIENT_SECRET=…"}),
		Callback: p.Manual.Callback,
		Notes: []recipe.Note{
			{About: "Scopes", Text: scopesText(p) + "."},
			{About: "Who may sign in", Text: p.Manual.Restricted},
			{About: "E-mail address", Text: p.Manual.Email},
			{About: "Refresh and logout", Text: p.Manual.Session},
		},
		Unconfirmed: p.Manual.Unconfirmed,
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
