package main

import (
	"context"
	"errors"

	"github.com/doorward/doorward/plugins/saml/internal/idp"
	"github.com/doorward/doorward/plugins/saml/internal/names"
	"github.com/doorward/doorward/plugins/saml/internal/rules"
	"github.com/doorward/doorward/plugins/saml/internal/wall"
	"github.com/doorward/doorward/plugins/saml/internal/xmldsig"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/upstream"
)

// readResponse reads a response from its bytes to the assertion in it, all of it
// verified and checked.
func (m *mechanism) readResponse(ctx context.Context, p *idp.Provider, xml []byte, want rules.Expectation) (rules.Assertion, error) {
	root, err := wall.Parse(xml, wall.Message())
	if err != nil {
		return rules.Assertion{}, sdk.InvalidResponse(reasonXML, "the response: %w", err)
	}
	if !root.Is(names.Protocol, "Response") {
		return rules.Assertion{}, sdk.InvalidResponse(rules.ReasonStructure, "a %s in place of a response", upstream.Shown(root.Local))
	}
	if err := rules.CheckStructure(root); err != nil {
		return rules.Assertion{}, err
	}
	v := m.verifier(ctx, p)
	r := response{root: root}
	if r.signed, err = v.Verify(root, "response"); err != nil && !errors.Is(err, xmldsig.ErrUnsigned) {
		return rules.Assertion{}, err
	}
	if err := rules.CheckResponse(r.content(), r.signed != nil, want); err != nil {
		return rules.Assertion{}, err
	}
	element, err := m.assertionOf(r, v)
	if err != nil {
		return rules.Assertion{}, err
	}
	return rules.CheckAssertion(element, want)
}

// response is a response under check. Of signed, which is nil if the response is
// not, every byte was signed; root is as it came.
type response struct {
	root, signed *wall.Element
}

// content is what may be read of the response itself.
func (r response) content() *wall.Element {
	if r.signed != nil {
		return r.signed
	}
	return r.root
}

// assertionOf returns the assertion of a response, of which every byte was signed,
// by itself or with the response.
func (m *mechanism) assertionOf(r response, v *idp.Verifier) (*wall.Element, error) {
	if m.options.WantMessageSigned && r.signed == nil {
		return nil, sdk.InvalidResponse(reasonUnsigned, "the response is not signed as a whole, and sp_want_message_signed is set")
	}
	if r.content().Child(names.Assertion, "EncryptedAssertion") != nil {
		return m.encryptedAssertion(r, v)
	}
	plain := r.root.Child(names.Assertion, "Assertion")
	switch {
	case plain == nil:
		return nil, sdk.InvalidResponse(reasonAssertionMissing, "the response has no assertion")
	case m.options.WantEncrypted:
		return nil, sdk.InvalidResponse(reasonNotEncrypted, "the assertion is not encrypted, and idp_is_assertion_encrypted is set")
	}
	// The signature of the assertion is verified where it came, because the
	// namespaces around may belong to it. If it has none, what is read is the
	// assertion inside of what the signature of the response covers.
	signed, err := v.Verify(plain, "assertion")
	if !errors.Is(err, xmldsig.ErrUnsigned) {
		return signed, err
	}
	if r.signed == nil {
		return m.coveredAssertion(nil, nil)
	}
	return m.coveredAssertion(r.signed, r.signed.Child(names.Assertion, "Assertion"))
}

// coveredAssertion lets an assertion without a signature of its own pass only in a
// response that is signed.
func (m *mechanism) coveredAssertion(response, assertion *wall.Element) (*wall.Element, error) {
	switch {
	case response == nil:
		return nil, sdk.InvalidResponse(reasonUnsigned, "neither the response nor the assertion is signed: have the provider sign them")
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
