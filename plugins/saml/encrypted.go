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

// encryptedAssertion decrypts. What comes out must be signed inside, unless the
// signature of the response covers what was encrypted (CVE-2026-2092).
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

// decryptID opens an EncryptedID. The signature over all around it was verified.
func (m *mechanism) decryptID(e *strictxml.Element) (*strictxml.Element, error) {
	plain, err := m.decrypt(e, true)
	if err != nil {
		return nil, err
	}
	return readDecrypted(plain, e.Namespaces())
}

// decrypt returns what is encrypted. AES-CBC is possible only under a signature that
// was verified (covered). Why it is not decrypted is not told, but for what is written
// openly.
func (m *mechanism) decrypt(encrypted *strictxml.Element, covered bool) ([]byte, error) {
	if len(m.own.Decrypters) == 0 {
		return nil, sdk.Misconfigured(reasonNoDecryptionKey, "the provider encrypts, and there is no key: set sp_private_key or sp_enc_private_key, and give the provider our metadata")
	}
	plain, err := xmlenc.Decrypt(encrypted, m.entityID, m.own.Decrypters, xmlenc.Policy{InsecureAllowCBC: m.options.InsecureAllowCBC && covered})
	switch {
	case err == nil:
		return plain, nil
	case errors.Is(err, xmlenc.ErrCBC) && m.options.InsecureAllowCBC:
		return nil, sdk.InvalidResponse(reasonCBCUnsigned, "%w, which is possible only in a response that is signed as a whole: have the provider sign it, or use AES-GCM", err)
	case errors.Is(err, xmlenc.ErrCBC) && covered:
		return nil, sdk.InvalidResponse(idp.ReasonAlgorithm, "%w; have the provider use AES-GCM, or set insecure_allow_cbc if it cannot", err)
	case errors.Is(err, xmlenc.ErrCBC):
		return nil, sdk.InvalidResponse(idp.ReasonAlgorithm, "%w; have the provider use AES-GCM, or if it cannot, have it sign the whole response and set insecure_allow_cbc", err)
	case errors.Is(err, xmlenc.ErrKey):
		return nil, sdk.InvalidResponse(idp.ReasonAlgorithm, "%w; have the provider use RSA-OAEP", err)
	case errors.Is(err, xmlenc.ErrAlgorithm):
		return nil, sdk.InvalidResponse(idp.ReasonAlgorithm, "%w; have the provider use AES-GCM", err)
	}
	return nil, sdk.InvalidResponse(reasonDecrypt, "what is encrypted: %w", err)
}

// readDecrypted reads an element that was encrypted, by the same wall, with the
// namespaces of where it stood. To whoever sent it, each refusal is that of a wrong key;
// the operator reads what is wrong.
func readDecrypted(plain []byte, scope map[string]string) (*strictxml.Element, error) {
	element, err := strictxml.ParseWithin(plain, strictxml.Message(), scope)
	if err != nil {
		return nil, sdk.InvalidResponse(reasonDecrypt, "it could be decrypted, and what was in it is refused: %w", err)
	}
	if err := validation.CheckStructure(element); err != nil {
		return nil, sdk.InvalidResponse(reasonDecrypt, "it could be decrypted, and what was in it is refused: %s", err.Error())
	}
	return element, nil
}

func readDecryptedAssertion(plain []byte, scope map[string]string) (*strictxml.Element, error) {
	element, err := readDecrypted(plain, scope)
	if err != nil {
		return nil, err
	}
	if !element.Is(saml2.Assertion, "Assertion") {
		return nil, sdk.InvalidResponse(reasonDecrypt, "it could be decrypted, and is a %s in place of an assertion", upstream.Shown(element.Local))
	}
	return element, nil
}

// coveredNamespaces are those that hold inside of what only the signature of the
// response covers, as ciphertext. That signature does not cover the declarations around
// that are not used there: whoever brings the response can bind their prefixes to
// something else, and so take elements out of the assertion or put some into it. They
// do not count, then, but for the two of XML Schema, by which nothing is read that
// matters.
func coveredNamespaces(signed, asItCame *strictxml.Element) map[string]string {
	scope := asItCame.Namespaces()
	maps.DeleteFunc(scope, func(_, uri string) bool { return uri != saml2.Schema && uri != saml2.Instance })
	maps.Copy(scope, signed.Namespaces())
	return scope
}
