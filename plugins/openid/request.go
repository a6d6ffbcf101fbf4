package main

import (
	"maps"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/oauth2"

	"github.com/doorward/doorward/plugins/openid/internal/discovery"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/upstream/codeflow"
)

const maxLoginHint = 255 // bytes

// authorizationURL is the authentication request (OpenID Connect Core section
// 3.1.2.1). The operator's parameters come first, so that none of them replaces one
// of ours.
func authorizationURL(o Options, md discovery.Metadata, callback string, req sdk.BeginRequest, mem memory) (string, error) {
	params := o.params()
	if hint := loginHint(req.LoginHint); hint != "" && !params.Has("login_hint") {
		params.Set("login_hint", hint)
	}
	if req.Consent {
		params.Set("prompt", "consent")
	}
	config := oauth2.Config{
		ClientID: o.ClientID, RedirectURL: callback,
		Endpoint: oauth2.Endpoint{AuthURL: md.AuthorizationEndpoint},
	}
	bound := url.Values{"nonce": {mem.Nonce}}
	if method := o.pkceMethod(); method != "" {
		maps.Copy(bound, codeflow.Challenge(method, mem.Verifier))
	}
	target := codeflow.AuthorizationURL(config, req.State, params, bound)
	if len(target) > sdk.MaxURL {
		return "", sdk.Misconfigured(reasonRequestTooLong, "the authorization request has %d bytes, at most %d are allowed: shorten params", len(target), sdk.MaxURL)
	}
	return target, nil
}

// loginHint drops a hint that is no name of anybody. It comes from the browser.
func loginHint(hint string) string {
	if len(hint) > maxLoginHint || !utf8.ValidString(hint) || strings.ContainsFunc(hint, unicode.IsControl) {
		return ""
	}
	return hint
}
