package main

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/url"

	"golang.org/x/oauth2"

	"github.com/doorward/doorward/plugins/openid/internal/discovery"
	"github.com/doorward/doorward/plugins/openid/internal/dpop"
	"github.com/doorward/doorward/plugins/openid/internal/idtoken"
	"github.com/doorward/doorward/plugins/openid/internal/userinfo"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
	"github.com/doorward/doorward/sdk/upstream"
	"github.com/doorward/doorward/sdk/upstream/codeflow"
)

// Refresh asks the provider whether the session is still valid, and reads the identity
// again: with the refresh token (OpenID Connect Core section 12), or if the provider issued
// none, at the user-info endpoint until the access token expires.
func (m *mechanism) Refresh(ctx context.Context, grant []byte) (sdk.Refreshed, error) {
	var g grantContent
	if err := json.Unmarshal(grant, &g); err != nil || g.Subject == "" {
		return sdk.Refreshed{}, sdk.InvalidResponse(reasonGrant, "the grant of the session cannot be read")
	}
	md, err := m.provider(ctx)
	if err != nil {
		return sdk.Refreshed{}, err
	}
	if g.Issuer != "" && g.Issuer != md.Issuer {
		return sdk.Refreshed{}, sdk.Denied(reasonProviderChanged, "the session was started with another issuer: sign in again")
	}
	key, err := g.dpopKey()
	if err != nil {
		return sdk.Refreshed{}, err
	}
	refreshed, err := m.again(ctx, md, g, key)
	secrets := append(m.auth.Secrets(), g.RefreshToken, g.AccessToken, g.IDToken, g.Nonce)
	refreshed.Undecided = upstream.WithoutSecrets(refreshed.Undecided, secrets...)
	return refreshed, upstream.WithoutSecrets(err, secrets...)
}

func (m *mechanism) again(ctx context.Context, md discovery.Metadata, g grantContent, key dpop.Key) (sdk.Refreshed, error) {
	if g.RefreshToken == "" {
		return m.askUserInfo(dpop.WithKey(ctx, key, g.Bound), md, g)
	}
	spent := func(granted codeflow.Tokens) bool {
		idToken, _ := granted.Members.String("id_token")
		return g.isUsed(m.tokensOf(granted, idToken))
	}
	granted, err := m.renewals.Do(ctx, g.RefreshToken, spent, func(own context.Context) (codeflow.Tokens, error) {
		own, cancel := context.WithTimeout(own, m.options.HTTPTimeout)
		defer cancel()
		return m.renew(dpop.WithKey(own, key, false), md, g)
	})
	if err != nil {
		return sdk.Refreshed{}, atRefresh(err)
	}
	idToken, err := granted.Members.String("id_token")
	if err != nil {
		idToken = "" // the ID token of the grant remains
		m.logger.Warn("the ID token of a refresh cannot be read and is ignored", "error", err)
	}
	t := m.tokensOf(granted, idToken)
	t.key, t.callback = key, m.callbackOf(g.Callback)
	identity, err := m.readAgain(dpop.WithKey(ctx, key, t.bound), md, g, t)
	if err == nil {
		return sdk.Refreshed{Identity: identity}, nil
	}
	if err = atRefresh(err); errors.Is(err, sdk.ErrDenied) {
		return sdk.Refreshed{}, err
	}
	// The old refresh token can be invalid now, so the new grant is kept.
	kept, encodeErr := g.with(t).encode()
	return sdk.Refreshed{Identity: sdk.Identity{Subject: g.identifier(), Grant: kept}, Undecided: err}, encodeErr
}

// renew requests new tokens, with exactly one request.
func (m *mechanism) renew(ctx context.Context, md discovery.Metadata, g grantContent) (codeflow.Tokens, error) {
	config := oauth2.Config{Endpoint: oauth2.Endpoint{TokenURL: md.TokenEndpoint}}
	return m.tokenRequest(ctx, md, config, []string{g.RefreshToken}, func(ctx context.Context, config oauth2.Config, params url.Values) (codeflow.Tokens, error) {
		if m.preset.RefreshAtCallback {
			params.Set("redirect_uri", m.callbackOf(g.Callback))
		}
		return codeflow.Refresh(ctx, m.client, config, g.RefreshToken, params)
	})
}

