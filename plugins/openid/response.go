package main

import (
	"crypto/subtle"
	"net/http"
	"net/url"
	"unicode/utf8"

	"github.com/doorward/doorward/plugins/openid/internal/discovery"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/upstream"
	"github.com/doorward/doorward/sdk/upstream/codeflow"
)

// Limits of an authorization response. The longest codes that are seen in the
// wild, Microsoft's, have about 2000 characters.
const (
	maxResponseParams = 32
	maxResponseValue  = 8 << 10
	maxCode           = 4 << 10
)

// expectation is what an authorization response must fit.
type expectation struct {
	state       string
	mode        string
	issuer      string
	issRequired bool
}

// readResponse checks an authorization response and returns its code (RFC 6749
// section 4.1.2, RFC 9207 section 2.4). That the response belongs to this login
// and comes from this provider is settled before anything else in it counts.
func readResponse(in sdk.InboundRequest, want expectation) (string, error) {
	params, err := responseParams(in, want.mode)
	if err != nil {
		return "", err
	}
	if err := checkParams(params); err != nil {
		return "", err
	}
	state := params.Get("state")
	if state == "" || subtle.ConstantTimeCompare([]byte(state), []byte(want.state)) != 1 {
		return "", sdk.InvalidResponse(reasonStateMismatch, "state is not that of the login")
	}
	if err := checkIss(params, want); err != nil {
		return "", err
	}
	for _, name := range []string{"id_token", "access_token", "token_type", "response"} {
		if params.Has(name) {
			return "", sdk.InvalidResponse(reasonResponseType, "a response with %s, which was not asked for", name)
		}
	}
	if params.Has("error") {
		return "", responseError(params)
	}
	return readCode(params)
}

// responseParams takes the parameters from the one place where the response mode
// puts them. A code that came another way was delivered by somebody who had the
// choice.
func responseParams(in sdk.InboundRequest, mode string) (url.Values, error) {
	method, params, other := http.MethodGet, in.Query, in.Form
	if mode == modeFormPost {
		method, params, other = http.MethodPost, in.Form, in.Query
	}
	if in.Method != method {
		return nil, sdk.InvalidResponse(reasonResponseMode, "a response by another method than %s, which response_mode %s means", method, mode)
	}
	if len(other) > 0 {
		return nil, sdk.InvalidResponse(reasonResponseMode, "a response with parameters in both query and body")
	}
	return params, nil
}

// checkParams holds for all parameters, known or not (RFC 6749 section 3.1: none
// may be there twice).
func checkParams(params url.Values) error {
	if len(params) > maxResponseParams {
		return sdk.InvalidResponse(reasonResponseMalformed, "%d parameters, at most %d are read", len(params), maxResponseParams)
	}
	for name, values := range params {
		if len(values) != 1 {
			return sdk.InvalidResponse(reasonResponseDuplicate, "parameter %q %d times", upstream.Shown(name), len(values))
		}
		if len(values[0]) > maxResponseValue || !utf8.ValidString(values[0]) {
			return sdk.InvalidResponse(reasonResponseMalformed, "parameter %q is too long or not valid UTF-8", upstream.Shown(name))
		}
	}
	return nil
}

// checkIss is the defence against mix-up (RFC 9207 section 2.4), for error
// responses too.
func checkIss(params url.Values, want expectation) error {
	iss := params.Get("iss")
	switch {
	case !params.Has("iss") && want.issRequired:
		return sdk.InvalidResponse(reasonIssMissing, "no iss, although the provider says that it sends it")
	case params.Has("iss") && !discovery.Fits(iss, want.issuer):
		return sdk.InvalidResponse(reasonIssMismatch, "a response of issuer %q, not of %q", upstream.Shown(iss), want.issuer)
	}
	return nil
}

func readCode(params url.Values) (string, error) {
	code := params.Get("code")
	if code == "" {
		return "", sdk.InvalidResponse(reasonCodeMissing, "neither code nor error")
	}
	if len(code) > maxCode || !visible.MatchString(code) {
		return "", sdk.InvalidResponse(reasonResponseMalformed, "a code of %d bytes: at most %d printable ASCII characters are allowed", len(code), maxCode)
	}
	return code, nil
}

// responseError reads an error response (RFC 6749 section 4.1.2.1, OpenID
// Connect Core section 3.1.2.6).
func responseError(params url.Values) error {
	if params.Has("code") {
		return sdk.InvalidResponse(reasonErrorAndCode, "both an error and a code")
	}
	code, text := params.Get("error"), codeflow.Describe(params.Get("error"), params.Get("error_description"))
	switch code {
	case "access_denied", "user_cancelled_login", "user_cancelled_authorize":
		return sdk.Denied(sdk.ReasonCancelled, "%s", text)
	case "login_required", "consent_required", "interaction_required", "account_selection_required",
		"unmet_authentication_requirements":
		return sdk.Denied(sdk.ReasonNotAllowed, "%s", text)
	case "server_error", "temporarily_unavailable":
		return sdk.Unavailable(sdk.Reason(code), "%s", text)
	case "invalid_request", "unauthorized_client", "unsupported_response_type", "invalid_scope",
		"invalid_client", "invalid_target", "request_not_supported", "registration_not_supported":
		return sdk.Misconfigured(sdk.Reason(code), "%s: compare the client's registration at the provider with client_id, scope, params and the callback URL", text)
	default:
		return sdk.InvalidResponse(codeflow.ReasonUnknownError, "%s", text)
	}
}
