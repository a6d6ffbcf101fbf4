package main

import (
	"errors"
	"maps"

	"github.com/doorward/doorward/plugins/saml/internal/idp"
	"github.com/doorward/doorward/plugins/saml/internal/saml2"
	"github.com/doorward/doorward/plugins/saml/internal/strictxml"
	"github.com/doorward/doorward/plugins/saml/internal/validation"
	"github.com/doorward/doorward/plugins/saml/internal/xmldsig"
	"github.com/doorward/doorward/plugins/saml/internal/xmlenc"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/upstream"
)

// encryptedAssertion decrypts the assertion. The decrypted assertion must be signed, unless
// the signature of the response covers the encrypted content (CVE-2026-2092).
func (m *mechanism) encryptedAssertion(r response, v *idp.Verifier) (*strictxml.Element, error) {
	encrypted := r.content().Child(saml2.Assertion, "EncryptedAssertion")
	plain, err := m.decrypt(encrypted, r.signed != nil)
	if err != nil {
		return nil, err
	}
	asItCame := r.root.Child(saml2.Assertion, "EncryptedAssertion")
	element, err := readDecryptedAssertion(plain, asItCame.Namespaces())
	if err != nil {
		return nil, err
	}
	signed, err := v.Verify(element, "assertion")
	if !errors.Is(err, xmldsig.ErrUnsigned) {
		return signed, err
	}
	if r.signed != nil {
		if element, err = readDecryptedAssertion(plain, coveredNamespaces(encrypted, asItCame)); err != nil {
			return nil, err
		}
	}
	return m.coveredAssertion(r.signed, element)
}

// decryptID decrypts an EncryptedID. The signature over its surroundings was verified before.
func (m *mechanism) decryptID(e *strictxml.Element) (*strictxml.Element, error) {
	plain, err := m.decrypt(e, true)
	if err != nil {
		return nil, err
	}
	return readDecrypted(plain, e.Namespaces())
}

// decrypt returns the plain text. AES-CBC is accepted only under a verified signature
// (covered). Errors do not say why decryption failed, except for properties of the
// unencrypted part.
func (m *mechanism) decrypt(encrypted *strictxml.Element, covered bool) ([]byte, error) {
	if len(m.own.Decrypters) == 0 {
		return nil, sdk.Misconfigured(reasonNoDecryptionKey, "the identity provider encrypts, but there is no decryption key: set sp_private_key or sp_enc_private_key, and give the identity provider Doorward's metadata")
	}
	plain, err := xmlenc.Decrypt(encrypted, m.entityID, m.own.Decrypters, xmlenc.Policy{InsecureAllowCBC: m.options.InsecureAllowCBC && covered})
	switch {
	case err == nil:
		return plain, nil
	case errors.Is(err, xmlenc.ErrCBC) && m.options.InsecureAllowCBC:
		return nil, sdk.InvalidResponse(reasonCBCUnsigned, "%w, which is accepted only in a response that is signed as a whole: configure the identity provider to sign it, or to use AES-GCM", err)
	case errors.Is(err, xmlenc.ErrCBC) && covered:
		return nil, sdk.InvalidResponse(idp.ReasonAlgorithm, "%w; configure the identity provider to use AES-GCM, or set insecure_allow_cbc if it cannot", err)
	case errors.Is(err, xmlenc.ErrCBC):
		return nil, sdk.InvalidResponse(idp.ReasonAlgorithm, "%w; configure the identity provider to use AES-GCM, or if it cannot, have it sign the whole response and set insecure_allow_cbc", err)
	case errors.Is(err, xmlenc.ErrKey):
		return nil, sdk.InvalidResponse(idp.ReasonAlgorithm, "%w; configure the identity provider to use RSA-OAEP", err)
	case errors.Is(err, xmlenc.ErrAlgorithm):
		return nil, sdk.InvalidResponse(idp.ReasonAlgorithm, "%w; configure the identity provider to use AES-GCM", err)
	}
	return nil, sdk.InvalidResponse(reasonDecrypt, "the encrypted element: %w", err)
}

// readDecrypted parses a decrypted element by the same strict rules, with the namespaces of
// its place. The sender cannot distinguish its refusals from that of a wrong key; the
// operator can read what is wrong.
func readDecrypted(plain []byte, scope map[string]string) (*strictxml.Element, error) {
	element, err := strictxml.ParseWithin(plain, strictxml.Message(), scope)
	if err != nil {
		return nil, sdk.InvalidResponse(reasonDecrypt, "the element was decrypted, but its content is refused: %w", err)
	}
	if err := validation.CheckStructure(element); err != nil {
		return nil, sdk.InvalidResponse(reasonDecrypt, "the element was decrypted, but its content is refused: %s", err.Error())
	}
	return element, nil
}

func readDecryptedAssertion(plain []byte, scope map[string]string) (*strictxml.Element, error) {
	element, err := readDecrypted(plain, scope)
	if err != nil {
		return nil, err
	}
	if !element.Is(saml2.Assertion, "Assertion") {
		return nil, sdk.InvalidResponse(reasonDecrypt, "the element was decrypted, but it is a %s instead of an assertion", upstream.Shown(element.Local))
	}
	return element, nil
}

// coveredNamespaces returns the namespaces inside content that only the signature of the
// response covers, as ciphertext. That signature does not cover surrounding declarations that
// are not used there: an attacker who delivers the response could bind their prefixes to
// other namespaces, and so remove elements from the assertion or insert some. These
// declarations are ignored, except the two of XML Schema, which do not affect anything that
// matters.
func coveredNamespaces(signed, asItCame *strictxml.Element) map[string]string {
	scope := asItCame.Namespaces()
	maps.DeleteFunc(scope, func(_, uri string) bool { return uri != saml2.Schema && uri != saml2.Instance })
	maps.Copy(scope, signed.Namespaces())
	return scope
}
