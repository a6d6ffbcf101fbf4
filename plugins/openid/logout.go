package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/doorward/doorward/plugins/openid/internal/discovery"
	"github.com/doorward/doorward/plugins/openid/internal/idtoken"
	"github.com/doorward/doorward/plugins/openid/internal/logouttoken"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/upstream"
)

const (
	// revokeTime bounds how long a logout waits for the provider.
	revokeTime = 4 * time.Second

	// maxLogoutURL is what a URL may have, in bytes, before a form carries the logout
	// request: servers commonly read 8 KB of a request's head.
	maxLogoutURL = 6 << 10
)

// logoutMemory travels from BeginLogout to ReceiveLogout.
type logoutMemory struct {
	Issuer string `json:"i"`
}

// BeginLogout gives the tokens back where the provider takes them (RFC 7009), and sends
// the browser to the provider to sign out there, too (RP-Initiated Logout 1.0 section
// 2). There is nothing to do at a provider that has neither.
func (m *mechanism) BeginLogout(ctx context.Context, req sdk.LogoutRequest) (sdk.Step, error) {
	var g grantContent
	if json.Unmarshal(req.Grant, &g) != nil || g.Subject == "" {
		return nil, nil
	}
	md, err := m.provider(ctx)
	if err != nil {
		return nil, err
	}
	if g.Issuer != "" && g.Issuer != md.Issuer {
		return nil, nil // neither the tokens nor the hint are for this one
	}
	if err := m.revoke(ctx, md, g); err != nil {
		m.logger.Warn("revoking the token at the provider did not work", "error", err)
	}
	endpoint, returnTo := m.endSessionAt(md)
	if m.options.KeepProviderSession || endpoint == "" {
		return nil, nil
	}
	data, err := json.Marshal(logoutMemory{Issuer: md.Issuer})
	if err != nil {
		return nil, fmt.Errorf("encoding the memory of the logout: %w", err)
	}
	params := map[string]string{
		"client_id": m.options.ClientID, returnTo: m.logoutOf(req), "state": req.State, "id_token_hint": g.IDToken,
	}
	return endSession(endpoint, params, data)
}

// logoutOf is where a logout comes back to: the URL that the host tells of it, which has
// the state that is a parameter of its own here, or else that of the provider.
func (m *mechanism) logoutOf(req sdk.LogoutRequest) string {
	return cmp.Or(strings.TrimSuffix(req.ReturnURL, "?"+url.Values{"state": {req.State}}.Encode()), m.logout)
}

// endSessionAt is where people sign out at the provider, and what the parameter with our
// URL is called there.
func (m *mechanism) endSessionAt(md discovery.Metadata) (endpoint, returnTo string) {
	if m.preset.LogoutPath == "" {
		return md.EndSessionEndpoint, "post_logout_redirect_uri"
	}
	u, err := url.Parse(md.AuthorizationEndpoint)
	if err != nil {
		return "", ""
	}
	return u.Scheme + "://" + u.Host + m.preset.LogoutPath, m.preset.LogoutReturn
}

// endSession is the request to the end-session endpoint, which takes both methods.
func endSession(endpoint string, params map[string]string, memory []byte) (sdk.Step, error) {
	u, err := url.Parse(endpoint)
	if err != nil {
		return nil, sdk.Misconfigured(discovery.ReasonEndpoint, "the end_session_endpoint in the discovery document is not a URL")
	}
	query := u.Query()
	var fields []sdk.FormField
	for _, name := range slices.Sorted(maps.Keys(params)) {
		if params[name] != "" {
			query.Set(name, params[name])
			fields = append(fields, sdk.FormField{Name: name, Value: params[name]})
		}
	}
	u.RawQuery = strings.ReplaceAll(query.Encode(), "+", "%20")
	if target := u.String(); len(target) <= maxLogoutURL {
		return sdk.Redirect{URL: target, Memory: memory}, nil
	}
	return sdk.FormPost{URL: endpoint, Fields: fields, Memory: memory}, nil
}

// revoke gives the refresh token back, and with it the access tokens go (RFC 7009
// section 2.1); or the access token, if that is all. A provider that does not answer
// delays nobody for long and keeps nobody signed in.
func (m *mechanism) revoke(ctx context.Context, md discovery.Metadata, g grantContent) error {
	token, kind := g.RefreshToken, "refresh_token"
	if token == "" {
		token, kind = g.AccessToken, "access_token"
	}
	if m.options.KeepTokens || md.RevocationEndpoint == "" || token == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, revokeTime)
	defer cancel()
	form := url.Values{"token": {token}, "token_type_hint": {kind}}
	header, err := m.auth.Dress(form, m.at(md, md.RevocationEndpoint), m.now())
	if err != nil {
		return err
	}
	answer, err := upstream.PostForm(ctx, m.client, md.RevocationEndpoint, form, header)
	switch {
	case err != nil:
		err = upstream.Unreachable(reasonRevocation, "", err)
	case answer.Status/100 != 2:
		err = sdk.Unavailable(reasonRevocation, "the revocation endpoint %s", answer.Problem())
	}
	return upstream.WithoutSecrets(err, append(m.auth.Secrets(), token, form.Get("client_assertion"))...)
}

