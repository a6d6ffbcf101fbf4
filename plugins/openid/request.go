package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/oauth2"

	"github.com/doorward/doorward/plugins/openid/internal/clientauth"
	"github.com/doorward/doorward/plugins/openid/internal/discovery"
	"github.com/doorward/doorward/plugins/openid/internal/dpop"
	"github.com/doorward/doorward/plugins/openid/internal/par"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/upstream"
	"github.com/doorward/doorward/sdk/upstream/codeflow"
)

const maxLoginHint = 255 // bytes

// pushPause is how long no request is pushed after the provider did not accept one, if it
// need not be pushed.
const pushPause = 5 * time.Minute

// pushTime bounds how long a login waits for an optional push.
const pushTime = 5 * time.Second

// authorizationURL is the URL with the authentication request (OpenID Connect Core section
// 3.1.2.1), or with a reference to the pushed request.
func (m *mechanism) authorizationURL(ctx context.Context, md discovery.Metadata, req sdk.BeginRequest, mem memory) (string, error) {
	params, err := m.requestParameters(md, req, mem)
	if err != nil {
		return "", err
	}
	config := oauth2.Config{ClientID: m.options.ClientID, RedirectURL: m.callbackOf(req.CallbackURL)}
	reference, err := m.pushed(ctx, md, codeflow.AuthorizationURL(config, req.State, params))
	if err != nil {
		return "", err
	}
	config.Endpoint.AuthURL = md.AuthorizationEndpoint
	target := codeflow.AuthorizationURL(config, req.State, params)
	if reference != "" {
		target = referringTo(md.AuthorizationEndpoint, m.options.ClientID, reference)
	}
	if len(target) > sdk.MaxURL {
		return "", sdk.Misconfigured(reasonRequestTooLong, "the authorization request has %d bytes, at most %d are allowed: shorten params", len(target), sdk.MaxURL)
	}
	return target, nil
}

// callbackOf is the callback URL of a login: the host's URL for this login, otherwise that of
// the provider.
func (m *mechanism) callbackOf(ofLogin string) string { return cmp.Or(ofLogin, m.callback) }

// requestParameters are the parameters that x/oauth2 does not set itself. The operator's
// parameters are set first, so that they cannot replace those that protect the login.
func (m *mechanism) requestParameters(md discovery.Metadata, req sdk.BeginRequest, mem memory) (url.Values, error) {
	params := m.options.params()
	if hint := loginHint(req.LoginHint); hint != "" && !params.Has("login_hint") {
		params.Set("login_hint", hint)
	}
	if req.Consent {
		params.Set("prompt", "consent")
	}
	if m.options.OfflineAccess && (md.Scopes == nil || slices.Contains(md.Scopes, offlineAccess)) {
		params.Set("scope", withScope(params.Get("scope"), offlineAccess))
	}
	if mem.Mode != codeflow.ModeQuery {
		params.Set("response_mode", mem.Mode)
	}
	params.Set("nonce", mem.Nonce)
	if method := m.options.pkceMethod(); method != "" {
		maps.Copy(params, codeflow.Challenge(method, mem.Verifier))
	}
	key, err := dpop.ParseKey(mem.Key)
	if err != nil || key.IsZero() {
		return params, err
	}
	thumbprint, err := key.Thumbprint()
	params.Set("dpop_jkt", thumbprint)
	return params, err
}

// offlineAccess is a scope (OpenID Connect Core section 11).
const offlineAccess = "offline_access"

func withScope(scope, more string) string {
	if slices.Contains(strings.Fields(scope), more) {
		return scope
	}
	return scope + " " + more
}

// pushed pushes the parameters of the request, if the options and the provider require or
// support that, and returns the reference to them. The reference is empty if the browser is
// to carry the parameters itself.
//
// The host limits how many calls of the plugin run at a time, which includes the push. If the
// push is optional and fails, it is not tried again for a while: anyone who begins many logins
// must not cause as many requests in vain.
func (m *mechanism) pushed(ctx context.Context, md discovery.Metadata, query string) (string, error) {
	demanded := md.PushRequired || m.options.PushedRequests == required
	switch {
	case md.PushRequired && m.options.PushedRequests == off:
		return "", sdk.Misconfigured(reasonPushRequired, "the provider accepts only pushed authorization requests: leave pushed_authorization_requests out")
	case demanded && md.PushEndpoint == "":
		return "", sdk.Misconfigured(reasonPushRequired, "the provider has no endpoint for pushed authorization requests: leave pushed_authorization_requests out")
	case m.options.PushedRequests == off, md.PushEndpoint == "", !demanded && m.now().Before(m.pushPausedUntil()):
		return "", nil
	}
	if !demanded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, pushTime)
		defer cancel()
	}
	reference, err := m.push(ctx, md, query)
	if err == nil || demanded {
		return reference, err
	}
	m.pausePushUntil(m.now().Add(pushPause))
	m.logger.Warn("the provider does not accept pushed authorization requests, so browsers carry them: set pushed_authorization_requests to off or required", "error", err)
	return "", nil
}

func (m *mechanism) push(ctx context.Context, md discovery.Metadata, query string) (string, error) {
	at := m.at(md, md.PushEndpoint)
	reference, err := m.pushOnce(ctx, at, query)
	// The first push used up nothing, so the same request can be pushed with another assertion.
	if sdk.ReasonOf(err) == "invalid_client" && m.auth.SwitchAudience(at) {
		reference, err = m.pushOnce(ctx, at, query)
	}
	return reference, err
}

func (m *mechanism) pushOnce(ctx context.Context, at clientauth.At, query string) (string, error) {
	form, err := url.ParseQuery(strings.TrimPrefix(query, "?"))
	if err != nil {
		return "", fmt.Errorf("making the request to push: %w", err)
	}
	header, err := m.auth.AuthenticateForm(form, at, m.now())
	if err != nil {
		return "", err
	}
	reference, err := par.Push(ctx, m.client, at.URL, form, header)
	secrets := append(m.auth.Secrets(), form.Get("client_assertion"), form.Get("nonce"), form.Get("state"))
	return reference, upstream.WithoutSecrets(err, secrets...)
}

// referringTo is the URL with the reference to the pushed request (RFC 9126 section 4). The
// endpoint can have its own query.
func referringTo(endpoint, clientID, reference string) string {
	separator := "?"
	if strings.Contains(endpoint, "?") {
		separator = "&"
	}
	query := url.Values{"client_id": {clientID}, "request_uri": {reference}}.Encode()
	return endpoint + separator + strings.ReplaceAll(query, "+", "%20")
}

// loginHint drops a hint that cannot be a name. The hint comes from the browser.
func loginHint(hint string) string {
	if len(hint) > maxLoginHint || !utf8.ValidString(hint) || strings.ContainsFunc(hint, unicode.IsControl) {
		return ""
	}
	return hint
}
