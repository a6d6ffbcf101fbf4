package strictxml

import (
	"bytes"
	"slices"
	"strings"
)

// Canonical writes the element in the form that is signed: Exclusive XML Canonicalization 1.0
// without comments. The namespaces of prefixes are treated inclusively (its section 3,
// PrefixList; "#default" stands for the default namespace). The element omit is left out with
// everything below it, as by the transform for enveloped signatures (XML Signature section
// 6.6.4); it may be nil.
//
// The result is a document, and [Parse] reads it as written. Canonical returns ErrRefused if
// the result would exceed most bytes: each of thousands of elements may have to declare the
// namespace of its prefix, whose length the sender chooses, so that some kilobytes can become
// gigabytes.
func Canonical(e *Element, prefixes []string, omit *Element, most int) ([]byte, error) {
	w := writer{omit: omit, inclusive: map[string]bool{}, most: most}
	for _, prefix := range prefixes {
		if prefix == "#default" {
			prefix = ""
		}
		w.inclusive[prefix] = true
	}
	return w.document(e)
}

// Inclusive writes the element by Canonical XML 1.0 without comments: with all namespaces in
// scope, used or not, and the inherited attributes of the xml namespace (its section 2.4).
// The result is a document, and is bounded in the same way.
func Inclusive(e *Element, most int) ([]byte, error) {
	w := writer{all: true, most: most}
	return w.document(e)
}

type writer struct {
	out       bytes.Buffer
	omit      *Element
	most      int             // bytes that may be written
	all       bool            // write all namespaces, used or not
	inclusive map[string]bool // prefixes that are treated inclusively
	rendered  []Declaration   // by the ancestors, outermost first
}

func (w *writer) document(e *Element) ([]byte, error) {
	w.element(e, true)
	if w.full() {
		return nil, refuse("the canonical form has more than %d bytes", w.most)
	}
	return w.out.Bytes(), nil
}

// full reports whether the limit is exceeded; the remaining output is discarded.
func (w *writer) full() bool { return w.out.Len() > w.most }

func (w *writer) element(e *Element, apex bool) {
	if e == w.omit || w.full() {
		return
	}
	outer := len(w.rendered)
	w.out.WriteByte('<')
	w.name(e.Prefix, e.Local)
	w.namespaces(e, apex)
	if attrs := e.Attrs; w.all && apex {
		w.attributes(append(inherited(e), attrs...))
	} else {
		w.attributes(attrs)
	}
	w.out.WriteByte('>')
	for _, n := range e.nodes {
		if n.element != nil {
			w.element(n.element, false)
		} else {
			textEscapes.WriteString(&w.out, n.text)
		}
	}
	w.out.WriteString("</")
	w.name(e.Prefix, e.Local)
	w.out.WriteByte('>')
	w.rendered = w.rendered[:outer]
}

func (w *writer) name(prefix, local string) {
	if prefix != "" {
		w.out.WriteString(prefix)
		w.out.WriteByte(':')
	}
	w.out.WriteString(local)
}

// namespaces declares the relevant prefixes, unless an ancestor has declared the same.
func (w *writer) namespaces(e *Element, apex bool) {
	wanted := w.wanted(e, apex)
	slices.Sort(wanted)
	for _, prefix := range slices.Compact(wanted) {
		if prefix != "xml" {
			w.declare(e, prefix)
		}
	}
}

// wanted returns the prefixes that the element and its attributes use, and those that are
// treated inclusively: at the apex all in scope, below it those that an element declares.
func (w *writer) wanted(e *Element, apex bool) []string {
	list := make([]string, 0, 4)
	if !w.all {
		list = append(list, e.Prefix)
		for _, a := range e.Attrs {
			if a.Prefix != "" {
				list = append(list, a.Prefix)
			}
		}
	}
	switch {
	case !w.all && len(w.inclusive) == 0:
	case apex:
		for prefix := range e.Namespaces() {
			if w.all || w.inclusive[prefix] {
				list = append(list, prefix)
			}
		}
	default:
		for _, d := range e.Declares {
			if w.all || w.inclusive[d.Prefix] {
				list = append(list, d.Prefix)
			}
		}
	}
	return list
}

func (w *writer) declare(e *Element, prefix string) {
	uri, _ := e.lookup(prefix)
	if uri == w.declared(prefix) || w.full() {
		return
	}
	w.rendered = append(w.rendered, Declaration{prefix, uri})
	w.out.WriteString(" xmlns")
	if prefix != "" {
		w.out.WriteByte(':')
		w.out.WriteString(prefix)
	}
	w.value(uri)
}

// declared returns what the written ancestors bind the prefix to.
func (w *writer) declared(prefix string) string {
	for _, d := range slices.Backward(w.rendered) {
		if d.Prefix == prefix {
			return d.URI
		}
	}
	return ""
}

// attributes writes them sorted by namespace and local name (Canonical XML 1.0 section 2.2).
func (w *writer) attributes(sorted []Attr) {
	if !slices.IsSortedFunc(sorted, compareAttrs) {
		sorted = slices.SortedFunc(slices.Values(sorted), compareAttrs)
	}
	for _, a := range sorted {
		w.out.WriteByte(' ')
		w.name(a.Prefix, a.Local)
		w.value(a.Value)
	}
}

// inherited returns the attributes of the xml namespace that ancestors set for the element;
// the nearest counts.
func inherited(e *Element) []Attr {
	var list []Attr
	known := func(local string) func(Attr) bool {
		return func(a Attr) bool { return a.Space == NamespaceXML && a.Local == local }
	}
	for around := e.Parent; around != nil; around = around.Parent {
		for _, a := range around.Attrs {
			is := known(a.Local)
			if a.Space == NamespaceXML && !slices.ContainsFunc(e.Attrs, is) && !slices.ContainsFunc(list, is) {
				list = append(list, a)
			}
		}
	}
	return list
}

func compareAttrs(a, b Attr) int {
	if order := strings.Compare(a.Space, b.Space); order != 0 {
		return order
	}
	return strings.Compare(a.Local, b.Local)
}

func (w *writer) value(text string) {
	w.out.WriteString(`="`)
	valueEscapes.WriteString(&w.out, text)
	w.out.WriteByte('"')
}

// The escapes of Canonical XML 1.0 section 2.3.
var (
	textEscapes  = escapes{'&': "&amp;", '<': "&lt;", '>': "&gt;", '\r': "&#xD;"}
	valueEscapes = escapes{'&': "&amp;", '<': "&lt;", '"': "&quot;", '\t': "&#x9;", '\n': "&#xA;", '\r': "&#xD;"}
)

type escapes [64]string

// WriteString writes text with its escapes.
func (table *escapes) WriteString(out *bytes.Buffer, text string) {
	from := 0
	for i := range len(text) {
		if c := text[i]; c < 64 && table[c] != "" {
			out.WriteString(text[from:i])
			out.WriteString(table[c])
			from = i + 1
		}
	}
	out.WriteString(text[from:])
}
