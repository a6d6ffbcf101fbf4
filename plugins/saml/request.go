package main

import (
	"crypto/rand"
	"fmt"
	"time"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"

	"github.com/doorward/doorward/plugins/saml/internal/bindings"
	"github.com/doorward/doorward/plugins/saml/internal/saml2"
	"github.com/doorward/doorward/plugins/saml/internal/xmldsig"
	"github.com/doorward/doorward/sdk"
)

// newID returns a message ID with 130 random bits (core section 1.3.4).
func newID() string { return "_" + rand.Text() }

// authnRequest returns the request of a login (core section 3.4.1).
func (m *mechanism) authnRequest(id, destination string, now time.Time) *saml.AuthnRequest {
	allow := m.options.AllowCreate
	req := &saml.AuthnRequest{
		ID: id, Version: saml2.Version, IssueInstant: now, Destination: destination,
		Issuer:                      &saml.Issuer{Value: m.entityID},
		AssertionConsumerServiceURL: m.callback,
		ProtocolBinding:             saml2.BindingPost,
		NameIDPolicy:                &saml.NameIDPolicy{AllowCreate: &allow},
	}
	if m.nameIDFormat != "" {
		req.NameIDPolicy.Format = &m.nameIDFormat
	}
	if m.options.SPNameQualifier != "" {
		req.NameIDPolicy.SPNameQualifier = &m.options.SPNameQualifier
	}
	if m.options.ForceAuthn {
		req.ForceAuthn = &m.options.ForceAuthn
	}
	if m.options.IsPassive {
		req.IsPassive = &m.options.IsPassive
	}
	return req
}

// requestElement returns the request as XML with all requested contexts: the library supports
// only one.
func (m *mechanism) requestElement(req *saml.AuthnRequest) *etree.Element {
	element := req.Element()
	if len(m.options.AuthnContext) == 0 {
		return element
	}
	demanded := element.CreateElement("samlp:RequestedAuthnContext")
	demanded.CreateAttr("Comparison", m.options.AuthnContextComparison)
	for _, class := range m.options.AuthnContext {
		demanded.CreateElement("saml:AuthnContextClassRef").SetText(class)
	}
	return element
}

// send sends a message to the identity provider by a binding, signed if there is a key.
func (m *mechanism) send(element *etree.Element, binding string, s bindings.Sending) (sdk.Step, error) {
	doc := etree.NewDocument()
	doc.SetRoot(element)
	var err error
	if s.XML, err = doc.WriteToBytes(); err != nil {
		return nil, fmt.Errorf("writing a message: %w", err)
	}
	if binding == saml2.BindingRedirect {
		return s.ByRedirect(m.own)
	}
	if m.own.Signer != nil {
		if s.XML, err = xmldsig.Sign(s.XML, m.own.Algorithm, m.own.Signer, m.own.SignerCert); err != nil {
			return nil, err
		}
	}
	return s.ByPost(), nil
}
