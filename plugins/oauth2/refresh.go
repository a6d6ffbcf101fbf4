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

// grantContent is what asking again needs.
type grantContent struct {
	Subject      string `json:"sub"`
	Server       string `json:"server"` // that gave out the tokens, see settings.server
	AccessToken  string `json:"access_token,omitempty"`
	Expires      int64  `json:"expires,omitempty"` // seconds since 1970; 0: it does not, or nobody says
	RefreshToken string `json:"refresh_token,omitempty"`

	// Members are those of the token response, without tokens. They stay JSON until
	// the strict reader reads them: encoding/json would make floats of the numbers.
	Members json.RawMessage `json:"members,omitempty"`
}

// server tells one server of the provider from another, by the origins that get a
// token. Where the operator has named another one since, its account 1 is somebody
// else, and it must not learn the tokens of the first.
func (s settings) server() string {
	var origins strings.Builder
	for _, text := range []string{s.accessURL, s.profileURL} {
		if u, err := url.Parse(text); err == nil {
			origins.WriteString(u.Scheme + "://" + u.Host + " ")
		}
	}
	return fingerprint(origins.String())
}

// early is how long before its end a token is no longer used.
const early = 30 * time.Second

// maxMembers bounds what of a token response is kept.
const maxMembers = 8 << 10

// grant keeps the tokens, if the operator wants that.
func (m *mechanism) grant(subject string, tokens codeflow.Tokens) ([]byte, error) {
	if m.options.NoRefresh {
		return nil, nil
	}
	g := grantContent{Subject: subject, Server: m.set.server(), AccessToken: tokens.AccessToken, RefreshToken: tokens.RefreshToken}
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

// Refresh asks the provider again who the owner of the token is. Whoever has revoked
// the app, was suspended, or left the last group that lets in loses the session.
func (r refreshing) Refresh(ctx context.Context, grant []byte) (sdk.Refreshed, error) {
	var g grantContent
	if err := json.Unmarshal(grant, &g); err != nil || g.Subject == "" || g.AccessToken == "" {
		return sdk.Refreshed{}, sdk.InvalidResponse(reasonGrant, "the session has no grant that can be read")
	}
	if g.Server != r.set.server() {
		return sdk.Refreshed{}, sdk.Denied(reasonProviderChanged, "the session was started at another server of the provider: sign in again")
	}
	ctx, cancel := r.deadline(ctx)
	defer cancel()
	identity, err := r.again(ctx, g)
	if err != nil {
		return sdk.Refreshed{}, r.scrub(atRefresh(err), codeflow.Tokens{}, g.AccessToken, g.RefreshToken)
	}
	if identity.Subject != g.Subject {
		return sdk.Refreshed{}, sdk.Denied(reasonOtherUser, "the token is now about another user")
	}
	return sdk.Refreshed{Identity: identity}, nil
}

// again uses the access token while it lasts, and the refresh token after that: a
// refresh token is good for one use at many providers, so that each use is one at
// which an answer may get lost.
func (m *mechanism) again(ctx context.Context, g grantContent) (sdk.Identity, error) {
	lasts := g.Expires == 0 || m.now().Add(early).Unix() < g.Expires
	if lasts {
		members, err := g.members()
		if err != nil {
			return sdk.Identity{}, err
		}
		identity, err := m.read(ctx, g.AccessToken, members)
		if g.RefreshToken == "" || sdk.ReasonOf(err) != profile.ReasonTokenRefused {
			return identity, err
		}
	}
	if g.RefreshToken == "" {
		return sdk.Identity{}, sdk.Unavailable(reasonGrantExpired, "the token has ended and there is no refresh token: the session goes on until its own end")
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
	identity, err := m.read(ctx, tokens.AccessToken, tokens.Members)
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

func (m *mechanism) read(ctx context.Context, accessToken string, members claims.Object) (sdk.Identity, error) {
	known, err := m.ask(ctx, accessToken, members)
	if err != nil {
		return sdk.Identity{}, err
	}
	return m.identify(known)
}

// atRefresh gives the kinds of a login the meaning that they have at a refresh. A
// token that is no longer accepted is a no. That the API refuses a request is none:
// a permission, a limit or a policy may be in the way for everybody.
func atRefresh(err error) error {
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
