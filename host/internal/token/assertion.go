package token

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/go-jose/go-jose/v4"

	"github.com/doorward/doorward/host/internal/sso"
)

// assertionType is the typ of assertions. Access tokens have another, so that neither
// passes for the other (RFC 8725 section 3.11).
const assertionType = "doorward-assertion+jwt"

// assertion is the claims of an assertion. Applications read it: unknown values are left
// out, but groups are always a list.
type assertion struct {
	Issuer    string `json:"iss"`
	Audience  string `json:"aud"`
	Subject   string `json:"sub"`
	IssuedAt  int64  `json:"iat"`
	NotBefore int64  `json:"nbf"`
	ExpiresAt int64  `json:"exp"`
	ID        string `json:"jti"`
	SessionID string `json:"sid,omitempty"`
	SignedIn  int64  `json:"auth_time,omitempty"`
	Provider  string `json:"idp"`

	Email            string   `json:"email,omitempty"`
	Name             string   `json:"name,omitempty"`
	Role             string   `json:"role,omitempty"`
	Groups           []string `json:"groups"`
	GroupsIncomplete bool     `json:"groups_incomplete,omitempty"`
}

// Assert signs an assertion with the keys of access tokens. Times are truncated to whole
// seconds. The error is about missing claims, an invalid lifetime, or the store.
func (t *Tokens) Assert(ctx context.Context, a sso.Assertion) (string, error) {
	life := a.ExpiresAt.Sub(a.IssuedAt)
	if a.Audience == "" || a.UserID == "" || life <= 0 || life > sso.MaxAssertionTTL {
		return "", errors.New("signing an assertion: audience or user missing, or the lifetime is not positive or is too long")
	}
	r, err := t.forSigning(ctx)
	if err != nil {
		return "", err
	}
	k := r.signing(t.config.Algorithm, t.config.Now())
	if k == nil {
		return "", errors.New("signing an assertion: there is no signing key")
	}
	signed, err := k.assert(t.assertion(a))
	if err != nil {
		return "", fmt.Errorf("signing an assertion: %w", err)
	}
	return signed, nil
}

func (t *Tokens) assertion(a sso.Assertion) assertion {
	claims := assertion{
		Issuer: t.config.Issuer, Audience: a.Audience, Subject: a.UserID, ID: newID(), SessionID: a.Session, Provider: a.Provider,
		IssuedAt: a.IssuedAt.Unix(), NotBefore: a.IssuedAt.Unix(), ExpiresAt: a.ExpiresAt.Unix(),
		Email: a.Email, Name: a.Name, Role: a.Role, Groups: a.Groups, GroupsIncomplete: a.GroupsIncomplete,
	}
	if claims.Groups == nil {
		claims.Groups = []string{}
	}
	if !a.SignedIn.IsZero() {
		claims.SignedIn = a.SignedIn.Unix()
	}
	return claims
}

func (k *key) assert(claims assertion) (string, error) {
	text, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("encoding the claims: %w", err)
	}
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: jose.SignatureAlgorithm(k.algorithm), Key: jose.JSONWebKey{Key: k.private, KeyID: k.id}},
		(&jose.SignerOptions{}).WithType(assertionType))
	if err != nil {
		return "", fmt.Errorf("creating a signer: %w", err)
	}
	signed, err := signer.Sign(text)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}
