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

// MaxToken bounds a refresh token in bytes, because it is stored. An access token is
// bounded only by the size of the response.
const MaxToken = 16 << 10

// TypeDPoP is the type of tokens that are bound to a key. It is accepted only in the
// response to a request with a proof of that key (RFC 9449 section 5).
const TypeDPoP = "DPoP"

// isVisible reports whether a text consists of at least one VSCHAR (RFC 6749 appendix A).
// Tokens can be long, and a regular expression takes 20 ns for each byte.
func isVisible(text string) bool {
	for i := range len(text) {
		if text[i] < 0x20 || text[i] > 0x7e {
			return false
		}
	}
	return text != ""
}

// names are the members that this package or a mechanism reads.
var names = []string{"access_token", "token_type", "refresh_token", "id_token", "error"}

// read reads a token response (RFC 6749 sections 5.1 and 5.2). An error counts whatever
// its status. The warnings name members that are left out. Bound says that the request
// had a proof of a key, to which tokens may be bound.
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

// HasError reports whether a response is an error (RFC 6749 section 5.2). An empty error
// does not count: PayPal and others send it together with tokens.
func HasError(object claims.Object) bool {
	e := object["error"]
	return e != nil && e != "" && e != false
}

// statusError distinguishes wrong settings from a failing provider.
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

// settle corrects members if that is harmless, and otherwise refuses them.
func settle(object claims.Object, bound bool) (warnings []string, err error) {
	if err := settleAccessToken(object); err != nil {
		return nil, err
	}
	if object["access_token"] != nil && (object["token_type"] == nil || object["token_type"] == "") && object["id_token"] != nil {
		// OpenID Connect Core section 3.1.3.3 allows no other type.
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

// settleAccessToken accepts a response without an access token if it has an ID token.
// Azure AD B2C sends that if only openid was requested.
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

// checkType refuses an access token of an unsupported type (RFC 6749 section 7.1).
func checkType(object claims.Object, bound bool) error {
	kind, err := object.String("token_type")
	isBound := bound && strings.EqualFold(kind, TypeDPoP)
	if object["access_token"] != nil && (err != nil || !strings.EqualFold(kind, "Bearer") && !isBound) {
		return sdk.InvalidResponse(ReasonType, "a token of type %q, not Bearer", upstream.Shown(kind))
	}
	return nil
}

// oddRefreshToken says why a refresh token cannot be kept; "" if it can.
func oddRefreshToken(object claims.Object) string {
	token, err := object.String("refresh_token")
	switch {
	case err != nil:
		return "is not a text"
	case len(token) > MaxToken:
		return fmt.Sprintf("has %d bytes, at most %d are kept", len(token), MaxToken)
	case token != "" && !isVisible(token):
		return "is not printable ASCII"
	}
	return ""
}

// noAccessToken replaces a missing access token for x/oauth2, which refuses responses
// without one.
const noAccessToken = "none"

// canonical writes only the members that x/oauth2 reads: it would mistake another member
// for one of these if its name differs only in case.
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
