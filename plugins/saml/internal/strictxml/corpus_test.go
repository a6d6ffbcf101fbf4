package strictxml

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

const (
	exclusiveMethod = "http://www.w3.org/2001/10/xml-exc-c14n#"
	inclusiveMethod = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
	comments        = "WithComments"
)

// method is a canonicalization method.
type method struct {
	uri      string
	prefixes []string
}

// of returns our output of the method.
func (m method) of(t testing.TB, e *Element) []byte {
	t.Helper()
	if !strings.HasPrefix(m.uri, inclusiveMethod) {
		return canonical(t, e, m.prefixes...)
	}
	written, err := Inclusive(e, MaxMessage)
	if err != nil {
		t.Fatal(err)
	}
	return written
}

// The names in the documents. A prefix can stand for any of the namespaces, and several
// prefixes for the same one; "" is the default namespace.
var (
	uris     = []string{"urn:1", "urn:2", "urn:3"}
	prefixes = []string{"", "p", "q", "r"}
	locals   = []string{"a", "b", "c", "target-like"}
	texts    = []string{
		"x", "&lt;&amp;&gt;", "&#13;", "a\r\nb\rc", "<![CDATA[<p:q/>&amp;]]>", "&#9;&#10;&quot;'", "é\u2028😀", " \t\n ", "&#x20AC;", "]]&gt;",
	}
	values = []string{"", "x", "&quot;&apos;", "a&#9;b&#10;c&#13;d", "a\tb\nc", "&lt;&amp;>", "é", "  x  "}
)

// maker writes a random document.
type maker struct {
	*rand.Rand
	out      strings.Builder
	comments bool
}

// writeDocument writes a document with elements named target, whose ID is t and a number, and
// an unsigned signature that refers to each of them. It contains comments if no method
// includes comments.
func writeDocument(random *rand.Rand, withComments bool) signedDocument {
	m := &maker{Rand: random, comments: withComments}
	d := signedDocument{}
	for range perDocument + 1 {
		d.methods = append(d.methods, m.method())
	}
	m.out.WriteString(`<w xml:lang="en">`)
	for i := range perDocument {
		m.around(func(scope map[string]string) { m.element(scope, "target", fmt.Sprintf(` ID="t%d"`, i), 3) })
	}
	m.around(func(map[string]string) { m.signature(d.methods) })
	m.out.WriteString(`</w>`)
	d.text = m.out.String()
	return d
}

func (m *maker) pick(list []string) string { return list[m.IntN(len(list))] }

func (m *maker) method() method {
	uri := exclusiveMethod
	if m.IntN(4) == 0 {
		uri = inclusiveMethod
	}
	chosen := method{uri: uri}
	if uri == exclusiveMethod && m.IntN(3) == 0 {
		for range 1 + m.IntN(3) {
			chosen.prefixes = append(chosen.prefixes, m.pick([]string{"#default", "p", "q", "r", "nowhere"}))
		}
	}
	if !m.comments && m.IntN(3) == 0 {
		chosen.uri = strings.TrimSuffix(uri, "#") + "#" + comments
	}
	return chosen
}

// around writes surrounding elements with their own namespaces.
func (m *maker) around(inside func(scope map[string]string)) {
	scope := map[string]string{"": ""}
	depth := 1 + m.IntN(3)
	for range depth {
		m.out.WriteString("<w")
		scope = m.declare(scope)
		m.special()
		m.out.WriteString(">")
	}
	inside(scope)
	m.out.WriteString(strings.Repeat("</w>", depth))
}

