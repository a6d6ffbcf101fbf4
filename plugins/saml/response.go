package main

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"time"

	"github.com/doorward/doorward/plugins/saml/internal/wall"
	"github.com/doorward/doorward/plugins/saml/internal/xmldsig"
	"github.com/doorward/doorward/plugins/saml/internal/xmlenc"
	"github.com/doorward/doorward/sdk"
)

// expectation is what a response must answer.
type expectation struct {
	unsolicited bool
	requestID   string // of our AuthnRequest; empty if unsolicited
	provider    string
	begun       time.Time
}

// readResponse reads a response from its bytes to the assertion in it, all of it
// verified and checked.
func (m *mechanism) readResponse(ctx context.Context, p *provider, xml []byte, want expectation) (assertion, error) {
	root, err := wall.Parse(xml, wall.Message())
	if err != nil {
		return assertion{}, sdk.InvalidResponse(reasonXML, "the response: %w", err)
	}
	if !root.Is(nsProtocol, "Response") {
		return assertion{}, sdk.InvalidResponse(reasonStructure, "a %s in place of a response", shown(root.Local))
	}
	if err := checkStructure(root); err != nil {
		return assertion{}, err
	}
	v := &verifier{ctx: ctx, mechanism: m, provider: p}
	r := response{root: root, now: m.now()}
	if r.signed, err = v.verify(root, "response"); err != nil && !errors.Is(err, xmldsig.ErrUnsigned) {
		return assertion{}, err
	}
	if err := m.checkResponse(r, want, v.provider); err != nil {
		return assertion{}, err
	}
	element, err := m.assertionOf(r, v)
	if err != nil {
		return assertion{}, err
	}
	return m.checkAssertion(element, want, v.provider)
}

