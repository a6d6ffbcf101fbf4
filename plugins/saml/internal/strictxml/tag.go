package strictxml

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"
)

// start reads a start tag or an empty element. open reports whether an end tag must follow.
func (p *parser) start(parent *Element) (e *Element, open bool, err error) {
	if p.elements++; p.elements > p.limits.Elements {
		return nil, false, p.refuse("more than %d elements", p.limits.Elements)
	}
	if p.depth++; p.depth > p.limits.Depth {
		return nil, false, p.refuse("elements nested deeper than %d", p.limits.Depth)
	}
	p.rest = p.rest[1:]
	e = &Element{Parent: parent}
	if parent != nil {
		e.scope = parent.scope
	}
	if e.Prefix, e.Local, err = p.name(); err != nil {
		return nil, false, err
	}
	if open, err = p.attributesOf(e); err != nil {
		return nil, false, err
	}
	if !open {
		p.depth--
	}
	return e, open, p.resolve(e)
}

// attributesOf reads to the end of the tag.
func (p *parser) attributesOf(e *Element) (open bool, err error) {
	for count := 0; ; count++ {
		before := len(p.rest)
		p.rest = bytes.TrimLeft(p.rest, whiteSpace)
		switch {
		case bytes.HasPrefix(p.rest, []byte(">")):
			p.rest = p.rest[1:]
			return true, nil
		case bytes.HasPrefix(p.rest, []byte("/>")):
			p.rest = p.rest[2:]
			return false, nil
		case len(p.rest) == before:
			return false, p.refuse("no space before an attribute of %s", e.Local)
		case count == maxAttributes:
			return false, p.refuse("%s has more than %d attributes", e.Local, maxAttributes)
		}
		if p.attributes++; p.attributes > p.limits.Attributes {
			return false, p.refuse("more than %d attributes", p.limits.Attributes)
		}
		if err := p.attribute(e); err != nil {
			return false, err
		}
	}
}

func (p *parser) attribute(e *Element) error {
	prefix, local, err := p.name()
	if err != nil {
		return err
	}
	value, err := p.attributeValue(local)
	if err != nil {
		return err
	}
	switch {
	case prefix == "xmlns":
		return p.declare(e, Declaration{local, value})
	case prefix == "" && local == "xmlns":
		return p.declare(e, Declaration{"", value})
	}
	e.Attrs = append(e.Attrs, Attr{Prefix: prefix, Local: local, Value: value})
	return nil
}

func (p *parser) attributeValue(name string) (string, error) {
	p.rest = bytes.TrimLeft(p.rest, whiteSpace)
	if len(p.rest) == 0 || p.rest[0] != '=' {
		return "", p.refuse("the attribute %s has no value", name)
	}
	p.rest = bytes.TrimLeft(p.rest[1:], whiteSpace)
	if len(p.rest) == 0 || p.rest[0] != '"' && p.rest[0] != '\'' {
		return "", p.refuse("the value of %s is not quoted", name)
	}
	end := bytes.IndexByte(p.rest[1:], p.rest[0])
	if end < 0 {
		return "", p.refuse("the value of %s is not closed", name)
	}
	raw := p.rest[1 : 1+end]
	if bytes.IndexByte(raw, '<') >= 0 {
		return "", p.refuse("< in the value of %s", name)
	}
	value, err := p.unescape(raw, true)
	p.rest = p.rest[1+end+1:]
	return value, err
}

// declare adds a namespace declaration. A nested element may bind a prefix to another
// namespace, and the default namespace to none; it may not unbind a prefix (Namespaces in XML
// 1.0 sections 5 and 6.2). Callers do not use prefixes: they compare names by namespace, and
// the canonical form declares each used prefix with its namespace.
func (p *parser) declare(e *Element, d Declaration) error {
	for _, other := range e.Declares {
		if other.Prefix == d.Prefix {
			return p.refuse("the namespace prefix %q is declared twice", d.Prefix)
		}
	}
	switch {
	case d.URI == "" && d.Prefix != "":
		return p.refuse("the namespace prefix %q is undeclared by an empty URI", d.Prefix)
	case d == Declaration{"xml", NamespaceXML}: // redundant, but allowed
	case d.Prefix == "xml", d.Prefix == "xmlns", d.URI == NamespaceXML, d.URI == NamespaceXMLNS:
		return p.refuse("a reserved namespace or prefix of XML is declared")
	}
	if e.scope++; e.scope > maxDeclarations {
		return p.refuse("more than %d namespace declarations around one element", maxDeclarations)
	}
	e.Declares = append(e.Declares, d)
	return nil
}

