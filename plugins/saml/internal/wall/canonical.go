package wall

import (
	"bytes"
	"slices"
	"strings"
)

// Canonical writes the element in the form that is signed: Exclusive XML
// Canonicalization 1.0, without comments. The namespaces of prefixes are treated
// inclusively (its section 3, PrefixList; "#default" stands for the default
// namespace). The element omit and all below it are left out, as by the transform
// for enveloped signatures (XML Signature section 6.6.4); it may be nil.
//
// The result is a document by itself, and [Parse] reads it as what was written.
func Canonical(e *Element, prefixes []string, omit *Element) []byte {
	w := writer{omit: omit, inclusive: map[string]bool{}}
	for _, prefix := range prefixes {
		if prefix == "#default" {
			prefix = ""
		}
		w.inclusive[prefix] = true
	}
	w.element(e, true)
	return w.out.Bytes()
}

type writer struct {
	out       bytes.Buffer
	omit      *Element
	inclusive map[string]bool
	rendered  []Declaration // by the elements around, outermost first
}

func (w *writer) element(e *Element, apex bool) {
	if e == w.omit {
		return
	}
	outer := len(w.rendered)
	w.out.WriteByte('<')
	w.name(e.Prefix, e.Local)
	w.namespaces(e, apex)
	w.attributes(e)
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

// namespaces declares the prefixes that the element and its attributes use, and
// those of the list, unless an element around has declared the same.
func (w *writer) namespaces(e *Element, apex bool) {
	wanted := make([]string, 0, 4)
	want := func(prefix string) {
		if prefix != "xml" && !slices.Contains(wanted, prefix) {
			wanted = append(wanted, prefix)
		}
	}
	want(e.Prefix)
	for _, a := range e.Attrs {
		if a.Prefix != "" {
			want(a.Prefix)
		}
	}
	switch {
	case len(w.inclusive) == 0:
	case apex:
		for prefix := range w.inclusive {
			if _, ok := e.lookup(prefix); ok {
				want(prefix)
			}
		}
	default:
		for _, d := range e.Declares {
			if w.inclusive[d.Prefix] {
				want(d.Prefix)
			}
		}
	}
	slices.Sort(wanted)
	for _, prefix := range wanted {
		w.declare(e, prefix)
	}
}

func (w *writer) declare(e *Element, prefix string) {
	uri, _ := e.lookup(prefix)
	if uri == w.declared(prefix) {
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

// declared returns what the elements written around say of the prefix.
func (w *writer) declared(prefix string) string {
	for _, d := range slices.Backward(w.rendered) {
		if d.Prefix == prefix {
			return d.URI
		}
	}
	return ""
}

// attributes are sorted by namespace and local name (Canonical XML 1.0 section
// 2.2).
func (w *writer) attributes(e *Element) {
	sorted := e.Attrs
	if !slices.IsSortedFunc(sorted, compareAttrs) {
		sorted = slices.SortedFunc(slices.Values(e.Attrs), compareAttrs)
	}
	for _, a := range sorted {
		w.out.WriteByte(' ')
		w.name(a.Prefix, a.Local)
		w.value(a.Value)
	}
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
