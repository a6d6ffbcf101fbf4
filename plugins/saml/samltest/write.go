package samltest

import (
	"encoding/xml"
	"fmt"
	"strings"

	"github.com/beevik/etree"
)

// The namespaces.
const (
	nsProtocol  = "urn:oasis:names:tc:SAML:2.0:protocol"
	nsAssertion = "urn:oasis:names:tc:SAML:2.0:assertion"
	nsMetadata  = "urn:oasis:names:tc:SAML:2.0:metadata"
	nsSchema    = "http://www.w3.org/2001/XMLSchema"
	nsInstance  = "http://www.w3.org/2001/XMLSchema-instance"
)

// Write writes, signs and encrypts a draft.
func (p *IdP) Write(d *Draft) []byte { return Serialise(d.Style, d.Document()) }

// Serialise writes a document.
func Serialise(style Style, doc *etree.Document) []byte {
	text, err := doc.WriteToBytes()
	if err != nil {
		panic(err)
	}
	if style.Declaration {
		return append([]byte(`<?xml version="1.0" encoding="UTF-8"?>`), text...)
	}
	return text
}

// Document returns the signed response as a tree that can be changed.
func (d *Draft) Document() *etree.Document {
	w := writer{style: d.Style}
	root := parse(w.response(d))
	if d.Assertion != nil {
		root.AddChild(d.assertionElement(w))
	}
	if d.SignResponse {
		d.Signing.Sign(root)
	}
	doc := etree.NewDocument()
	doc.SetRoot(root)
	return doc
}

func (d *Draft) assertionElement(w writer) *etree.Element {
	assertion := parse(w.assertion(d.Assertion))
	if d.SignAssertion {
		d.Signing.Sign(assertion)
	}
	if d.Encryption != nil {
		return d.Encryption.element(w, assertion, "EncryptedAssertion")
	}
	if d.Style.Inherit {
		assertion.RemoveAttr("xmlns:" + d.Style.Assertion)
	}
	return assertion
}

func parse(text string) *etree.Element {
	doc := etree.NewDocument()
	doc.ReadSettings.PreserveCData = true
	if err := doc.ReadFromString(text); err != nil {
		panic(fmt.Sprintf("%v in %s", err, text))
	}
	return doc.Root()
}

// writer writes elements in a style.
type writer struct{ style Style }

// p and a return names in the protocol and assertion namespaces.
func (w writer) p(local string) string { return prefixed(w.style.Protocol, local) }
func (w writer) a(local string) string { return prefixed(w.style.Assertion, local) }

func prefixed(prefix, local string) string {
	if prefix == "" {
		return local
	}
	return prefix + ":" + local
}

func declaration(prefix, uri string) string {
	if prefix == "" {
		return fmt.Sprintf(` xmlns="%s"`, uri)
	}
	return fmt.Sprintf(` xmlns:%s="%s"`, prefix, uri)
}

// escape escapes text for content and for attributes.
func escape(text string) string {
	var out strings.Builder
	if err := xml.EscapeText(&out, []byte(text)); err != nil {
		panic(err)
	}
	return out.String()
}

// attrs writes the non-empty attributes, given as alternating names and values.
func attrs(pairs ...string) string {
	var out strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			fmt.Fprintf(&out, ` %s="%s"`, pairs[i], escape(pairs[i+1]))
		}
	}
	return out.String()
}

func (w writer) element(name, attributes string, content ...string) string {
	inside := strings.Join(content, "")
	if w.style.Indented && strings.HasPrefix(inside, "<") && !strings.HasPrefix(inside, "<![CDATA[") {
		inside = "\n  " + strings.Join(content, "\n  ") + "\n"
	}
	return "<" + name + attributes + ">" + inside + "</" + name + ">"
}

func (w writer) response(d *Draft) string {
	names := declaration(w.style.Protocol, nsProtocol)
	issuerNames := ""
	if w.style.Assertion != "" {
		names += declaration(w.style.Assertion, nsAssertion)
	} else {
		issuerNames = declaration("", nsAssertion)
	}
	head := attrs("ID", d.ID, "Version", d.Version, "IssueInstant", d.IssueInstant, "Destination", d.Destination, "InResponseTo", d.InResponseTo)
	issuer := ""
	if d.Issuer != "" {
		issuer = w.element(w.a("Issuer"), issuerNames, escape(d.Issuer))
	}
	return w.element(w.p("Response"), names+head, issuer, w.status(d))
}

