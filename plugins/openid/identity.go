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

// identify verifies the tokens of a login and returns their identity.
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

// identityOf makes the identity from the claims of the ID token and of the user info, and
// from the groups of Microsoft Graph. Logout messages name it by sub and sid, whatever the
// identifier is.
func (m *mechanism) identityOf(ctx context.Context, object, info claims.Object, t tokens) (sdk.Identity, error) {
	mapping := m.options.mapping()
	identity, err := mapping.Identity(merge(object, info))
	if err != nil {
		return sdk.Identity{}, err
	}
	identity.Warnings = append(identity.Warnings, t.warnings...)
	identity.EmailVerified = identity.Email != "" && mapping.Verified(addressSource(object, info, m.options.EmailKey, m.options.verifiedKey()))
	// With some providers, anybody can enter any address. So an address is an identifier
	// only if the provider calls it verified.
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
		identity.Warnings = append(identity.Warnings, fmt.Sprintf("claim sid %v: it is ignored, and a logout by sid ends no session", err))
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

// expectation is what the ID token of a login or of a refresh must match.
func (m *mechanism) expectation(md discovery.Metadata, nonce, accessToken string) idtoken.Expectation {
	return idtoken.Expectation{
		Issuer: md.Issuer, ClientID: m.options.ClientID, TrustedAudiences: m.options.TrustedAudiences, Tenants: m.tenants(),
		Nonce: nonce, NonceMayBeMissing: m.options.AllowMissingNonce, AccessToken: accessToken, Asked: m.asked, Methods: m.options.RequiredAMR, Now: m.now(),
	}
}

func (m *mechanism) tenants() discovery.Tenants {
	return discovery.Tenants{Allowed: m.options.AllowedTenants, WorkOnly: m.location.WorkOnly}
}

// acceptIDToken says how ID tokens must be signed. The same applies to logout tokens
// (Back-Channel Logout 1.0 section 2.4).
func (m *mechanism) acceptIDToken(md discovery.Metadata) jose.Accept {
	return jose.Accept{Algs: md.Algs, Option: "client_id_token_signed_response_alg"}
}

// userInfo asks the user-info endpoint. The result is nil if the provider has no such
// endpoint, or has issued no access token.
func (m *mechanism) userInfo(ctx context.Context, md discovery.Metadata, accessToken, subject string) (claims.Object, error) {
	if md.UserInfoEndpoint == "" || accessToken == "" {
		return nil, nil
	}
	return userinfo.Ask(ctx, m.client, md.UserInfoEndpoint, accessToken, m.keys(md), userinfo.Expectation{
		Subject: subject, Issuer: md.Issuer, ClientID: m.options.ClientID, TrustedAudiences: m.options.TrustedAudiences,
		Alg: m.options.UserInfoAlg, Names: m.decisive, Now: m.now(),
	})
}

// protocolClaims count only in the ID token: they say for whom, by whom and when it was
// issued, and how the end user authenticated.
var protocolClaims = []string{
	"iss", "sub", "aud", "azp", "exp", "iat", "nbf", "jti", "nonce", "at_hash", "c_hash",
	"auth_time", "acr", "amr", "sid", "events", "tid", "hd",
}

// droppedClaims are not passed on. Most have been checked already; _claim_sources is never
// followed, and may contain access tokens for other servers (OpenID Connect Core section
// 5.6.2).
var droppedClaims = []string{"nonce", "at_hash", "c_hash", "_claim_sources"}

// merge adds the user info to the claims of the ID token, and replaces those that both
// have. A claim of the user info that is null or an empty text counts as absent (OpenID
// Connect Core section 5.3.2), so the value in the ID token remains.
func merge(idToken, userInfo claims.Object) claims.Object {
	merged := maps.Clone(idToken)
	for name, value := range userInfo {
		if value != nil && value != "" && !slices.Contains(protocolClaims, name) {
			merged[name] = value
		}
	}
	// Whether the address is verified must come from where the address itself comes from.
	delete(merged, claimVerified)
	if verified, ok := addressSource(idToken, userInfo, claimEmail, claimVerified)[claimVerified]; ok {
		merged[claimVerified] = verified
	}
	for _, name := range droppedClaims {
		delete(merged, name)
	}
	return merged
}

// addressSource returns the claims from which to read whether an address is verified: those
// that contain the address. Reading the two from different sources would verify an address
// that nobody verified. If both contain the same address, the ID token can verify it for
// the user info.
func addressSource(idToken, userInfo claims.Object, addressPath, verifiedPath string) claims.Object {
	inUserInfo, _ := userInfo.Lookup(addressPath)
	if inUserInfo == nil || inUserInfo == "" {
		return idToken
	}
	inIDToken, _ := idToken.Lookup(addressPath)
	address, isString := inUserInfo.(string)
	if verified, err := userInfo.Lookup(verifiedPath); err == nil && verified == nil && isString && inIDToken == any(address) {
		return idToken
	}
	return userInfo
}
