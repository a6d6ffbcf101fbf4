package validation

import (
	"strings"

	"github.com/doorward/doorward/plugins/saml/internal/saml2"
	"github.com/doorward/doorward/plugins/saml/internal/strictxml"
	"github.com/doorward/doorward/sdk"
)

// attribute is one attribute of the user (core section 2.7.3.1).
type attribute struct {
	name, friendly string
	Values         []string
}

// Attributes are in the order of the assertion. The name is the key, byte by byte. The
// friendly name is for display only: anyone can give it to any attribute.
type Attributes []attribute

// readAttributes joins the values of several elements with the same name, as Keycloak sends
// roles. Elements that differ only in NameFormat repeat the same values: a value that is
// already present counts once.
func readAttributes(assertion *strictxml.Element) (Attributes, error) {
	var all Attributes
	index := map[string]int{}
	type named struct{ name, of string }
	formats, told := map[named]bool{}, map[named]bool{}
	for _, statement := range assertion.All(saml2.Assertion, "AttributeStatement") {
		for _, e := range statement.All(saml2.Assertion, "Attribute") {
			a := attribute{name: e.Value("Name"), friendly: e.Value("FriendlyName")}
			if a.name == "" {
				return nil, sdk.InvalidResponse(ReasonAttributes, "an attribute has no name")
			}
			at, known := index[a.name]
			if !known {
				at = len(all)
				index[a.name], all = at, append(all, a)
			}
			format := named{a.name, e.Value("NameFormat")}
			another := known && !formats[format]
			formats[format] = true
			for _, value := range readValues(e) {
				if same := (named{a.name, value}); !another || !told[same] {
					told[same] = true
					all[at].Values = append(all[at].Values, value)
				}
			}
		}
	}
	return all, nil
}

// readValues reads text only, and ignores xsi:type. A NameID inside of a value is read as its
// text: eduPersonTargetedID has this form.
func readValues(e *strictxml.Element) []string {
	var values []string
	for _, value := range e.All(saml2.Assertion, "AttributeValue") {
		if isNil(value) {
			continue
		}
		if inside := value.Children(); len(inside) == 1 && inside[0].Is(saml2.Assertion, "NameID") {
			value = inside[0]
		}
		if text, ok := value.Text(); ok {
			values = append(values, text)
		}
	}
	return values
}

func isNil(e *strictxml.Element) bool {
	for _, a := range e.Attrs {
		if a.Space == saml2.Instance && a.Local == "nil" {
			return saml2.IsTrue(a.Value)
		}
	}
	return false
}

// Named returns the attribute with that name.
func (all Attributes) Named(name string) (attribute, bool) {
	for _, a := range all {
		if a.name == name {
			return a, true
		}
	}
	return attribute{}, false
}

// Display returns the attribute with that name, or with that friendly name. Use it only for
// values that are merely displayed.
func (all Attributes) Display(name string) (attribute, bool) {
	if a, ok := all.Named(name); ok {
		return a, true
	}
	for _, a := range all {
		if a.friendly == name {
			return a, true
		}
	}
	return attribute{}, false
}

// First returns the first non-empty value of the first attribute that has one. If key is set,
// only that attribute counts.
func (all Attributes) First(find func(string) (attribute, bool), key string, known []string) string {
	if key != "" {
		known = []string{key}
	}
	for _, name := range known {
		a, _ := find(name)
		for _, value := range a.Values {
			if value = strings.TrimSpace(value); value != "" {
				return value
			}
		}
	}
	return ""
}

// Claims returns all attributes, for mapping and for the login trace.
func (all Attributes) Claims() map[string]any {
	claims := map[string]any{}
	for _, a := range all {
		if len(a.Values) == 1 {
			claims[a.name] = a.Values[0]
			continue
		}
		list := make([]any, len(a.Values))
		for i, value := range a.Values {
			list[i] = value
		}
		claims[a.name] = list
	}
	return claims
}
