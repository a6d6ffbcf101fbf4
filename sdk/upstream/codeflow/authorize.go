package codeflow

import (
	"net/url"
	"slices"
	"strings"

	"golang.org/x/oauth2"
)

// Code challenge methods (RFC 7636 section 4.2).
const (
	S256  = "S256"
	Plain = "plain"
)

// NewVerifier makes a code verifier of 256 random bits.
func NewVerifier() string { return oauth2.GenerateVerifier() }

// Challenge returns the parameters that announce a code verifier. With [Plain], anyone
// who reads the authorization request can redeem the code.
func Challenge(method, verifier string) url.Values {
	challenge := oauth2.S256ChallengeFromVerifier(verifier)
	if method == Plain {
		challenge = verifier
	}
	return url.Values{"code_challenge": {challenge}, "code_challenge_method": {method}}
}

// AuthorizationURL returns the authorization request (RFC 6749 section 4.1.1). Later
// parameters, which can include scope, replace earlier ones; none replaces response_type,
// client_id, redirect_uri or state. Pass parameters that an operator can set first, and
// [Challenge] last.
func AuthorizationURL(config oauth2.Config, state string, params ...url.Values) string {
	var opts []oauth2.AuthCodeOption
	for _, values := range params {
		for name := range values {
			if !slices.Contains(settled, name) {
				opts = append(opts, oauth2.SetAuthURLParam(name, values.Get(name)))
			}
		}
	}
	target := config.AuthCodeURL(state, opts...)
	// Both spellings of a space are valid (RFC 6749 appendix B), but Apple
	// understands only this one.
	own := len(config.Endpoint.AuthURL)
	return target[:own] + strings.ReplaceAll(target[own:], "+", "%20")
}

// settled are the parameters that oauth2.Config sets.
var settled = []string{"response_type", "client_id", "redirect_uri", "state"}