func (w writer) status(d *Draft) string {
	if len(d.Status) == 0 {
		return ""
	}
	code := ""
	for i := len(d.Status) - 1; i >= 0; i-- {
		code = w.element(w.p("StatusCode"), attrs("Value", d.Status[i]), code)
	}
	message := ""
	if d.StatusMessage != "" {
		message = w.element(w.p("StatusMessage"), "", escape(d.StatusMessage))
	}
	return w.element(w.p("Status"), "", code, message)
}

func (w writer) assertion(a *AssertionDraft) string {
	names := declaration(w.style.Assertion, nsAssertion)
	if w.style.Typed {
		names += declaration("xs", nsSchema) + declaration("xsi", nsInstance)
	}
	head := attrs("ID", a.ID, "IssueInstant", a.IssueInstant, "Version", a.Version)
	issuer := ""
	if a.Issuer != "" {
		issuer = w.element(w.a("Issuer"), "", escape(a.Issuer))
	}
	return w.element(w.a("Assertion"), names+head, issuer, w.subject(a), w.conditions(a), w.statement(a), w.attributes(a), a.Extra)
}

func (w writer) subject(a *AssertionDraft) string {
	if a.NoSubject {
		return ""
	}
	content := ""
	if a.NameID != "" {
		nameID := w.element(w.a("NameID"), attrs("Format", a.NameIDFormat, "NameQualifier", a.NameQualifier, "SPNameQualifier", a.SPNameQualifier), escape(a.NameID))
		content = nameID
		if a.EncryptNameID != nil {
			content = a.EncryptNameID.text(w, w.standalone(nameID), "EncryptedID")
		}
	}
	for _, c := range a.Confirmations {
		data := ""
		if !c.NoData {
			data = w.element(w.a("SubjectConfirmationData"), attrs("InResponseTo", c.InResponseTo, "NotBefore", c.NotBefore, "NotOnOrAfter", c.NotOnOrAfter, "Recipient", c.Recipient))
		}
		content += w.element(w.a("SubjectConfirmation"), attrs("Method", c.Method), data)
	}
	return w.element(w.a("Subject"), "", content)
}

// standalone declares the namespace of assertions on the first tag.
func (w writer) standalone(text string) string {
	end := strings.IndexAny(text, " >")
	return text[:end] + declaration(w.style.Assertion, nsAssertion) + text[end:]
}

func (w writer) conditions(a *AssertionDraft) string {
	if a.NoConditions {
		return ""
	}
	content := a.Conditions
	for _, restriction := range a.Audiences {
		audiences := ""
		for _, audience := range restriction {
			audiences += w.element(w.a("Audience"), "", escape(audience))
		}
		content += w.element(w.a("AudienceRestriction"), "", audiences)
	}
	return w.element(w.a("Conditions"), attrs("NotBefore", a.NotBefore, "NotOnOrAfter", a.NotOnOrAfter), content)
}

func (w writer) statement(a *AssertionDraft) string {
	if a.NoStatement {
		return ""
	}
	context := ""
	if a.Context != "" {
		context = w.element(w.a("AuthnContext"), "", w.element(w.a("AuthnContextClassRef"), "", escape(a.Context)))
	}
	return w.element(w.a("AuthnStatement"), attrs("AuthnInstant", a.AuthnInstant, "SessionIndex", a.SessionIndex, "SessionNotOnOrAfter", a.SessionNotOnOrAfter), context)
}

func (w writer) attributes(a *AssertionDraft) string {
	if len(a.Attributes) == 0 {
		return ""
	}
	content := ""
	for _, attribute := range a.Attributes {
		values := ""
		for _, value := range attribute.Values {
			values += w.value(value)
		}
		content += w.element(w.a("Attribute"), attrs("Name", attribute.Name, "NameFormat", attribute.Format, "FriendlyName", attribute.Friendly), values)
	}
	return w.element(w.a("AttributeStatement"), "", content)
}

func (w writer) value(text string) string {
	typed := ""
	if w.style.Typed {
		typed = ` xsi:type="xs:string"`
	}
	if w.style.CDATA && !strings.Contains(text, "]]>") {
		return w.element(w.a("AttributeValue"), typed, "<![CDATA["+text+"]]>")
	}
	return w.element(w.a("AttributeValue"), typed, escape(text))
}
