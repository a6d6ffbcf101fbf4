package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/doorward/doorward/plugins/oauth2/internal/profile"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
	"github.com/doorward/doorward/sdk/upstream/codeflow"
)

// grantContent is the data that a refresh and a logout need.
type grantContent struct {
	Subject      string `json:"sub"`
	Server       string `json:"server"` // that issued the tokens, see settings.serverKey
	AccessToken  string `json:"access_token,omitempty"`
	Expires      int64  `json:"expires,omitempty"` // seconds since 1970; 0 if it does not expire or is unknown
	RefreshToken string `json:"refresh_token,omitempty"`

	// Members are the members of the token response, without tokens. They remain JSON for
	// the strict decoder: encoding/json would convert numbers to floats.
	Members json.RawMessage `json:"members,omitempty"`
}

// serverKey identifies the servers that receive a token, by their origins. If the operator
// has since configured another server, its account 1 belongs to somebody else, and it must
// not receive tokens of the old server.
func (s settings) serverKey() string {
	var origins strings.Builder
	for _, text := range []string{s.accessURL, s.profileURL} {
		if u, err := url.Parse(text); err == nil {
			origins.WriteString(u.Scheme + "://" + u.Host + " ")
		}
	}
	return fingerprint(origins.String())
}

// expiryMargin is how long before its expiry a token is no longer used.
const expiryMargin = 30 * time.Second

// maxMembers limits the stored members of a token response, in bytes.
const maxMembers = 8 << 10

// grant encodes the tokens for storage, unless the operator has turned refreshes off.
func (m *mechanism) grant(subject string, tokens codeflow.Tokens) ([]byte, error) {
	if m.options.NoRefresh {
		return nil, nil
	}
	g := grantContent{Subject: subject, Server: m.set.serverKey(), AccessToken: tokens.AccessToken, RefreshToken: tokens.RefreshToken}
	if seconds, err := tokens.Members.Int("expires_in"); err == nil && seconds > 0 {
		g.Expires = m.now().Add(time.Duration(seconds) * time.Second).Unix()
	}
	if members, err := json.Marshal(withoutTokens(tokens.Members)); err == nil && len(members) <= maxMembers {
		g.Members = members
	}
	data, err := json.Marshal(g)
	if err != nil {
		return nil, fmt.Errorf("encoding the grant: %w", err)
	}
	if len(data) > sdk.MaxGrant {
		return nil, nil
	}
	return data, nil
}

// Refresh reads the profile of the token's owner again. It ends the session of a user who
// has revoked the app, was suspended, or left the last allowed group.
func (r refreshing) Refresh(ctx context.Context, grant []byte) (sdk.Refreshed, error) {
	var g grantContent
	if err := json.Unmarshal(grant, &g); err != nil || g.Subject == "" || g.AccessToken == "" {
		return sdk.Refreshed{}, sdk.InvalidResponse(reasonGrant, "the session has no readable grant")
	}
	if g.Server != r.set.serverKey() {
		return sdk.Refreshed{}, sdk.Denied(reasonProviderChanged, "the session was started with another server of the provider: sign in again")
	}
	ctx, cancel := r.deadline(ctx)
	defer cancel()
	identity, err := r.identifyAgain(ctx, g)
	if err != nil {
		return sdk.Refreshed{}, r.scrub(refreshError(err), codeflow.Tokens{}, g.AccessToken, g.RefreshToken)
	}
	if identity.Subject != g.Subject {
		return sdk.Refreshed{}, sdk.Denied(reasonOtherUser, "the token now belongs to another user")
	}
	return sdk.Refreshed{Identity: identity}, nil
}

// identifyAgain uses the access token until it expires, and the refresh token only then:
// many providers accept a refresh token once, and with each use a response can get lost.
func (m *mechanism) identifyAgain(ctx context.Context, g grantContent) (sdk.Identity, error) {
	lasts := g.Expires == 0 || m.now().Add(expiryMargin).Unix() < g.Expires
	if lasts {
		members, err := g.members()
		if err != nil {
			return sdk.Identity{}, err
		}
		identity, err := m.fetchIdentity(ctx, g.AccessToken, members)
		if g.RefreshToken == "" || sdk.ReasonOf(err) != profile.ReasonTokenRefused {
			return identity, err
		}
	}
	if g.RefreshToken == "" {
		return sdk.Identity{}, sdk.Unavailable(reasonGrantExpired, "the token has expired and there is no refresh token: the session continues until its own end")
	}
	spent := func(t codeflow.Tokens) bool { return t.AccessToken == g.AccessToken }
	tokens, err := m.renewals.Do(ctx, g.RefreshToken, spent, func(own context.Context) (codeflow.Tokens, error) {
		own, cancel := m.deadline(own)
		defer cancel()
		return m.renew(own, g.RefreshToken)
	})
	if err != nil {
		return sdk.Identity{}, err
	}
	identity, err := m.fetchIdentity(ctx, tokens.AccessToken, tokens.Members)
	if err != nil {
		return sdk.Identity{}, m.scrub(err, tokens)
	}
	identity.Grant, err = m.grant(identity.Subject, tokens)
	return identity, err
}

func (g grantContent) members() (claims.Object, error) {
	if len(g.Members) == 0 {
		return nil, nil
	}
	members, err := claims.Decode(g.Members)
	if err != nil {
		return nil, sdk.InvalidResponse(reasonGrant, "the grant: %w", err)
	}
	return members, nil
}

func (m *mechanism) fetchIdentity(ctx context.Context, accessToken string, members claims.Object) (sdk.Identity, error) {
	data, err := m.fetchUserData(ctx, accessToken, members)
	if err != nil {
		return sdk.Identity{}, err
	}
	return m.identify(data)
}

// refreshError converts the kind of a login's error to the kind that it has at a refresh. A
// token that is no longer accepted ends the session. A request that the API refuses does
// not: a permission, a limit or a policy may affect all users.
func refreshError(err error) error {
	refusal, ok := errors.AsType[*sdk.Error](err)
	if !ok {
		return err
	}
	switch refusal.Reason {
	case profile.ReasonTokenRefused, "invalid_grant", "bad_refresh_token", "bad_verification_code":
		return sdk.Denied(refusal.Reason, "%s", refusal.Detail)
	case profile.ReasonForbidden, profile.ReasonSAMLSession:
		return sdk.Unavailable(refusal.Reason, "%s", refusal.Detail)
	}
	return err
}
