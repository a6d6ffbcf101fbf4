package main

import (
	"context"
	"encoding/json"
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
	identity.Grant, err = grant(t, subject)
	return identity, err
}

// verifyIDToken verifies the signature, and then the claims rule by rule.
func (m *mechanism) verifyIDToken(ctx context.Context, md discovery.Metadata, t tokens, nonce string) (claims.Object, error) {
	accept := jose.Accept{Algs: md.Algs, Option: "client_id_token_signed_response_alg"}
	token, err := m.keys(md).Verify(ctx, t.idToken, accept, m.decisive)
	if err != nil {
		return nil, err
	}
	return token.Claims, idtoken.Check(token, idtoken.Expectation{
		Issuer: md.Issuer, ClientID: m.options.ClientID, TrustedAudiences: m.options.TrustedAudiences, Tenants: m.options.AllowedTenants,
		Nonce: nonce, AccessToken: t.accessToken, Asked: m.asked, Now: m.now(),
	})
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

// grantContent is what Refresh and BeginLogout will need.
type grantContent struct {
	Subject      string `json:"sub"`
	RefreshToken string `json:"refresh_token,omitempty"`
	IDToken      string `json:"id_token,omitempty"`
}

// grant keeps the ID token as the hint for a logout, if there is room for it.
func grant(t tokens, subject string) ([]byte, error) {
	content := grantContent{Subject: subject, RefreshToken: t.refreshToken, IDToken: t.idToken}
	data, err := json.Marshal(content)
	if err == nil && len(data) > sdk.MaxGrant {
		content.IDToken = ""
		data, err = json.Marshal(content)
	}
	if err != nil {
		return nil, fmt.Errorf("encoding the grant: %w", err)
	}
	return data, nil
}