// readAgain makes the identity from refreshed tokens. If they include no new ID token, which
// the provider may leave out (section 12.2), it uses that of the grant.
func (m *mechanism) readAgain(ctx context.Context, md discovery.Metadata, g grantContent, t tokens) (sdk.Identity, error) {
	before, err := g.claims(m.decisive)
	switch {
	case t.idToken == "" || t.idToken == g.IDToken:
		if err != nil {
			return sdk.Identity{}, err
		}
		t.idToken = g.IDToken
		return m.identifyAgain(ctx, md, g, t, before)
	case err != nil:
		before = nil // the grant had no room for it
	}
	token, err := m.keys(md).Verify(ctx, t.idToken, m.acceptIDToken(md), m.decisive)
	if err != nil {
		return sdk.Identity{}, err
	}
	err = idtoken.CheckRefreshed(token, m.expectation(md, g.Nonce, t.accessToken), g.Subject)
	if err != nil {
		return sdk.Identity{}, err
	}
	return m.identifyAgain(ctx, md, g, t, withLogin(token.Claims, before))
}

// loginClaims say how the end user authenticated at the login. A refreshed ID token need not
// repeat them. All other claims come only from the new ID token: if a group is missing
// there, the end user has left it.
var loginClaims = []string{"acr", "amr", "auth_time", "sid", "hd"}

func withLogin(object, before claims.Object) claims.Object {
	object = maps.Clone(object)
	for _, name := range loginClaims {
		if object[name] == nil && before[name] != nil {
			object[name] = before[name]
		}
	}
	return object
}

// askUserInfo refreshes a session without a refresh token: it asks the user-info endpoint
// with the access token of the login.
func (m *mechanism) askUserInfo(ctx context.Context, md discovery.Metadata, g grantContent) (sdk.Refreshed, error) {
	lasts := g.Expires == 0 || m.now().Unix() < g.Expires
	if g.AccessToken == "" || !lasts || md.UserInfoEndpoint == "" {
		return sdk.Refreshed{}, sdk.Unavailable(reasonGrantExpired, "the provider issued no refresh token (does it need offline_access?), and no other token is left to ask it with: the session continues until it ends by itself")
	}
	before, err := g.claims(m.decisive)
	if err != nil {
		return sdk.Refreshed{}, err
	}
	identity, err := m.identityAgain(ctx, md, g, tokens{accessToken: g.AccessToken}, before)
	if sdk.ReasonOf(err) == userinfo.ReasonRefused {
		return sdk.Refreshed{}, tokenRefused(g)
	}
	if err != nil {
		return sdk.Refreshed{}, atRefresh(err)
	}
	return sdk.Refreshed{Identity: identity}, nil
}

// tokenRefused: an access token that is refused before it expires was revoked. If its expiry
// is unknown, it can also have expired.
func tokenRefused(g grantContent) error {
	if g.Expires != 0 {
		return sdk.Denied(userinfo.ReasonRefused, "the provider no longer accepts the access token, although it has not expired")
	}
	return sdk.Unavailable(userinfo.ReasonRefused, "the provider no longer accepts the access token, whose expiry is unknown: the session continues until it ends by itself")
}

func (m *mechanism) identifyAgain(ctx context.Context, md discovery.Metadata, g grantContent, t tokens, object claims.Object) (sdk.Identity, error) {
	identity, err := m.identityAgain(ctx, md, g, t, object)
	if err != nil {
		return sdk.Identity{}, err
	}
	g.IDToken = t.idToken
	identity.Grant, err = g.with(t).encode()
	return identity, err
}

// identityAgain reads the user info again, and repeats the checks of what the operator
// requires of a login.
func (m *mechanism) identityAgain(ctx context.Context, md discovery.Metadata, g grantContent, t tokens, object claims.Object) (sdk.Identity, error) {
	if err := idtoken.CheckAsked(object, m.expectation(md, g.Nonce, t.accessToken)); err != nil {
		return sdk.Identity{}, err
	}
	info, err := m.userInfo(ctx, md, t.accessToken, g.Subject)
	if err != nil {
		return sdk.Identity{}, err
	}
	return m.identityOf(ctx, object, info, t)
}

// atRefresh turns errors of a login into those of a refresh. These end the session:
// invalid_grant, a response about another end user or for another client (section 12.2), and
// a response that no longer has what the operator requires.
func atRefresh(err error) error {
	refusal, ok := errors.AsType[*sdk.Error](err)
	if !ok {
		return err
	}
	switch refusal.Reason {
	case "invalid_grant",
		idtoken.ReasonSubjectMismatch, discovery.ReasonIssuerMismatch, idtoken.ReasonNonceMismatch,
		idtoken.ReasonAudienceMismatch, idtoken.ReasonPartyMismatch, discovery.ReasonTenant,
		idtoken.ReasonACR, idtoken.ReasonAMR, idtoken.ReasonHostedDomain,
		userinfo.ReasonSubject, reasonEmailNotVerified:
		return sdk.Denied(refusal.Reason, "%s", refusal.Detail)
	}
	return err
}
