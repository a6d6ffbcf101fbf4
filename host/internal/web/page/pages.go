// Package page has the pages that people see, and the style sheet, scripts and icon
// that the pages use.
//
// A page is a struct with exactly the data it shows. All of it may come from a
// browser, a provider or a plugin, so html/template escapes it for its context, and
// links lead to http and https only.
//
// The pages load nothing but their assets. This policy fits all of them, with the
// targets of their forms added to form-action:
//
//	default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self';
//	form-action 'self'; frame-ancestors 'none'; base-uri 'none'
//
// They work without scripts. With scripts, people save a click, cannot submit a form
// twice, and see times in the time zone of their browser.
package page

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"
)

//go:embed templates/*.html
var templates embed.FS

// Pages renders pages and serves their assets. It does not change after New and
// may be used concurrently.
type Pages struct {
	templates map[string]*template.Template
	assets    map[string]asset
}

// A Page is one of [SignIn], [Prompt], [Submit], [PasswordExpires], [Failure],
// [SignedIn], [AlreadySignedIn], [Denied], [SignOut], [Account] and [Invitation].
type Page interface {
	// file names the template.
	file() string

	// links are the URLs of the page. Empty ones are not shown.
	links() []string
}

// New returns the pages of a host whose public URL has the path base, such as
// "/sso", or "" for the root. Their assets have URLs below base + "/assets/".
func New(base string) (*Pages, error) {
	base = strings.TrimSuffix(base, "/")
	if base != "" && !isLink(base) {
		return nil, fmt.Errorf("base path %q of the pages must start with one slash", base)
	}
	assets, links, err := readAssets()
	if err != nil {
		return nil, fmt.Errorf("reading the assets of the pages: %w", err)
	}
	p := &Pages{assets: assets, templates: map[string]*template.Template{}}
	functions := template.FuncMap{
		"asset":      func(name string) string { return base + "/assets/" + links[name] },
		"signInPath": func() string { return base + "/login" },
		"mark":       func() template.HTML { return mark },
		"badge":      badgeOf,

		"hiddenFields": func() template.HTML { return fieldsMark },
		"machine":      func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"human":        func(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04 UTC") },
	}
	for _, page := range []Page{
		SignIn{}, Prompt{}, Submit{}, PasswordExpires{}, Failure{}, SignedIn{}, AlreadySignedIn{}, Denied{}, SignOut{}, Account{}, Invitation{},
	} {
		t, err := template.New("layout.html").Funcs(functions).ParseFS(templates, "templates/layout.html", "templates/"+page.file())
		if err != nil {
			return nil, fmt.Errorf("reading the template of a page: %w", err)
		}
		p.templates[page.file()] = t
	}
	return p, nil
}

// Render writes a page as UTF-8 HTML. It returns an error and writes nothing if a
// link is neither a path nor http nor https, or if a field has an unknown kind. The
// memory that it needs does not grow with the fields of a Submit.
func (p *Pages) Render(w io.Writer, page Page) error {
	if err := checkLinks(page); err != nil {
		return err
	}
	var b bytes.Buffer
	if err := p.templates[page.file()].Execute(&b, page); err != nil {
		return fmt.Errorf("rendering %s: %w", page.file(), err)
	}
	if submit, ok := page.(Submit); ok {
		return writeSubmit(w, b.Bytes(), submit.Fields)
	}
	_, err := w.Write(b.Bytes())
	return err
}

func checkLinks(page Page) error {
	for _, link := range page.links() {
		if link != "" && !isLink(link) {
			return fmt.Errorf("rendering %s: a link that is neither a path nor http nor https", page.file())
		}
	}
	return nil
}

// isLink reports whether a page may link to a URL: a path on this host, or http or
// https. A browser could take any other URL for a script or for another host.
func isLink(link string) bool {
	lower := strings.ToLower(link)
	if strings.HasPrefix(lower, "https://") || strings.HasPrefix(lower, "http://") {
		return true
	}
	return strings.HasPrefix(link, "/") && !strings.HasPrefix(link, "//") && !strings.HasPrefix(link, `/\`) &&
		!strings.ContainsAny(link, "\t\r\n")
}
