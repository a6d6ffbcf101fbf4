package main

import (
	"context"
	"errors"

	"github.com/doorward/doorward/plugins/saml/internal/idp"
	"github.com/doorward/doorward/plugins/saml/internal/saml2"
	"github.com/doorward/doorward/plugins/saml/internal/strictxml"
	"github.com/doorward/doorward/plugins/saml/internal/validation"
	"github.com/doorward/doorward/plugins/saml/internal/xmldsig"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/upstream"
)

// readResponse reads a response, verifies and checks it, and returns its assertion.
func (m *mechanism) readResponse(ctx context.Context, p *idp.Provider, xml []byte, want validation.Expectation) (validation.Assertion, error) {
	root, err := strictxml.Parse(xml, strictxml.Message())
	if err != nil {
		return validation.Assertion{}, sdk.InvalidResponse(reasonXML, "the response: %w", err)
	}
	if !root.Is(saml2.Protocol, "Response") {
		return validation.Assertion{}, sdk.InvalidResponse(validation.ReasonStructure, "a %s instead of a response", upstream.Shown(root.Local))
	}
	if err := validation.CheckStructure(root); err != nil {
		return validation.Assertion{}, err
	}
	v := m.verifier(ctx, p)
	r := response{root: root}
	if r.signed, err = v.Verify(root, "response"); err != nil && !errors.Is(err, xmldsig.ErrUnsigned) {
		return validation.Assertion{}, err
	}
	if err := validation.CheckResponse(r.content(), r.signed != nil, want); err != nil {
		return validation.Assertion{}, err
	}
	element, err := m.assertionOf(r, v)
	if err != nil {
		return validation.Assertion{}, err
	}
	return validation.CheckAssertion(element, want)
}

// response is a response under verification. root is the response as received. Every byte of
// signed was signed; it is nil if the response has no signature.
type response struct {
	root, signed *strictxml.Element
}

// content is the part of the response that may be read.
func (r response) content() *strictxml.Element {
	if r.signed != nil {
		return r.signed
	}
	return r.root
}

// assertionOf returns the assertion of a response. Every byte of it was signed, either by its
// own signature or by that of the response.
func (m *mechanism) assertionOf(r response, v *idp.Verifier) (*strictxml.Element, error) {
	if m.options.WantMessageSigned && r.signed == nil {
		return nil, sdk.InvalidResponse(reasonUnsigned, "the response is not signed as a whole, and sp_want_message_signed is set")
	}
	if r.content().Child(saml2.Assertion, "EncryptedAssertion") != nil {
		return m.encryptedAssertion(r, v)
	}
	plain := r.root.Child(saml2.Assertion, "Assertion")
	switch {
	case plain == nil:
		return nil, sdk.InvalidResponse(reasonAssertionMissing, "the response has no assertion")
	case m.options.WantEncrypted:
		return nil, sdk.InvalidResponse(reasonNotEncrypted, "the assertion is not encrypted, and idp_is_assertion_encrypted is set")
	}
	// Verify the signature of the assertion in the received document, because surrounding
	// namespaces can be part of it. Without one, read the assertion in the content that the
	// signature of the response covers.
	signed, err := v.Verify(plain, "assertion")
	if !errors.Is(err, xmldsig.ErrUnsigned) {
		return signed, err
	}
	if r.signed == nil {
		return m.coveredAssertion(nil, nil)
	}
	return m.coveredAssertion(r.signed, r.signed.Child(saml2.Assertion, "Assertion"))
}

// coveredAssertion accepts an assertion without its own signature only in a signed response.
func (m *mechanism) coveredAssertion(response, assertion *strictxml.Element) (*strictxml.Element, error) {
	switch {
	case response == nil:
		return nil, sdk.InvalidResponse(reasonUnsigned, "neither the response nor the assertion is signed: configure the identity provider to sign them")
	case m.options.WantAssertionsSigned:
		return nil, sdk.InvalidResponse(reasonUnsigned, "the assertion is not signed itself, and sp_want_assertions_signed is set")
	}
	return assertion, nil
}

func (m *mechanism) verifier(ctx context.Context, p *idp.Provider) *idp.Verifier {
	return &idp.Verifier{
		Ctx: ctx, Source: m.source, Provider: p,
		Policy: m.options.policy(), AllowExpired: m.options.AllowExpiredCerts, Now: m.now(),
	}
}
