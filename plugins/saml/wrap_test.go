package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/beevik/etree"

	"github.com/doorward/doorward/plugins/saml/internal/bindings"
	"github.com/doorward/doorward/plugins/saml/internal/idp"
	"github.com/doorward/doorward/plugins/saml/internal/validation"
	"github.com/doorward/doorward/plugins/saml/samltest"
	"github.com/doorward/doorward/sdk"
)

// TestH01_Wrapping moves the parts of valid messages, in each style and with each kind of
// signature.
func TestH01_Wrapping(t *testing.T) {
	for _, style := range samltest.Styles {
		r := openRig(t, samltest.Config{Style: style}, nil)
		for way := 1; way <= samltest.Wraps; way++ {
			for _, both := range []bool{false, true} {
				t.Run(fmt.Sprintf("XSW%d, %s, both signed %t", way, style.Name, both), func(t *testing.T) {
					r.t = t
					req, memory := r.begin()
					draft := r.idp.Draft(req, alice)
					draft.SignResponse, draft.SignAssertion = way <= 2 || both, way > 2 || both
					doc := draft.Document()
					samltest.Wrap(doc, way, "evil")
					wrapped := samltest.Serialise(style, doc)
					if !strings.Contains(string(wrapped), "evil") || !strings.Contains(string(wrapped), "alice-0001") {
						t.Fatal("the message is not about both")
					}
					_, err := r.present(wrapped, memory)
					refused(t, err, validation.ReasonStructure)
				})
			}
		}
	}
}

// TestH01_WithoutTheGate: even without the check of the structure, only signed content is
// read.
func TestH01_WithoutTheGate(t *testing.T) {
	r := openRig(t, samltest.Config{}, nil)
	req, memory := r.begin()
	draft := r.idp.Draft(req, alice)
	doc := draft.Document()
	for _, nameID := range doc.FindElements("//NameID") {
		nameID.SetText("evil")
	}
	_, err := r.present(samltest.Serialise(draft.Style, doc), memory)
	refused(t, err, idp.ReasonSignature)
}

