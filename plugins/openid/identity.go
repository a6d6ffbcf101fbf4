package main

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/doorward/doorward/plugins/openid/internal/discovery"
	"github.com/doorward/doorward/plugins/openid/internal/idtoken"
	"github.com/doorward/doorward/plugins/openid/internal/jose"
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
	identity, err := m.identityOf(ctx, object, info, t)
	if err != nil {
		return sdk.Identity{}, err
	}
	identity.Grant, err = m.grant(md, identity, t, object, nonce)
	return identity, err
}

// identityOf makes the identity of the claims of the ID token and the user info, and of
// what else the access token tells. Logout messages name it by sub and sid, whatever is
// the identifier.
func (m *mechanism) identityOf(ctx context.Context, object, info claims.Object, t tokens) (sdk.Identity, error) {
	mapping := m.options.mapping()
	identity, err := mapping.Identity(merge(object, info))
	if err != nil {
		return sdk.Identity{}, err
	}
	identity.Warnings = append(identity.Warnings, t.warnings...)
	identity.EmailVerified = identity.Email != "" && mapping.Verified(addressSource(object, info, m.options.EmailKey, m.options.verifiedKey()))
	// An address as the identifier is only as good as the provider's word that
	// it is the end user's: with some providers anybody can enter any.
	if m.options.IdentifierKey == m.options.EmailKey && !identity.EmailVerified {
		return sdk.Identity{}, sdk.Denied(reasonEmailNotVerified, "identifier_key is %s, and the provider does not call the address verified", m.options.EmailKey)
	}
	if err := m.completeGroups(ctx, &identity, object, info, t.accessToken); err != nil {
		return sdk.Identity{}, err
	}
	if subject, _ := object.String("sub"); subject != identity.Subject {
		identity.LogoutSubject = subject
		if subject != "" {
			identity.Aliases = []string{subject}
		}
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
	token, err := m.keys(md).Verify(ctx, t.idToken, m.acceptIDToken(md), m.decisive)
	if err != nil {
		return nil, err
	}
	return token.Claims, idtoken.Check(token, m.expectation(md, nonce, t.accessToken))
}

// expectation is what an ID token must fit, that of a login or of a refresh.
func (m *mechanism) expectation(md discovery.Metadata, nonce, accessToken string) idtoken.Expectation {
	return idtoken.Expectation{
		Issuer: md.Issuer, ClientID: m.options.ClientID, TrustedAudiences: m.options.TrustedAudiences, Tenants: m.tenants(),
		Nonce: nonce, NonceMayBeMissing: m.options.AllowMissingNonce, AccessToken: accessToken, Asked: m.asked, Methods: m.options.RequiredAMR, Now: m.now(),
	}
}

func (m *mechanism) tenants() discovery.Tenants {
	return discovery.Tenants{Allowed: m.options.AllowedTenants, WorkOnly: m.location.WorkOnly}
}

// acceptIDToken says how ID tokens are signed, and logout tokens with them (Back-Channel
// Logout 1.0 section 2.4).
func (m *mechanism) acceptIDToken(md discovery.Metadata) jose.Accept {
	return jose.Accept{Algs: md.Algs, Option: "client_id_token_signed_response_alg"}
}

// userInfo asks the user-info endpoint. The result is nil if the provider has none, or
// has given no access token for it.
func (m *mechanism) userInfo(ctx context.Context, md discovery.Metadata, accessToken, subject string) (claims.Object, error) {
	if md.UserInfoEndpoint == "" || accessToken == "" {
		return nil, nil
	}
	return userinfo.Ask(ctx, m.client, md.UserInfoEndpoint, accessToken, m.keys(md), userinfo.Expectation{
		Subject: subject, Issuer: md.Issuer, ClientID: m.options.ClientID, TrustedAudiences: m.options.TrustedAudiences,
		Alg: m.options.UserInfoAlg, Names: m.decisive, Now: m.now(),
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

// merge lays the user info over the claims of the ID token. A claim that is null or an
// empty text there is absent (OpenID Connect Core section 5.3.2), and leaves what the ID
// token says.
func merge(idToken, userInfo claims.Object) claims.Object {
	merged := maps.Clone(idToken)
	for name, value := range userInfo {
		if value != nil && value != "" && !slices.Contains(protocolClaims, name) {
			merged[name] = value
		}
	}
	// The claims that are handed on say of an address what is said where it stands.
	delete(merged, claimVerified)
	if word, ok := addressSource(idToken, userInfo, claimEmail, claimVerified)[claimVerified]; ok {
		merged[claimVerified] = word
	}
	for _, name := range spentClaims {
		delete(merged, name)
	}
	return merged
}

// addressSource is where an address stands, for the word that it is verified: one from
// here and the other from there would verify an address that nobody did. The word of
// the ID token is good for the same address in the user info, too.
func addressSource(idToken, userInfo claims.Object, addressPath, wordPath string) claims.Object {
	told, _ := userInfo.Lookup(addressPath)
	if told == nil || told == "" {
		return idToken
	}
	ours, _ := idToken.Lookup(addressPath)
	address, isString := told.(string)
	if word, err := userInfo.Lookup(wordPath); err == nil && word == nil && isString && ours == any(address) {
		return idToken
	}
	return userInfo
}
