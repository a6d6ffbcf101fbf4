package codeflow

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
	"github.com/doorward/doorward/sdk/upstream"
)

// MaxToken is how long a refresh token may be, in bytes: it is stored. An access token
// is as long as the answer allows.
const MaxToken = 16 << 10

// TypeDPoP is the type of tokens that are bound to a key. It is accepted only in answer
// to a request with a proof of that key (RFC 9449 section 5).
const TypeDPoP = "DPoP"

// isVisible reports whether a text is made of VSCHAR (RFC 6749 appendix A), one at
// least. Tokens may be long, and a regular expression takes 20 ns for each byte.
func isVisible(text string) bool {
	for i := range len(text) {
		if text[i] < 0x20 || text[i] > 0x7e {
			return false
		}
	}
	return text != ""
}

// names are the members that are read here, or by a mechanism that asks for more.
var names = []string{"access_token", "token_type", "refresh_token", "id_token", "error"}

// read reads an answer of a token endpoint (RFC 6749 sections 5.1 and 5.2). An error
// counts whatever its status. The warnings name members that are left out. Bound says
// that tokens may be bound to the key that the request had a proof of.
func read(a upstream.Answer, bound bool) (object claims.Object, warnings []string, err error) {
	object, err = claims.DecodeFor(a.JSON(), names...)
	switch {
	case !a.Succeeded() && (err != nil || !HasError(object)):
		return nil, nil, statusError(a)
	case err != nil && a.IsHTML():
		return nil, nil, sdk.InvalidResponse(upstream.ReasonHTML, "the token endpoint: %s", a.HTMLText())
	case err != nil:
		return nil, nil, sdk.InvalidResponse(ReasonMalformed, "an answer of type %q: %w", upstream.Shown(a.MediaType()), err)
	case HasError(object):
		return nil, nil, tokenError(object)
	}
	warnings, err = settle(object, bound)
	return object, warnings, err
}

// HasError reports whether an answer is an error (RFC 6749 section 5.2). An empty error
// is none: PayPal and others send it beside tokens.
func HasError(object claims.Object) bool {
	e := object["error"]
	return e != nil && e != "" && e != false
}

// statusError tells wrong settings from a provider in trouble.
func statusError(a upstream.Answer) error {
	problem := a.Problem()
	if a.IsHTML() {
		problem = a.HTMLText()
	}
	switch {
	case a.Status < 400:
		return sdk.InvalidResponse(ReasonStatus, "the token endpoint %s", problem)
	case a.Status == http.StatusUnauthorized:
		return sdk.Misconfigured(ReasonStatus, "the token endpoint %s: check client_id, client_secret and client_token_endpoint_auth_method", problem)
	default:
		return sdk.Unavailable(ReasonStatus, "the token endpoint %s", problem)
	}
}

// settle makes the members what they should have been, where that is harmless, and
// else refuses them.
func settle(object claims.Object, bound bool) (warnings []string, err error) {
	if err := settleAccessToken(object); err != nil {
		return nil, err
	}
	if object["access_token"] != nil && (object["token_type"] == nil || object["token_type"] == "") && object["id_token"] != nil {
		// OpenID Connect Core section 3.1.3.3 leaves no other type.
		object["token_type"] = "Bearer"
		warnings = append(warnings, "token_type is missing from the token response: Bearer is meant")
	}
	if err := checkType(object, bound); err != nil {
		return nil, err
	}
	if odd := oddRefreshToken(object); odd != "" {
		delete(object, "refresh_token")
		warnings = append(warnings, "refresh_token in the token response "+odd+": it is left out")
	}
	seconds := lifetime(object["expires_in"])
	delete(object, "expires_in")
	if seconds > 0 {
		object["expires_in"] = json.Number(strconv.FormatInt(seconds, 10))
	}
	return warnings, nil
}

// settleAccessToken lets an answer do without one if it has an ID token, as one of
// Azure AD B2C does that was asked for openid alone.
func settleAccessToken(object claims.Object) error {
	token, err := object.String("access_token")
	switch {
	case err != nil:
		return sdk.InvalidResponse(ReasonMalformed, "%w", err)
	case token == "" && object["id_token"] != nil:
		delete(object, "access_token")
		return nil
	case token == "":
		return sdk.InvalidResponse(ReasonMalformed, "no access_token")
	case !isVisible(token):
		return sdk.InvalidResponse(ReasonMalformed, "access_token is not printable ASCII")
	}
	return nil
}

// checkType wants an access token that we know how to use (RFC 6749 section 7.1).
func checkType(object claims.Object, bound bool) error {
	kind, err := object.String("token_type")
	isBound := bound && strings.EqualFold(kind, TypeDPoP)
	if object["access_token"] != nil && (err != nil || !strings.EqualFold(kind, "Bearer") && !isBound) {
		return sdk.InvalidResponse(ReasonType, "a token of type %q, not Bearer", upstream.Shown(kind))
	}
	return nil
}

// oddRefreshToken says why a refresh token cannot be kept, if it cannot.
func oddRefreshToken(object claims.Object) string {
	token, err := object.String("refresh_token")
	switch {
	case err != nil:
		return "is no text"
	case len(token) > MaxToken:
		return fmt.Sprintf("has %d bytes, at most %d are kept", len(token), MaxToken)
	case token != "" && !isVisible(token):
		return "is not printable ASCII"
	}
	return ""
}

// noAccessToken stands for the access token that an answer lacks, for x/oauth2, which
// refuses such answers.
const noAccessToken = "none"

// canonical writes what x/oauth2 looks at, and nothing else: it would take another
// member for one of these if its name differs in case only.
func canonical(object claims.Object) ([]byte, error) {
	members := map[string]any{"access_token": noAccessToken, "token_type": "Bearer"}
	for _, name := range []string{"access_token", "token_type", "refresh_token", "expires_in"} {
		if object[name] != nil {
			members[name] = object[name]
		}
	}
	data, err := json.Marshal(members)
	if err != nil {
		return nil, fmt.Errorf("encoding the answer of the token endpoint: %w", err)
	}
	return data, nil
}