// TestMessages changes a valid message after it was signed.
func TestMessages(t *testing.T) {
	r := openRig(t, samltest.Config{}, nil)
	assertion := func(doc *etree.Document) *etree.Element { return doc.FindElement("/Response/Assertion") }
	inside := func(tag string) func(*etree.Document) {
		return func(doc *etree.Document) {
			extra := etree.NewElement(tag)
			extra.AddChild(assertion(doc).Copy())
			doc.Root().AddChild(extra)
		}
	}
	text := func(old, replacement string) func(*etree.Document) {
		return func(doc *etree.Document) {
			s, err := doc.WriteToString()
			if err != nil || !strings.Contains(s, old) {
				t.Fatalf("no %s in %s", old, s)
			}
			*doc = *etree.NewDocument()
			doc.ReadSettings.PreserveCData = true
			doc.ReadSettings.Permissive = true
			if err := doc.ReadFromString(strings.Replace(s, old, replacement, 1)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, test := range []struct {
		name   string
		reason sdk.Reason
		change func(*etree.Document)
	}{
		{"H07 the same assertion twice", validation.ReasonStructure, func(doc *etree.Document) { doc.Root().AddChild(assertion(doc).Copy()) }},
		{"H07 an assertion in Extensions", validation.ReasonStructure, inside("samlp:Extensions")},
		{"H07 an assertion in nowhere", validation.ReasonStructure, inside("x")},
		{"H07 an assertion in Advice", validation.ReasonStructure, func(doc *etree.Document) {
			a := assertion(doc)
			a.CreateElement("Advice").AddChild(a.Copy())
		}},
		{"H07 the only assertion in Extensions", validation.ReasonStructure, func(doc *etree.Document) {
			a := assertion(doc)
			doc.Root().RemoveChild(a)
			a.RemoveChild(a.FindElement("./Signature"))
			doc.Root().CreateElement("samlp:Extensions").AddChild(a)
		}},
		{"H07 an encrypted assertion beside", validation.ReasonStructure, func(doc *etree.Document) { doc.Root().CreateElement("EncryptedAssertion") }},
		{"H07 an assertion of another namespace beside", validation.ReasonStructure, func(doc *etree.Document) {
			doc.Root().CreateElement("Assertion").CreateAttr("xmlns", "urn:x")
		}},
		{"H07 a signature elsewhere", validation.ReasonStructure, func(doc *etree.Document) {
			doc.FindElement("//Status").AddChild(doc.FindElement("//Signature").Copy())
		}},
		{"H07 two signatures of one assertion", validation.ReasonStructure, func(doc *etree.Document) {
			assertion(doc).AddChild(doc.FindElement("//Signature").Copy())
		}},
		{"H08 Id beside ID", validation.ReasonStructure, func(doc *etree.Document) { assertion(doc).CreateAttr("Id", "_x") }},
		{"H08 id beside ID", validation.ReasonStructure, func(doc *etree.Document) { doc.Root().CreateAttr("id", "_x") }},
		{"H08 x:ID beside ID", validation.ReasonStructure, func(doc *etree.Document) {
			assertion(doc).CreateAttr("xmlns:x", "urn:x")
			assertion(doc).CreateAttr("x:ID", "_x")
		}},
		{"H08 xml:id", validation.ReasonStructure, func(doc *etree.Document) { doc.FindElement("//Status").CreateAttr("xml:id", "_x") }},
		{"H14 InResponseTo in a namespace", validation.ReasonInResponseTo, func(doc *etree.Document) {
			good := doc.Root().SelectAttrValue("InResponseTo", "")
			doc.Root().CreateAttr("InResponseTo", "zzz")
			doc.Root().CreateAttr("xmlns:x", "urn:x")
			doc.Root().CreateAttr("x:InResponseTo", good)
		}},
		{"H22 a comment in the NameID", reasonXML, text("alice-0001", "alice<!-- -->-0001")},
		{"H22 a processing instruction in the NameID", reasonXML, text("alice-0001", "alice<?x?>-0001")},
		{"H22 CDATA in the NameID is text", "", text("alice-0001", "<![CDATA[alice]]>-0001")},
		{"H22 a comment in the issuer", reasonXML, text("https://idp.example", "https://idp<!-- -->.example")},
		{"H22 a comment in the audience", reasonXML, text("Audience>http", "Audience><!-- -->http")},
		{"H22 a comment at the end", reasonXML, func(doc *etree.Document) { doc.CreateComment("x") }},
		{"H38 an element in the NameID", idp.ReasonSignature, text("alice-0001", "alice<b/>-0001")},
	} {
		t.Run(test.name, func(t *testing.T) {
			r.t = t
			req, memory := r.begin()
			draft := r.idp.Draft(req, alice)
			draft.Style = samltest.Style{Protocol: "samlp", Signature: "ds"}
			doc := draft.Document()
			test.change(doc)
			_, err := r.present(samltest.Serialise(draft.Style, doc), memory)
			if test.reason == "" && err != nil {
				t.Fatal(err)
			}
			if test.reason != "" {
				refused(t, err, test.reason)
			}
		})
	}
}

// TestH38_Values: a value is text or nothing.
func TestH38_Values(t *testing.T) {
	r := openRig(t, samltest.Config{}, nil)
	identity, err := r.loginAs(samltest.User{NameID: "bob"}, func(d *samltest.Draft) {
		d.Style = samltest.Style{Protocol: "samlp", Signature: "ds"}
		d.Assertion.Extra = `<AttributeStatement xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:x="urn:x">` +
			`<Attribute Name="groups"><AttributeValue xsi:type="x:Admin">a</AttributeValue><AttributeValue xsi:nil="true"/>` +
			`<AttributeValue><x:b>root</x:b></AttributeValue><AttributeValue>c<x:b/></AttributeValue></Attribute>` +
			`<Attribute Name="targeted"><AttributeValue><NameID>t-1</NameID></AttributeValue></Attribute></AttributeStatement>`
	})
	if err != nil || fmt.Sprint(identity.Groups) != "[a]" || identity.Claims["targeted"] != "t-1" {
		t.Errorf("%q %v %v", identity.Groups, identity.Claims, err)
	}
	_, err = r.login(func(d *samltest.Draft) {
		d.Style = samltest.Style{Protocol: "samlp", Signature: "ds"}
		var many strings.Builder
		for i := range 30_000 {
			fmt.Fprintf(&many, `<x a="%d"/>`, i)
		}
		d.Assertion.Extra = many.String()
	})
	refused(t, err, bindings.ReasonMessageEncoding)
}

// TestIssuerFormat: an issuer with another format than entity is refused; the text of both
// issuers is the same.
func TestIssuerFormat(t *testing.T) {
	r := openRig(t, samltest.Config{}, nil)
	for format, ok := range map[string]bool{"urn:oasis:names:tc:SAML:2.0:nameid-format:entity": true, "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified": false} {
		req, memory := r.begin()
		draft := r.idp.Draft(req, alice)
		draft.SignResponse, draft.SignAssertion = false, true
		doc := draft.Document()
		doc.FindElement("/Response/Issuer").CreateAttr("Format", format)
		_, err := r.present(samltest.Serialise(draft.Style, doc), memory)
		if ok {
			if err != nil {
				t.Error(err)
			}
			continue
		}
		refused(t, err, validation.ReasonIssuer)
		if err != nil && !strings.Contains(err.Error(), format) {
			t.Error(err)
		}
	}
}
