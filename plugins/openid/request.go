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

// pushAgain is how long no request is pushed after the provider did not take one, where
// it need not be pushed.
const pushAgain = 5 * time.Minute

// pushTime bounds how long a login waits for what need not be.
const pushTime = 5 * time.Second

// authorizationURL is where the browser goes with the authentication request (OpenID
// Connect Core section 3.1.2.1), all of it or a reference to what was pushed.
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

// callbackOf is where a login comes back to: what the host tells of it, or else that of the
// provider.
func (m *mechanism) callbackOf(told string) string { return cmp.Or(told, m.callback) }

// requestParameters are those that x/oauth2 does not set by itself. The operator's come
// first, so that none of them replaces one of ours.
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

// pushed pushes the parameters of the request, if the options and the provider want
// that, and returns the reference to them; an empty one if the browser is to carry
// them itself.
//
// The request goes out within the turn that the host gave this login. Where the provider
// need not have it so, one that it does not take is not tried again for a while: whoever
// begins many logins must not make us ask as often in vain.
func (m *mechanism) pushed(ctx context.Context, md discovery.Metadata, query string) (string, error) {
	demanded := md.PushRequired || m.options.PushedRequests == required
	switch {
	case md.PushRequired && m.options.PushedRequests == off:
		return "", sdk.Misconfigured(reasonPushRequired, "the provider takes pushed authorization requests only: leave pushed_authorization_requests out")
	case demanded && md.PushEndpoint == "":
		return "", sdk.Misconfigured(reasonPushRequired, "the provider names no endpoint for pushed authorization requests: leave pushed_authorization_requests out")
	case m.options.PushedRequests == off, md.PushEndpoint == "", !demanded && m.now().Before(m.pushesAgain()):
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
	m.setPushesAgain(m.now().Add(pushAgain))
	m.logger.Warn("the provider does not take pushed authorization requests, so browsers carry them: set pushed_authorization_requests to off or required", "error", err)
	return "", nil
}

func (m *mechanism) push(ctx context.Context, md discovery.Metadata, query string) (string, error) {
	at := m.at(md, md.PushEndpoint)
	reference, err := m.pushOnce(ctx, at, query)
	// Nothing is spent: the same request may be pushed with another assertion.
	if sdk.ReasonOf(err) == "invalid_client" && m.auth.Doubt(at) {
		reference, err = m.pushOnce(ctx, at, query)
	}
	return reference, err
}

func (m *mechanism) pushOnce(ctx context.Context, at clientauth.At, query string) (string, error) {
	form, err := url.ParseQuery(strings.TrimPrefix(query, "?"))
	if err != nil {
		return "", fmt.Errorf("making the request to push: %w", err)
	}
	header, err := m.auth.Dress(form, at, m.now())
	if err != nil {
		return "", err
	}
	reference, err := par.Push(ctx, m.client, at.URL, form, header)
	secrets := append(m.auth.Secrets(), form.Get("client_assertion"), form.Get("nonce"), form.Get("state"))
	return reference, upstream.WithoutSecrets(err, secrets...)
}

// referringTo is the request that refers to what was pushed (RFC 9126 section 4). The
// endpoint may have a query of its own.
func referringTo(endpoint, clientID, reference string) string {
	separator := "?"
	if strings.Contains(endpoint, "?") {
		separator = "&"
	}
	query := url.Values{"client_id": {clientID}, "request_uri": {reference}}.Encode()
	return endpoint + separator + strings.ReplaceAll(query, "+", "%20")
}

// loginHint drops a hint that is no name of anybody. It comes from the browser.
func loginHint(hint string) string {
	if len(hint) > maxLoginHint || !utf8.ValidString(hint) || strings.ContainsFunc(hint, unicode.IsControl) {
		return ""
	}
	return hint
}
