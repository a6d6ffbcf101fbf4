package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/oauth2"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/upstream/codeflow"
)

const maxLoginHint = 255 // bytes

// authorizationURL builds the authorization request. The operator's parameters come first,
// so that they cannot replace those of the plugin. The state is from the host and has at
// most 64 characters: X refuses 500, an old Mattermost 128.
func (m *mechanism) authorizationURL(req sdk.BeginRequest, mem memory) (string, error) {
	params := maps.Clone(m.set.params)
	if hint := loginHint(req.LoginHint); hint != "" && m.set.sendsHint() && !params.Has("login") {
		params.Set("login", hint)
	}
	if req.Consent {
		params.Set("prompt", "consent")
	}
	config := oauth2.Config{
		ClientID:    m.options.ClientID,
		RedirectURL: m.callbackURL(req.CallbackURL),
		Endpoint:    oauth2.Endpoint{AuthURL: m.set.authorizeURL},
	}
	target := codeflow.AuthorizationURL(config, req.State, params)
	if mem.Verifier != "" {
		target = codeflow.AuthorizationURL(config, req.State, params, codeflow.Challenge(m.set.pkce, mem.Verifier))
	}
	if len(target) > sdk.MaxURL {
		return "", sdk.Misconfigured(reasonRequestTooLong, "the authorization request has %d bytes, at most %d are allowed: shorten params", len(target), sdk.MaxURL)
	}
	return target, nil
}

// callbackURL returns the callback URL of a login: the one that the host names for this
// login, otherwise the configured one.
func (m *mechanism) callbackURL(told string) string { return cmp.Or(told, m.callback) }

// sendsHint: OAuth 2.0 has no login hint. GitHub has the parameter login.
func (s settings) sendsHint() bool { return strings.HasPrefix(s.preset.Name, "github") }

// loginHint drops a hint that cannot be a login name. Hints come from the browser.
func loginHint(hint string) string {
	if len(hint) > maxLoginHint || !utf8.ValidString(hint) || strings.ContainsFunc(hint, unicode.IsControl) {
		return ""
	}
	return hint
}

// fingerprint returns a short hash, because the memory is stored in a cookie.
func fingerprint(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}