// ReceiveLogout reads what arrives at our logout URL: a logout token that the provider
// sends (Back-Channel Logout 1.0), the frame that it shows (Front-Channel Logout 1.0),
// or the browser that comes back from a logout of ours.
func (m *mechanism) ReceiveLogout(ctx context.Context, req sdk.LogoutMessage) (sdk.Logout, error) {
	in := req.Request
	switch {
	case in.Method == http.MethodPost && len(in.Form["logout_token"]) > 0:
		return m.backChannel(ctx, in)
	case in.Method == http.MethodGet && in.Query.Has("sid"):
		return m.frontChannel(ctx, in.Query)
	case req.State != "":
		return m.cameBack(ctx, req)
	}
	return sdk.Logout{}, sdk.InvalidResponse(reasonLogoutMessage, "neither a logout token, nor iss and sid, nor the state of a logout of ours")
}

// cameBack is the end of a logout of ours (RP-Initiated Logout 1.0 section 3). The host
// has compared the state. That the provider did as it was asked is not said anywhere;
// it comes back only if it did.
func (m *mechanism) cameBack(ctx context.Context, req sdk.LogoutMessage) (sdk.Logout, error) {
	var mem logoutMemory
	if err := json.Unmarshal(req.Memory, &mem); err != nil || mem.Issuer == "" {
		return sdk.Logout{}, sdk.InvalidResponse(reasonUnsolicited, "the logout has no memory that can be read")
	}
	md, err := m.provider(ctx)
	if err != nil {
		return sdk.Logout{}, err
	}
	if mem.Issuer != md.Issuer {
		return sdk.Logout{}, sdk.InvalidResponse(reasonProviderChanged, "the logout was begun with another issuer")
	}
	return sdk.Logout{Outcome: sdk.LogoutDone}, nil
}

// backChannel ends the sessions that a logout token names: one by sid, all of somebody
// by sub, and where both are there, only one that fits both (Back-Channel Logout 1.0
// section 2.7).
func (m *mechanism) backChannel(ctx context.Context, in sdk.InboundRequest) (sdk.Logout, error) {
	raw := in.Form["logout_token"]
	if len(raw) != 1 || len(in.Query) > 0 {
		return sdk.Logout{}, sdk.InvalidResponse(reasonLogoutMessage, "a logout token that is not alone")
	}
	md, err := m.provider(ctx)
	if err != nil {
		return sdk.Logout{}, err
	}
	accept := m.acceptIDToken(md)
	accept.Types = []string{logouttoken.Type}
	token, err := m.keys(md).Verify(ctx, raw[0], accept, logouttoken.Names)
	if err != nil {
		return sdk.Logout{}, err
	}
	demand, err := logouttoken.Check(token, logouttoken.Expectation{
		Issuer: md.Issuer, ClientID: m.options.ClientID, TrustedAudiences: m.options.TrustedAudiences, Now: m.now(),
	})
	if err != nil {
		return sdk.Logout{}, upstream.WithoutSecrets(err, raw[0])
	}
	logout := sdk.Logout{Subject: demand.Subject, OnceID: demand.OnceID, OnceUntil: demand.OnceUntil}
	if demand.SessionID != "" {
		logout.SessionIDs = []string{demand.SessionID}
	}
	return logout, nil
}

// frontChannel ends the session of a frame of the provider's (Front-Channel Logout 1.0
// section 3). Nothing in it is signed: what protects the session is that nobody but the
// provider and this end user knows its sid, so that nothing else may name it.
func (m *mechanism) frontChannel(ctx context.Context, query url.Values) (sdk.Logout, error) {
	if len(query["iss"]) != 1 || len(query["sid"]) != 1 || query.Get("sid") == "" {
		return sdk.Logout{}, sdk.InvalidResponse(reasonLogoutMessage, "iss and sid must be there, once each: have the provider send them (frontchannel_logout_session_required)")
	}
	if err := idtoken.CheckSessionID(query.Get("sid")); err != nil {
		return sdk.Logout{}, sdk.InvalidResponse(reasonLogoutMessage, "sid %w", err)
	}
	md, err := m.provider(ctx)
	if err != nil {
		return sdk.Logout{}, err
	}
	if iss := query.Get("iss"); !discovery.Fits(iss, md.Issuer) {
		return sdk.Logout{}, sdk.InvalidResponse(reasonLogoutIssuer, "a logout of the issuer %q, not of %q", upstream.Shown(iss), md.Issuer)
	}
	return sdk.Logout{SessionIDs: []string{query.Get("sid")}, Framed: true}, nil
}
