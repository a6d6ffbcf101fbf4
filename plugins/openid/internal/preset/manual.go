package preset

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/doorward/doorward/sdk/recipe"
)

// WriteManual writes the recipe of each preset, in Markdown.
func WriteManual(w io.Writer) error {
	fmt.Fprintln(w, "| Preset | Issuer | Scopes | Groups | Verified address | PKCE |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|")
	var recipes []recipe.Recipe
	for _, p := range all {
		r := p.recipe()
		fmt.Fprintf(w, "| %s | %s | `%s` | %s | %s | %s |\n", r.Link(), issuerText(p), strings.ReplaceAll(p.Scope, " ", "` `"), groupsText(p), verifiedText(p), pkceText(p))
		recipes = append(recipes, r)
	}
	return recipe.Write(w, recipes)
}

func (p Preset) recipe() recipe.Recipe {
	settings := p.Manual.Settings
	if settings == nil {
		settings = []string{"AUTH_{X}_CLIENT_ID=…", "AUTH_{X}_CLIENT_SECRET=…"}
	}
	notes := []recipe.Note{
		{About: "Who may sign in", Text: p.Manual.Restricted},
		{About: "E-mail address", Text: p.Manual.Email},
		{About: "Groups", Text: p.Manual.Groups},
		{About: "Refresh and logout", Text: p.Manual.Session},
	}
	if p.MissingNonce && p.PKCE == "off" {
		notes = slices.Insert(notes, 0, recipe.Note{About: "Danger", Text: "only the state binds a code to its login: " + p.Title +
			" refuses clients that send a code verifier, and leaves the nonce out of its ID tokens. Anyone who obtains somebody's unused code, from their device or the network, can sign in with it."})
	}
	return recipe.Recipe{
		Preset: p.Name, Title: p.Title, Dated: p.Dated, Console: p.Manual.Console, Settings: settings,
		Callback: p.Manual.Callback, Notes: notes, Unconfirmed: p.Manual.Unconfirmed,
	}
}

func issuerText(p Preset) string {
	if p.Issuer == "" {
		return "your own"
	}
	return "`" + p.Issuer + "`"
}

func groupsText(p Preset) string {
	if p.Groups == "" {
		return ""
	}
	return "`" + p.Groups + "`"
}

func verifiedText(p Preset) string {
	switch {
	case p.NeverVerified:
		return "never"
	case p.TextVerified:
		return "`email_verified`, also as text"
	default:
		return "`email_verified`"
	}
}

func pkceText(p Preset) string {
	if p.PKCE == "off" {
		return "off, and no nonce"
	}
	return "S256"
}
