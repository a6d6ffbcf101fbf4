package strictxml

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// ErrRefused wraps each error of [Parse]. The text says what is wrong and where, and quotes
// nothing of the document except names.
var ErrRefused = errors.New("document refused")

func refuse(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrRefused, fmt.Sprintf(format, args...))
}

// byteOrderMark is what Microsoft writes in front of UTF-8.
var byteOrderMark = []byte("\ufeff")

// whiteSpace is white space (XML 1.0 section 2.3).
const whiteSpace = " \t\r\n"

// Parse reads a document. It ignores a byte order mark and white space in front, as after
// copy and paste: they do not change the meaning.
func Parse(data []byte, limits Limits) (*Element, error) {
	return ParseWithin(data, limits, nil)
}

// ParseWithin reads a document that was taken from another, with the namespaces in scope
// there: the decrypted content of an encrypted element (XML Encryption section 4.3).
func ParseWithin(data []byte, limits Limits, scope map[string]string) (*Element, error) {
	if len(data) > limits.Bytes {
		return nil, refuse("%d bytes, at most %d are allowed", len(data), limits.Bytes)
	}
	if err := checkCharacters(data); err != nil {
		return nil, err
	}
	p := &parser{rest: bytes.TrimLeft(bytes.TrimPrefix(data, byteOrderMark), whiteSpace), size: len(data), limits: limits}
	if err := p.declaration(); err != nil {
		return nil, err
	}
	return p.document(scope)
}

// checkCharacters accepts the Char production of XML 1.0 section 2.2, in UTF-8 without
// overlong forms and surrogates.
func checkCharacters(data []byte) error {
	for at := 0; at < len(data); {
		if c := data[at]; c < utf8.RuneSelf {
			if c < ' ' && c != '\t' && c != '\n' && c != '\r' {
				return refuse("byte %d is a control character; only UTF-8 is accepted", at)
			}
			at++
			continue
		}
		r, size := utf8.DecodeRune(data[at:])
		if r == utf8.RuneError && size == 1 || !isChar(r) {
			return refuse("byte %d is not a character of XML in UTF-8", at)
		}
		at += size
	}
	return nil
}

func isChar(r rune) bool {
	switch {
	case r == '\t', r == '\n', r == '\r':
		return true
	case r < ' ', r >= 0xd800 && r <= 0xdfff, r == 0xfffe, r == 0xffff, r > utf8.MaxRune:
		return false
	}
	return true
}

type parser struct {
	rest       []byte
	size       int
	limits     Limits
	depth      int
	elements   int
	attributes int
}

func (p *parser) refuse(format string, args ...any) error {
	return refuse("byte %d: %s", p.size-len(p.rest), fmt.Sprintf(format, args...))
}

var declaration = regexp.MustCompile(`^<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*["']1\.0["']` +
	`(?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*["']([A-Za-z0-9._-]{1,20})["'])?` +
	`(?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*["'](?:yes|no)["'])?[ \t\r\n]*\?>`)

func (p *parser) declaration() error {
	if !bytes.HasPrefix(p.rest, []byte("<?xml")) {
		return nil
	}
	found := declaration.FindSubmatch(p.rest)
	if found == nil {
		return p.refuse("the XML declaration is malformed or not of version 1.0")
	}
	if encoding := string(found[1]); encoding != "" && !strings.EqualFold(encoding, "utf-8") {
		return p.refuse("the encoding is %s; only UTF-8 is accepted", encoding)
	}
	p.rest = p.rest[len(found[0]):]
	return nil
}

// document reads the root element and its surroundings.
func (p *parser) document(scope map[string]string) (*Element, error) {
	if err := p.space(); err != nil {
		return nil, err
	}
	if len(p.rest) == 0 || p.rest[0] != '<' {
		return nil, p.refuse("no element")
	}
	var outer *Element
	if len(scope) > 0 {
		outer = &Element{}
		for prefix, uri := range scope {
			outer.Declares = append(outer.Declares, Declaration{prefix, uri})
		}
	}
	root, err := p.elementTree(outer)
	if err != nil {
		return nil, err
	}
	if err := p.space(); err != nil {
		return nil, err
	}
	if len(p.rest) != 0 {
		return nil, p.refuse("something after the root element")
	}
	return root, nil
}