// response is a response under check. Of signed, which is nil if the response is
// not, every byte was signed; root is as it came.
type response struct {
	root, signed *wall.Element
	now          time.Time
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
func (m *mechanism) assertionOf(r response, v *verifier) (*wall.Element, error) {
	if m.options.WantMessageSigned && r.signed == nil {
		return nil, sdk.InvalidResponse(reasonUnsigned, "the response is not signed as a whole, and sp_want_message_signed is set")
	}
	if r.content().Child(nsAssertion, "EncryptedAssertion") != nil {
		return m.encryptedAssertion(r, v)
	}
	plain := r.root.Child(nsAssertion, "Assertion")
	switch {
	case plain == nil:
		return nil, sdk.InvalidResponse(reasonAssertionMissing, "the response has no assertion")
	case m.options.WantEncrypted:
		return nil, sdk.InvalidResponse(reasonNotEncrypted, "the assertion is not encrypted, and idp_is_assertion_encrypted is set")
	}
	// The signature of the assertion is verified where it came, because the
	// namespaces around may belong to it. If it has none, what is read is the
	// assertion inside of what the signature of the response covers.
	signed, err := v.verify(plain, "assertion")
	if !errors.Is(err, xmldsig.ErrUnsigned) {
		return signed, err
	}
	if r.signed == nil {
		return m.coveredAssertion(nil, nil)
	}
	return m.coveredAssertion(r.signed, r.signed.Child(nsAssertion, "Assertion"))
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

// encryptedAssertion decrypts. What comes out must be signed inside, unless the
// signature of the response covers what was encrypted (CVE-2026-2092).
func (m *mechanism) encryptedAssertion(r response, v *verifier) (*wall.Element, error) {
	encrypted := r.content().Child(nsAssertion, "EncryptedAssertion")
	element, err := m.decrypt(encrypted, r.root.Child(nsAssertion, "EncryptedAssertion"), r.signed != nil)
	if err != nil {
		return nil, err
	}
	if !element.Is(nsAssertion, "Assertion") {
		return nil, sdk.InvalidResponse(reasonDecrypt, "the encrypted assertion: %w", xmlenc.ErrDecrypt)
	}
	signed, err := v.verify(element, "assertion")
	if !errors.Is(err, xmldsig.ErrUnsigned) {
		return signed, err
	}
	return m.coveredAssertion(r.signed, element)
}

// decrypt returns the element that was encrypted, read by the same wall. The
// namespaces are those at the element as it came.
func (m *mechanism) decrypt(encrypted, asItCame *wall.Element, covered bool) (*wall.Element, error) {
	if len(m.own.decrypters) == 0 {
		return nil, sdk.Misconfigured(reasonNoDecryptionKey, "the provider encrypts, and there is no key: set sp_private_key or sp_enc_private_key, and give the provider our metadata")
	}
	plain, err := xmlenc.Decrypt(encrypted, m.own.decrypters, xmlenc.Policy{InsecureAllowCBC: m.options.InsecureAllowCBC && covered})
	switch {
	case errors.Is(err, xmlenc.ErrAlgorithm) && m.options.InsecureAllowCBC:
		return nil, sdk.InvalidResponse(reasonCBCUnsigned, "%w; AES-CBC is possible only in a response that is signed as a whole", err)
	case errors.Is(err, xmlenc.ErrAlgorithm):
		return nil, sdk.InvalidResponse(reasonAlgorithm, "%w; have the provider use AES-GCM and RSA-OAEP", err)
	case err != nil:
		return nil, sdk.InvalidResponse(reasonDecrypt, "what is encrypted: %w", err)
	}
	// Whatever is wrong with the plain text, the answer is that of a wrong key.
	element, err := wall.ParseWithin(plain, wall.Message(), asItCame.Namespaces())
	if err != nil || checkStructure(element) != nil {
		return nil, sdk.InvalidResponse(reasonDecrypt, "what is encrypted: %w", xmlenc.ErrDecrypt)
	}
	return element, nil
}

// verifier verifies signatures with the keys of the provider. Should none of them
// fit, the provider may have new ones: its metadata is read anew, once in a while.
type verifier struct {
	ctx       context.Context
	mechanism *mechanism
	provider  *provider
}

// verify returns what is signed in the element. It is xmldsig.ErrUnsigned, as it
// is, if there is no signature.
func (v *verifier) verify(e *wall.Element, what string) (*wall.Element, error) {
	var signed *wall.Element
	err := v.withKeys(func(keys []crypto.PublicKey) (err error) {
		signed, err = xmldsig.Verify(e, keys, v.mechanism.options.policy(), wall.Message())
		return err
	})
	if err != nil {
		return nil, v.explain(err, what)
	}
	return signed, nil
}

// verifyQuery verifies the signature of the HTTP-Redirect binding.
func (v *verifier) verifyQuery(q querySignature, what string) error {
	err := v.withKeys(func(keys []crypto.PublicKey) error {
		return q.verify(keys, v.mechanism.options.policy())
	})
	if err != nil {
		return v.explain(err, what)
	}
	return nil
}

func (v *verifier) withKeys(verify func([]crypto.PublicKey) error) error {
	m := v.mechanism
	keys, _ := v.provider.usableKeys(m.now(), m.options.AllowExpiredCerts)
	err := verify(keys)
	if !errors.Is(err, xmldsig.ErrSignature) {
		return err
	}
	renewed, changed := m.source.renew(v.ctx)
	if !changed || renewed.entityID != v.provider.entityID {
		return err
	}
	v.provider = renewed
	keys, _ = renewed.usableKeys(m.now(), m.options.AllowExpiredCerts)
	return verify(keys)
}

// explain says what an operator may do about a signature.
func (v *verifier) explain(err error, what string) error {
	switch {
	case errors.Is(err, xmldsig.ErrUnsigned):
		return err
	case errors.Is(err, xmldsig.ErrAlgorithm):
		return sdk.InvalidResponse(reasonAlgorithm, "signature of the %s: %w; have the provider sign with SHA-256", what, err)
	case errors.Is(err, xmldsig.ErrSignature):
		_, expired := v.provider.usableKeys(v.mechanism.now(), v.mechanism.options.AllowExpiredCerts)
		if expired > 0 {
			return sdk.InvalidResponse(reasonCertificateTime, "signature of the %s: %w; %d of the certificates in the provider's metadata are out of date, and were not tried", what, err, expired)
		}
		return sdk.InvalidResponse(reasonSignature, "signature of the %s: %w in the provider's metadata; if it has a new key, idp_metadata must be replaced", what, err)
	case errors.Is(err, xmldsig.ErrDigest):
		return sdk.InvalidResponse(reasonSignature, "signature of the %s: %w", what, err)
	}
	return sdk.InvalidResponse(reasonSignatureShape, "signature of the %s: %w", what, fmt.Errorf("%s", quoted(err.Error())))
}
