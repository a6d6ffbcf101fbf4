package main

import (
	"cmp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/doorward/doorward/sdk"
)

// The code challenge methods (RFC 7636 section 4.2).
const (
	pkceS256  = "S256"
	pkcePlain = "plain"
)

const maxLoginHint = 255 // bytes

func (m *mechanism) pkceMethod() string {
	if m.options.PlainCodeChallenge {
		return pkcePlain
	}
	return pkceS256
}

// responseMode is how the response must come back. The default of the code flow
// is query.
func (m *mechanism) responseMode() string {
	return cmp.Or(m.options.params().Get("response_mode"), modeQuery)
}

// authorizationURL is the authentication request. The operator's parameters come
// first, so that none of them replaces one of ours.
func (m *mechanism) authorizationURL(md metadata, req sdk.BeginRequest, mem memory) (string, error) {
	params := m.options.params()
	if hint := loginHint(req.LoginHint); hint != "" && !params.Has("login_hint") {
		params.Set("login_hint", hint)
	}
	if req.Consent {
		params.Set("prompt", "consent")
	}
	var opts []oauth2.AuthCodeOption
	for name := range params {
		opts = append(opts, oauth2.SetAuthURLParam(name, params.Get(name)))
	}
	opts = append(opts, oidc.Nonce(mem.Nonce), m.challenge(mem.Verifier),
		oauth2.SetAuthURLParam("code_challenge_method", m.pkceMethod()))
	config := oauth2.Config{
		ClientID:    m.options.ClientID,
		RedirectURL: m.callback,
		Endpoint:    oauth2.Endpoint{AuthURL: md.authorizationEndpoint},
	}
	target := config.AuthCodeURL(req.State, opts...)
	// Both spellings of a space are right (RFC 6749 appendix B), and Apple
	// understands only this one.
	own := len(md.authorizationEndpoint)
	target = target[:own] + strings.ReplaceAll(target[own:], "+", "%20")
	if len(target) > sdk.MaxURL {
		return "", sdk.Misconfigured(reasonRequestTooLong, "the authorization request has %d bytes, at most %d are allowed: shorten params", len(target), sdk.MaxURL)
	}
	return target, nil
}

func (m *mechanism) challenge(verifier string) oauth2.AuthCodeOption {
	if m.options.PlainCodeChallenge {
		return oauth2.SetAuthURLParam("code_challenge", verifier)
	}
	return oauth2.S256ChallengeOption(verifier)
}

// loginHint drops a hint that is no name of anybody. It comes from the browser.
func loginHint(hint string) string {
	if len(hint) > maxLoginHint || !utf8.ValidString(hint) || strings.ContainsFunc(hint, unicode.IsControl) {
		return ""
	}
	return hint
}