// space skips white space and, if allowed, comments.
func (p *parser) space() error {
	for {
		p.rest = bytes.TrimLeft(p.rest, whiteSpace)
		if !bytes.HasPrefix(p.rest, []byte("<!")) {
			return nil
		}
		if err := p.comment(); err != nil {
			return err
		}
	}
}

// comment skips a comment, and refuses everything else that begins with <!, above all a
// document type, which declares entities.
func (p *parser) comment() error {
	if !bytes.HasPrefix(p.rest, []byte("<!--")) {
		return p.refuse("a document type or another declaration")
	}
	if !p.limits.Comments {
		return p.refuse("a comment")
	}
	end := bytes.Index(p.rest[4:], []byte("--"))
	if end < 0 || !bytes.HasPrefix(p.rest[4+end:], []byte("-->")) {
		return p.refuse("a comment that is malformed or not closed")
	}
	p.rest = p.rest[4+end+3:]
	return nil
}

// elementTree reads an element and everything below it. It is not recursive, so depth does
// not use the stack.
func (p *parser) elementTree(outer *Element) (*Element, error) {
	root, open, err := p.start(outer)
	if err != nil {
		return nil, err
	}
	current := outer
	if open {
		current = root
	}
	for current != outer {
		next, err := p.content(current)
		if err != nil {
			return nil, err
		}
		current = next
	}
	return root, nil
}

// content reads one item inside of an element, and returns the element that is open
// afterwards.
func (p *parser) content(current *Element) (*Element, error) {
	switch {
	case len(p.rest) == 0:
		return nil, p.refuse("the document ends inside of %s", current.Local)
	case p.rest[0] != '<':
		return current, p.characters(current)
	case bytes.HasPrefix(p.rest, []byte("</")):
		return current.Parent, p.end(current)
	case bytes.HasPrefix(p.rest, []byte("<![CDATA[")):
		return current, p.cdata(current)
	case bytes.HasPrefix(p.rest, []byte("<!")):
		return current, p.comment()
	case bytes.HasPrefix(p.rest, []byte("<?")):
		return nil, p.refuse("a processing instruction")
	}
	child, open, err := p.start(current)
	if err != nil {
		return nil, err
	}
	current.nodes = append(current.nodes, node{element: child})
	if open {
		return child, nil
	}
	return current, nil
}

func (p *parser) characters(current *Element) error {
	end := bytes.IndexByte(p.rest, '<')
	if end < 0 {
		end = len(p.rest)
	}
	raw := p.rest[:end]
	if bytes.Contains(raw, []byte("]]>")) {
		return p.refuse("]]> in text")
	}
	text, err := p.unescape(raw, false)
	if err != nil {
		return err
	}
	current.addText(text)
	p.rest = p.rest[end:]
	return nil
}

func (p *parser) cdata(current *Element) error {
	const start = len("<![CDATA[")
	end := bytes.Index(p.rest[start:], []byte("]]>"))
	if end < 0 {
		return p.refuse("a CDATA section that is not closed")
	}
	current.addText(newlines(string(p.rest[start : start+end])))
	p.rest = p.rest[start+end+3:]
	return nil
}

// addText does not join adjacent text: many small pieces must not be copied again and again.
func (e *Element) addText(text string) {
	if text != "" {
		e.nodes = append(e.nodes, node{text: text})
	}
}

func (p *parser) end(current *Element) error {
	p.rest = p.rest[2:]
	prefix, local, err := p.name()
	if err != nil {
		return err
	}
	if prefix != current.Prefix || local != current.Local {
		return p.refuse("the end tag %s closes %s", local, current.Local)
	}
	p.rest = bytes.TrimLeft(p.rest, whiteSpace)
	if len(p.rest) == 0 || p.rest[0] != '>' {
		return p.refuse("the end tag of %s is not closed", local)
	}
	p.rest = p.rest[1:]
	p.depth--
	return nil
}

// newlines implements the end-of-line handling of XML 1.0 section 2.11.
func newlines(text string) string {
	if !strings.Contains(text, "\r") {
		return text
	}
	return strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)
}
