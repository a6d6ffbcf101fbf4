package e2e

import (
	"net/url"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// form contains the parts of an HTML form that the tests use.
type form struct {
	id      string
	method  string // upper case
	action  string
	hidden  url.Values
	asks    []string // names of the inputs that a person fills in
	buttons url.Values
}

// readForms finds the forms of a page.
func readForms(page string) ([]form, error) {
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		return nil, err
	}
	var forms []form
	for node := range root.Descendants() {
		if node.DataAtom == atom.Form {
			forms = append(forms, readForm(node))
		}
	}
	return forms, nil
}

func readForm(node *html.Node) form {
	f := form{
		id: attribute(node, "id"), method: strings.ToUpper(attribute(node, "method")), action: attribute(node, "action"),
		hidden: url.Values{}, buttons: url.Values{},
	}
	for input := range node.Descendants() {
		name, value := attribute(input, "name"), attribute(input, "value")
		switch {
		case input.DataAtom == atom.Button && name != "":
			f.buttons.Add(name, value)
		case input.DataAtom == atom.Input && attribute(input, "type") == "hidden":
			f.hidden.Add(name, value)
		case input.DataAtom == atom.Input && attribute(input, "type") != "submit":
			f.asks = append(f.asks, name)
		}
	}
	return f
}

func attribute(node *html.Node, name string) string {
	for _, a := range node.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// asksNothing reports whether the page posts the form itself: form_post, and the host's second
// post of it.
func (f form) asksNothing() bool {
	return f.method == "POST" && len(f.asks) == 0 && len(f.buttons) == 0 && len(f.hidden) > 0
}
