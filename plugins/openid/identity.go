package main

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/doorward/doorward/plugins/openid/internal/discovery"
	"github.com/doorward/doorward/plugins/openid/internal/idtoken"
	"github.com/doorward/doorward/plugins/openid/internal/userinfo"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
)

// identify makes the identity of the tokens.
func (m *mechanism) identify(ctx context.Context, md discovery.Metadata, t tokens, nonce string) (sdk.Identity, error) {
	object, err := m.verifyIDToken(ctx, md, t, nonce)
	if err != nil {
		return sdk.Identity{}, err
	}
	subject, err := object.String("sub")
	if err != nil {
		return sdk.Identity{}, sdk.InvalidResponse(claims.ReasonSubjectInvalid, "%w", err)
	}
	info, err := m.userInfo(ctx, md, t.accessToken, subject)
	if err != nil {
		return sdk.Identity{}, err
	}
	identity, err := m.identityOf(object, info)
	if err != nil {
		return sdk.Identity{}, err
	}
	identity.Grant, err = m.grant(md, identity, t, object, nonce)
	return identity, err
}

// identityOf makes the identity of the claims of the ID token and the user info. Logout
// messages name it by sub and sid, whatever is the identifier.
func (m *mechanism) identityOf(object, info claims.Object) (sdk.Identity, error) {
	merged := merge(object, info)
	m.warnOverage(merged)
	identity, err := m.options.mapping().Identity(merged)
	if err != nil {
		return sdk.Identity{}, err
	}
	// An address as the identifier is only as good as the provider's word that
	// it is the end user's: with some providers anybody can enter any.
	if m.options.IdentifierKey == "email" && !identity.EmailVerified {
		return sdk.Identity{}, sdk.Denied(reasonEmailNotVerified, "identifier_key is email, and the provider does not call the address verified")
	}
	if subject, _ := object.String("sub"); subject != identity.Subject {
		identity.LogoutSubject = subject
	}
	sid, err := object.String("sid")
	if err == nil {
		err = idtoken.CheckSessionID(sid)
	}
	if err != nil {
		identity.Warnings = append(identity.Warnings, fmt.Sprintf("claim sid %v: it is left out, and a logout by it finds nobody", err))
		return identity, nil
	}
	identity.SessionID = sid
	return identity, nil
}

// verifyIDToken verifies the signature, and then the claims rule by rule.
func (m *mechanism) verifyIDToken(ctx context.Context, md discovery.Metadata, t tokens, nonce string) (claims.Object, error) {
	token, err := m.keys(md).Verify(ctx, t.idToken, m.options.IDTokenAlg)
	if err != nil {
		return nil, err
	}
	return token.Claims, idtoken.Check(token, idtoken.Expectation{
		Issuer: md.Issuer, ClientID: m.options.ClientID, TrustedAudiences: m.options.TrustedAudiences,
		Nonce: nonce, AccessToken: t.accessToken, Asked: m.options.params(), Methods: m.options.RequiredAMR, Now: m.now(),
	})
}

// userInfo asks the user-info endpoint. The result is nil if the provider has none.
func (m *mechanism) userInfo(ctx context.Context, md discovery.Metadata, accessToken, subject string) (claims.Object, error) {
	if md.UserInfoEndpoint == "" {
		return nil, nil
	}
	return userinfo.Ask(ctx, m.client, md.UserInfoEndpoint, accessToken, m.keys(md), userinfo.Expectation{
		Subject: subject, Issuer: md.Issuer, ClientID: m.options.ClientID, TrustedAudiences: m.options.TrustedAudiences,
		Alg: m.options.UserInfoAlg, AlgIfSigned: m.options.IDTokenAlg, Now: m.now(),
	})
}

// protocolClaims are told by the ID token alone: they say for whom, by whom and
// when it was issued, and how the end user authenticated.
var protocolClaims = []string{
	"iss", "sub", "aud", "azp", "exp", "iat", "nbf", "jti", "nonce", "at_hash", "c_hash",
	"auth_time", "acr", "amr", "sid", "events", "tid", "hd",
}

// spentClaims have done their work. _claim_sources may hold access tokens of
// others, and is never followed (OpenID Connect Core section 5.6.2).
var spentClaims = []string{"nonce", "at_hash", "c_hash", "_claim_sources"}

// merge lays the user info over the claims of the ID token.
func merge(idToken, userInfo claims.Object) claims.Object {
	merged := maps.Clone(idToken)
	for name, value := range userInfo {
		if !slices.Contains(protocolClaims, name) {
			merged[name] = value
		}
	}
	pairEmail(merged, idToken, userInfo)
	for _, name := range spentClaims {
		delete(merged, name)
	}
	return merged
}

// pairEmail keeps an address and the word that it is verified together: one from
// here and the other from there would verify an address that nobody did.
func pairEmail(merged, idToken, userInfo claims.Object) {
	const word = "email_verified"
	told, ours := userInfo["email"], idToken["email"]
	address, isString := told.(string)
	source := userInfo
	if told == nil || isString && ours == any(address) && !userInfo.Has(word) {
		source = idToken
	}
	delete(merged, word)
	if source.Has(word) {
		merged[word] = source[word]
	}
}

// warnOverage tells the operator why somebody has no groups: Microsoft sends a
// reference in place of more than 200.
func (m *mechanism) warnOverage(object claims.Object) {
	names, err := object.Object("_claim_names")
	if err == nil && names.Has(m.options.GroupClaimName) {
		m.logger.Warn("the provider sends a reference in place of the groups, which is not followed: have it release fewer groups",
			"claim", m.options.GroupClaimName)
	}
}