// declare writes declarations, and returns the namespaces in scope.
func (m *maker) declare(outer map[string]string) map[string]string {
	scope := map[string]string{}
	for prefix, uri := range outer {
		scope[prefix] = uri
	}
	for _, at := range m.Perm(len(prefixes)) {
		if m.IntN(3) > 0 {
			continue
		}
		prefix, uri := prefixes[at], m.pick(uris)
		switch {
		case prefix == "" && m.IntN(2) == 0:
			uri = ""
			m.out.WriteString(` xmlns=""`)
		case prefix == "":
			fmt.Fprintf(&m.out, ` xmlns="%s"`, uri)
		default:
			fmt.Fprintf(&m.out, ` xmlns:%s="%s"`, prefix, uri)
		}
		scope[prefix] = uri
	}
	return scope
}

// special writes attributes of the xml namespace.
func (m *maker) special() {
	if m.IntN(4) == 0 {
		fmt.Fprintf(&m.out, ` xml:lang="%s"`, m.pick([]string{"en", "de"}))
	}
	if m.IntN(6) == 0 {
		m.out.WriteString(` xml:space="preserve"`)
	}
}

// element writes an element and its content, with a prefix in scope.
func (m *maker) element(outer map[string]string, local, extra string, depth int) {
	m.out.WriteString("<")
	begun := m.out.Len()
	before := m.out.String()
	scope := m.declare(outer)
	m.special()
	declared := m.out.String()[begun:]
	name := m.name(scope, local)
	m.out.Reset()
	m.out.WriteString(before + name)
	parts := append([]string{declared, extra}, m.attributes(scope)...)
	m.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
	m.out.WriteString(strings.Join(parts, ""))
	count := m.IntN(4)
	if count == 0 || depth == 0 {
		m.out.WriteString("/>")
		return
	}
	m.out.WriteString(">")
	for range count {
		m.content(scope, depth-1)
	}
	m.out.WriteString("</" + name + ">")
}

func (m *maker) content(scope map[string]string, depth int) {
	switch m.IntN(5) {
	case 0, 1:
		m.out.WriteString(m.pick(texts))
	case 2:
		if m.comments {
			m.out.WriteString("<!-- <p:a> -->")
		}
	default:
		m.element(scope, m.pick(locals), "", depth)
	}
}

// name returns the local name with a bound prefix.
func (m *maker) name(scope map[string]string, local string) string {
	for {
		prefix := m.pick(prefixes)
		if prefix == "" {
			return local
		}
		if scope[prefix] != "" {
			return prefix + ":" + local
		}
	}
}

func (m *maker) attributes(scope map[string]string) []string {
	var list, seen []string
	for range m.IntN(4) {
		name := m.name(scope, m.pick([]string{"x", "y", "z"}))
		prefix, local, qualified := strings.Cut(name, ":")
		expanded := name
		if qualified {
			expanded = scope[prefix] + " " + local
		}
		if slices.Contains(seen, expanded) {
			continue
		}
		seen = append(seen, expanded)
		list = append(list, fmt.Sprintf(` %s="%s"`, name, m.pick(values)))
	}
	return list
}

// signature writes a signature template with the last of the methods.
func (m *maker) signature(methods []method) {
	last := len(methods) - 1
	fmt.Fprintf(&m.out, `<s:Signature xmlns:s="http://www.w3.org/2000/09/xmldsig#"><s:SignedInfo><s:CanonicalizationMethod %s</s:CanonicalizationMethod>`+
		`<s:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"/>`, methods[last].attributes())
	for i, method := range methods[:last] {
		fmt.Fprintf(&m.out, `<s:Reference URI="#t%d"><s:Transforms><s:Transform %s</s:Transform></s:Transforms>`+
			`<s:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><s:DigestValue/></s:Reference>`, i, method.attributes())
	}
	m.out.WriteString(`</s:SignedInfo><s:SignatureValue/></s:Signature>`)
}

func (m method) attributes() string {
	text := fmt.Sprintf(`Algorithm="%s">`, m.uri)
	if len(m.prefixes) > 0 {
		text += fmt.Sprintf(`<n:InclusiveNamespaces xmlns:n="%s" PrefixList="%s"/>`, exclusiveMethod, strings.Join(m.prefixes, " "))
	}
	return text
}
