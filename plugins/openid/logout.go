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

	// maxLogoutURL is the maximum length of a logout URL in bytes. A longer request is sent
	// as a form, because many servers read only 8 KB of a request's header.
	maxLogoutURL = 6 << 10
)

// logoutMemory travels from BeginLogout to ReceiveLogout.
type logoutMemory struct {
	Issuer string `json:"i"`
}

// BeginLogout revokes the tokens (RFC 7009), and sends the browser to the provider to sign
// out there, too (RP-Initiated Logout 1.0 section 2), as far as the provider has endpoints
// for it.
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
		return nil, nil // the tokens and the hint belong to another issuer
	}
	if err := m.revoke(ctx, md, g); err != nil {
		m.logger.Warn("the provider did not revoke the token", "error", err)
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
		"client_id": m.options.ClientID, returnTo: m.logoutURLOf(req), "state": req.State, "id_token_hint": g.IDToken,
	}
	return endSession(endpoint, params, data)
}

// logoutURLOf is the URL to which a logout returns: the host's URL for this logout, without
// the state, which is a separate parameter here; otherwise the URL of the provider.
func (m *mechanism) logoutURLOf(req sdk.LogoutRequest) string {
	return cmp.Or(strings.TrimSuffix(req.ReturnURL, "?"+url.Values{"state": {req.State}}.Encode()), m.logout)
}

// endSessionAt returns the URL where the browser signs out at the provider, and the name of
// its parameter for the URL to return to.
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

// endSession is the request to the end-session endpoint, which accepts GET and POST.
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

// revoke revokes the refresh token, which also ends its access tokens (RFC 7009 section
// 2.1); or the access token, if there is no refresh token. A provider that does not answer
// delays a logout only briefly, and does not prevent it.
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
	header, err := m.auth.AuthenticateForm(form, m.at(md, md.RevocationEndpoint), m.now())
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

// ReceiveLogout reads a request to the logout URL: a logout token from the provider
// (Back-Channel Logout 1.0), a frame on the provider's page (Front-Channel Logout 1.0), or
// the browser that returns from a logout of BeginLogout.
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
	return sdk.Logout{}, sdk.InvalidResponse(reasonLogoutMessage, "it has neither a logout token, nor iss and sid, nor the state of a logout that Doorward began")
}

// cameBack ends a logout of BeginLogout (RP-Initiated Logout 1.0 section 3). The host has
// compared the state. The provider does not say that it signed out the end user; it sends
// the browser back only if it did.
func (m *mechanism) cameBack(ctx context.Context, req sdk.LogoutMessage) (sdk.Logout, error) {
	var mem logoutMemory
	if err := json.Unmarshal(req.Memory, &mem); err != nil || mem.Issuer == "" {
		return sdk.Logout{}, sdk.InvalidResponse(reasonUnsolicited, "the memory of the logout cannot be read")
	}
	md, err := m.provider(ctx)
	if err != nil {
		return sdk.Logout{}, err
	}
	if mem.Issuer != md.Issuer {
		return sdk.Logout{}, sdk.InvalidResponse(reasonProviderChanged, "the logout was started with another issuer")
	}
	return sdk.Logout{Outcome: sdk.LogoutDone}, nil
}

// backChannel ends the sessions that a logout token names: one by sid, all sessions of an
// end user by sub, and with both, only the one that matches both (Back-Channel Logout 1.0
// section 2.7).
func (m *mechanism) backChannel(ctx context.Context, in sdk.InboundRequest) (sdk.Logout, error) {
	raw := in.Form["logout_token"]
	if len(raw) != 1 || len(in.Query) > 0 {
		return sdk.Logout{}, sdk.InvalidResponse(reasonLogoutMessage, "there are other parameters next to the logout token")
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

// frontChannel ends the session that a frame of the provider names (Front-Channel Logout
// 1.0 section 3). Nothing in it is signed. The sid is accepted because only the provider and
// this end user know it; nothing else identifies a session here.
func (m *mechanism) frontChannel(ctx context.Context, query url.Values) (sdk.Logout, error) {
	if len(query["iss"]) != 1 || len(query["sid"]) != 1 || query.Get("sid") == "" {
		return sdk.Logout{}, sdk.InvalidResponse(reasonLogoutMessage, "iss and sid must be present, once each: configure the provider to send them (frontchannel_logout_session_required)")
	}
	if err := idtoken.CheckSessionID(query.Get("sid")); err != nil {
		return sdk.Logout{}, sdk.InvalidResponse(reasonLogoutMessage, "sid %w", err)
	}
	md, err := m.provider(ctx)
	if err != nil {
		return sdk.Logout{}, err
	}
	if iss := query.Get("iss"); !discovery.Fits(iss, md.Issuer) {
		return sdk.Logout{}, sdk.InvalidResponse(reasonLogoutIssuer, "the logout is from the issuer %q, not from %q", upstream.Shown(iss), md.Issuer)
	}
	return sdk.Logout{SessionIDs: []string{query.Get("sid")}, Framed: true}, nil
}
