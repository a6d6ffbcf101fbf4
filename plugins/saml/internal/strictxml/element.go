package strictxml

import "strings"

// The namespaces that XML reserves (Namespaces in XML 1.0 section 3).
const (
	NamespaceXML   = "http://www.w3.org/XML/1998/namespace"
	NamespaceXMLNS = "http://www.w3.org/2000/xmlns/"
)

// An Element of a parsed document.
type Element struct {
	Space    string // the URI of its namespace, empty for none
	Prefix   string // as written
	Local    string
	Attrs    []Attr        // without namespace declarations, in the order of the document
	Declares []Declaration // the namespaces that it declares
	Parent   *Element      // nil for the root

	nodes []node
	scope int // declarations on it and its ancestors
}

// An Attr is an attribute with its normalized value.
type Attr struct {
	Space  string // the URI of its namespace, empty for none
	Prefix string
	Local  string
	Value  string
}

// A Declaration binds a prefix, or the default namespace if Prefix is empty.
type Declaration struct{ Prefix, URI string }

// A node is an element, or text if element is nil.
type node struct {
	element *Element
	text    string
}

// Is reports whether the element has that namespace and local name.
func (e *Element) Is(space, local string) bool {
	return e != nil && e.Space == space && e.Local == local
}

// Attr returns the value of the attribute without a namespace. Attributes in a namespace are
// different attributes.
func (e *Element) Attr(local string) (string, bool) {
	for _, a := range e.Attrs {
		if a.Space == "" && a.Local == local {
			return a.Value, true
		}
	}
	return "", false
}

// Value returns the value of the attribute without a namespace, or "".
func (e *Element) Value(local string) string {
	value, _ := e.Attr(local)
	return value
}

// Children returns all child elements.
func (e *Element) Children() []*Element {
	var list []*Element
	for _, n := range e.nodes {
		if n.element != nil {
			list = append(list, n.element)
		}
	}
	return list
}

// All returns the child elements with that name.
func (e *Element) All(space, local string) []*Element {
	var list []*Element
	for _, n := range e.nodes {
		if n.element.Is(space, local) {
			list = append(list, n.element)
		}
	}
	return list
}

// Child returns the only child with that name, or nil if there is none or more than one.
func (e *Element) Child(space, local string) *Element {
	list := e.All(space, local)
	if len(list) != 1 {
		return nil
	}
	return list[0]
}

// Text returns the text of the element, and false if it has child elements, because the text
// would then be ambiguous.
func (e *Element) Text() (string, bool) {
	switch len(e.nodes) {
	case 0:
		return "", true
	case 1:
		return e.nodes[0].text, e.nodes[0].element == nil
	}
	var all strings.Builder
	for _, n := range e.nodes {
		if n.element != nil {
			return "", false
		}
		all.WriteString(n.text)
	}
	return all.String(), true
}

// Walk calls visit for the element and everything below it, from top to bottom,
// until visit returns false.
func (e *Element) Walk(visit func(*Element) bool) bool {
	if !visit(e) {
		return false
	}
	for _, n := range e.nodes {
		if n.element != nil && !n.element.Walk(visit) {
			return false
		}
	}
	return true
}

// Namespaces returns the namespace bindings in scope at the element.
func (e *Element) Namespaces() map[string]string {
	scope := map[string]string{}
	for ; e != nil; e = e.Parent {
		for _, d := range e.Declares {
			if _, nearer := scope[d.Prefix]; !nearer {
				scope[d.Prefix] = d.URI
			}
		}
	}
	return scope
}

// lookup returns what a prefix is bound to at the element.
func (e *Element) lookup(prefix string) (string, bool) {
	for ; e != nil; e = e.Parent {
		for _, d := range e.Declares {
			if d.Prefix == prefix {
				return d.URI, true
			}
		}
	}
	return "", false
}