// resolve sets the namespaces of the element and its attributes.
func (p *parser) resolve(e *Element) error {
	space, ok := e.lookup(e.Prefix)
	if !ok && e.Prefix != "" {
		return p.refuse("the namespace prefix of %s:%s is not declared", e.Prefix, e.Local)
	}
	e.Space = space
	for i := range e.Attrs {
		a := &e.Attrs[i]
		switch a.Prefix {
		case "": // an attribute without prefix has no namespace
		case "xml":
			a.Space = NamespaceXML
		default:
			if a.Space, ok = e.lookup(a.Prefix); !ok {
				return p.refuse("the namespace prefix of %s:%s is not declared", a.Prefix, a.Local)
			}
		}
		for _, other := range e.Attrs[:i] {
			if other.Space == a.Space && other.Local == a.Local {
				return p.refuse("%s has the attribute %s twice", e.Local, a.Local)
			}
		}
	}
	return nil
}

// name reads a qualified name of ASCII letters, digits, hyphens, underscores and dots. XML
// allows more, but SAML does not use more.
func (p *parser) name() (prefix, local string, err error) {
	end, colon := 0, -1
	for ; end < len(p.rest); end++ {
		c := p.rest[end]
		if c == ':' {
			if colon >= 0 {
				return "", "", p.refuse("a name with two colons")
			}
			colon = end
			continue
		}
		first := end == 0 || end == colon+1
		if !isNameByte(c, first) {
			break
		}
	}
	switch {
	case end > maxName:
		return "", "", p.refuse("a name of more than %d bytes", maxName)
	case end == 0 || colon == 0 || colon == end-1:
		return "", "", p.refuse("a malformed name")
	case end < len(p.rest) && (p.rest[end] >= utf8.RuneSelf || isNameByte(p.rest[end], false)):
		return "", "", p.refuse("a name that is not plain ASCII")
	}
	name := string(p.rest[:end])
	p.rest = p.rest[end:]
	if colon >= 0 {
		return name[:colon], name[colon+1:], nil
	}
	return "", name, nil
}

func isNameByte(c byte, first bool) bool {
	switch {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_':
		return true
	case c >= '0' && c <= '9', c == '-', c == '.':
		return !first
	}
	return false
}

// unescape replaces references and normalizes line ends, and in an attribute all white space
// (XML 1.0 sections 2.11 and 3.3.3).
func (p *parser) unescape(raw []byte, attribute bool) (string, error) {
	text := newlines(string(raw))
	if attribute {
		text = attributeWhiteSpace.Replace(text)
	}
	if !strings.Contains(text, "&") {
		return text, nil
	}
	var out strings.Builder
	out.Grow(len(text))
	for from := 0; ; {
		ampersand := strings.IndexByte(text[from:], '&')
		if ampersand < 0 {
			out.WriteString(text[from:])
			return out.String(), nil
		}
		out.WriteString(text[from : from+ampersand])
		from += ampersand + 1
		name, _, ended := strings.Cut(text[from:min(len(text), from+maxReference)], ";")
		if !ended {
			return "", p.refuse("an ampersand that does not begin a reference")
		}
		char, ok := referenced(name)
		if !ok {
			return "", p.refuse("a reference to an unknown entity or an invalid character")
		}
		out.WriteRune(char)
		from += len(name) + 1
	}
}

var attributeWhiteSpace = strings.NewReplacer("\t", " ", "\n", " ")

const maxReference = 12 // bytes of #x0010FFFF with a semicolon, the longest reference that is accepted

func referenced(name string) (rune, bool) {
	switch name {
	case "amp":
		return '&', true
	case "lt":
		return '<', true
	case "gt":
		return '>', true
	case "quot":
		return '"', true
	case "apos":
		return '\'', true
	}
	digits, base := "", 10
	switch {
	case strings.HasPrefix(name, "#x"):
		digits, base = name[2:], 16
	case strings.HasPrefix(name, "#"):
		digits = name[1:]
	default:
		return 0, false
	}
	code, err := strconv.ParseUint(digits, base, 32)
	if err != nil || code > utf8.MaxRune || !isChar(rune(code)) {
		return 0, false
	}
	return rune(code), true
}
