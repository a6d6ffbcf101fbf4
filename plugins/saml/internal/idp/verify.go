package idp

import (
	"context"
	"crypto"
	"errors"
	"time"

	"github.com/doorward/doorward/plugins/saml/internal/saml2"
	"github.com/doorward/doorward/plugins/saml/internal/strictxml"
	"github.com/doorward/doorward/plugins/saml/internal/xmldsig"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/upstream"
)

// Verifier verifies the signatures of one message with the keys of the identity provider. If
// none of them fits, the identity provider may have new keys: its metadata is read again, but
// not for each message.
type Verifier struct {
	Ctx          context.Context
	Source       *Source
	Provider     *Provider
	Policy       xmldsig.Policy
	AllowExpired bool
	Now          time.Time
}

// Verify returns the signed content of the element. It returns xmldsig.ErrUnsigned unchanged
// if there is no signature.
func (v *Verifier) Verify(e *strictxml.Element, what string) (*strictxml.Element, error) {
	var signed *strictxml.Element
	err := v.withKeys(func(keys []crypto.PublicKey) (err error) {
		signed, err = xmldsig.Verify(e, keys, v.Policy, strictxml.Message())
		return err
	})
	if err != nil {
		return nil, v.explain(err, what, len(e.All(saml2.Assertion, "EncryptedAssertion")) > 0)
	}
	return signed, nil
}

// VerifyBytes verifies a signature over bytes of a query instead of an element.
func (v *Verifier) VerifyBytes(verify func([]crypto.PublicKey, xmldsig.Policy) error, what string) error {
	err := v.withKeys(func(keys []crypto.PublicKey) error { return verify(keys, v.Policy) })
	if err != nil {
		return v.explain(err, what, false)
	}
	return nil
}

func (v *Verifier) withKeys(verify func([]crypto.PublicKey) error) error {
	keys, _ := v.Provider.UsableKeys(v.Now, v.AllowExpired)
	err := verify(keys)
	if !errors.Is(err, xmldsig.ErrSignature) {
		return err
	}
	renewed, changed := v.Source.renew(v.Ctx, v.Provider)
	if !changed || renewed.EntityID != v.Provider.EntityID {
		return err
	}
	v.Provider = renewed
	keys, _ = renewed.UsableKeys(v.Now, v.AllowExpired)
	return verify(keys)
}

// explain adds what an operator can do about a signature. encrypted says that the signed
// content contains an encrypted assertion.
func (v *Verifier) explain(err error, what string, encrypted bool) error {
	switch {
	case errors.Is(err, xmldsig.ErrUnsigned):
		return err
	case errors.Is(err, xmldsig.ErrAlgorithm):
		return sdk.InvalidResponse(ReasonAlgorithm, "signature of the %s: %w%s", what, err, advice(err))
	case errors.Is(err, xmldsig.ErrSignature):
		_, expired := v.Provider.UsableKeys(v.Now, v.AllowExpired)
		if expired > 0 {
			return sdk.InvalidResponse(ReasonCertificateTime, "signature of the %s: %w; %d of the certificates in the metadata of the provider have expired or are not yet valid, and were not tried", what, err, expired)
		}
		return sdk.InvalidResponse(ReasonSignature, "signature of the %s: %w in the metadata of the provider; if the identity provider has a new key, replace idp_metadata", what, err)
	case errors.Is(err, xmldsig.ErrDigest) && encrypted:
		return sdk.InvalidResponse(ReasonSignature, "signature of the %s: %w; if the identity provider signs it before it encrypts the assertion, configure it to encrypt first", what, err)
	case errors.Is(err, xmldsig.ErrDigest):
		return sdk.InvalidResponse(ReasonSignature, "signature of the %s: %w", what, err)
	}
	return sdk.InvalidResponse(ReasonSignatureShape, "signature of the %s: %w", what, errors.New(upstream.Quoted(err.Error())))
}

// advice says what to change about a refused algorithm; it is empty for other errors.
func advice(err error) string {
	refused, ok := errors.AsType[*xmldsig.AlgorithmError](err)
	switch {
	case !ok:
		return ""
	case refused.SHA1():
		return "; configure the identity provider to sign with SHA-256, or set insecure_allow_sha1 until it can"
	case refused.For == xmldsig.ForSignature:
		return "; configure the identity provider to sign with RSA or ECDSA, and SHA-256"
	case refused.For == xmldsig.ForDigest:
		return "; configure the identity provider to use digests with SHA-256"
	}
	return "; configure the identity provider to use exclusive canonicalization"
}
