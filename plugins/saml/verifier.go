package main

import (
	"context"
	"crypto"
	"errors"
	"time"

	"github.com/doorward/doorward/plugins/saml/internal/wall"
	"github.com/doorward/doorward/plugins/saml/internal/xmldsig"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/upstream"
)

// verifier verifies the signatures of one message with the keys of the provider.
// Should none of them fit, the provider may have new ones: its metadata is read anew,
// once in a while.
type verifier struct {
	ctx          context.Context
	source       *source
	provider     *provider
	policy       xmldsig.Policy
	allowExpired bool
	now          time.Time
}

// verify returns what is signed in the element. It is xmldsig.ErrUnsigned, as it
// is, if there is no signature.
func (v *verifier) verify(e *wall.Element, what string) (*wall.Element, error) {
	var signed *wall.Element
	err := v.withKeys(func(keys []crypto.PublicKey) (err error) {
		signed, err = xmldsig.Verify(e, keys, v.policy, wall.Message())
		return err
	})
	if err != nil {
		return nil, v.explain(err, what)
	}
	return signed, nil
}

// verifyBytes is for a signature that does not stand in the message, but over some
// bytes of a query.
func (v *verifier) verifyBytes(verify func([]crypto.PublicKey, xmldsig.Policy) error, what string) error {
	err := v.withKeys(func(keys []crypto.PublicKey) error { return verify(keys, v.policy) })
	if err != nil {
		return v.explain(err, what)
	}
	return nil
}

func (v *verifier) withKeys(verify func([]crypto.PublicKey) error) error {
	keys, _ := v.provider.usableKeys(v.now, v.allowExpired)
	err := verify(keys)
	if !errors.Is(err, xmldsig.ErrSignature) {
		return err
	}
	renewed, changed := v.source.renew(v.ctx, v.provider)
	if !changed || renewed.entityID != v.provider.entityID {
		return err
	}
	v.provider = renewed
	keys, _ = renewed.usableKeys(v.now, v.allowExpired)
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
		_, expired := v.provider.usableKeys(v.now, v.allowExpired)
		if expired > 0 {
			return sdk.InvalidResponse(reasonCertificateTime, "signature of the %s: %w; %d of the certificates in the provider's metadata are out of date, and were not tried", what, err, expired)
		}
		return sdk.InvalidResponse(reasonSignature, "signature of the %s: %w in the provider's metadata; if it has a new key, idp_metadata must be replaced", what, err)
	case errors.Is(err, xmldsig.ErrDigest):
		return sdk.InvalidResponse(reasonSignature, "signature of the %s: %w", what, err)
	}
	return sdk.InvalidResponse(reasonSignatureShape, "signature of the %s: %w", what, errors.New(upstream.Quoted(err.Error())))
}
