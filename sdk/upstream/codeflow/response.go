package codeflow

import (
	"crypto/subtle"
	"net/http"
	"net/url"
	"unicode/utf8"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/upstream"
)

// Limits of an authorization response. The longest known codes are self-contained: those
// of Azure AD B2C had more than 4096 characters in 2023.
const (
	maxResponseParams = 32
	maxResponseValue  = 8 << 10
)

// The response modes (OAuth 2.0 Multiple Response Types section 2.1, Form Post).
const (
	ModeQuery    = "query"
	ModeFormPost = "form_post"
)

// Expectation is what an authorization response must match.
type Expectation struct {
	State string // of this login
	Mode  string // ModeQuery or ModeFormPost

	// Issuer is the provider's issuer, for errors. IssuerFits compares iss with it; nil
	// compares byte for byte. An iss is always checked if present. With IssRequired, it
	// must be present.
	Issuer      string
	IssuerFits  func(iss string) bool
	IssRequired bool
}

func (e Expectation) issuerFits(iss string) bool {
	if e.IssuerFits == nil {
		return iss == e.Issuer
	}
	return e.IssuerFits(iss)
}

// ReadResponse checks an authorization response and returns its code (RFC 6749
// section 4.1.2, RFC 9207 section 2.4). It first checks that the response belongs to
// this login and comes from this provider, before it evaluates anything else.
func ReadResponse(in sdk.InboundRequest, want Expectation) (string, error) {
	params, err := responseParams(in, want.Mode)
	if err != nil {
		return "", err
	}
	if err := checkParams(params); err != nil {
		return "", err
	}
	state := params.Get("state")
	if state == "" || subtle.ConstantTimeCompare([]byte(state), []byte(want.State)) != 1 {
		return "", sdk.InvalidResponse(ReasonStateMismatch, "state is not that of the login")
	}
	if err := checkIss(params, want); err != nil {
		return "", err
	}
	for _, name := range []string{"id_token", "access_token", "token_type", "response"} {
		if params.Has(name) {
			return "", sdk.InvalidResponse(ReasonResponseType, "a response with %s, which was not requested", name)
		}
	}
	if params.Has("error") {
		return "", responseError(params)
	}
	return readCode(params)
}

// responseParams takes the parameters only from the place where the response mode puts
// them. A code in another place may come from an attacker, who could choose the place.
func responseParams(in sdk.InboundRequest, mode string) (url.Values, error) {
	method, params, other := http.MethodGet, in.Query, in.Form
	if mode == ModeFormPost {
		method, params, other = http.MethodPost, in.Form, in.Query
	}
	if in.Method != method {
		return nil, sdk.InvalidResponse(ReasonResponseMode, "the response did not come by %s, as response_mode %s requires", method, mode)
	}
	if len(other) > 0 {
		return nil, sdk.InvalidResponse(ReasonResponseMode, "a response with parameters in both query and body")
	}
	return params, nil
}

// checkParams checks all parameters, known or not (RFC 6749 section 3.1: none is allowed
// to occur twice).
func checkParams(params url.Values) error {
	if len(params) > maxResponseParams {
		return sdk.InvalidResponse(ReasonResponseMalformed, "%d parameters, at most %d are read", len(params), maxResponseParams)
	}
	for name, values := range params {
		if len(values) != 1 {
			return sdk.InvalidResponse(ReasonResponseDuplicate, "parameter %q %d times", upstream.Shown(name), len(values))
		}
		if len(values[0]) > maxResponseValue || !utf8.ValidString(values[0]) {
			return sdk.InvalidResponse(ReasonResponseMalformed, "parameter %q is too long or not valid UTF-8", upstream.Shown(name))
		}
	}
	return nil
}

// checkIss is the defence against mix-up (RFC 9207 section 2.4), for error
// responses too.
func checkIss(params url.Values, want Expectation) error {
	iss := params.Get("iss")
	switch {
	case !params.Has("iss") && want.IssRequired:
		return sdk.InvalidResponse(ReasonIssMissing, "no iss, although the provider says that it sends one")
	case params.Has("iss") && !want.issuerFits(iss):
		return sdk.InvalidResponse(ReasonIssMismatch, "a response of issuer %q, not of %q", upstream.Shown(iss), want.Issuer)
	}
	return nil
}

func readCode(params url.Values) (string, error) {
	code := params.Get("code")
	if code == "" {
		return "", sdk.InvalidResponse(ReasonCodeMissing, "neither code nor error")
	}
	if !isVisible(code) {
		return "", sdk.InvalidResponse(ReasonResponseMalformed, "a code that is not printable ASCII")
	}
	return code, nil
}

// responseError reads an error response (RFC 6749 section 4.1.2.1, OpenID
// Connect Core section 3.1.2.6).
func responseError(params url.Values) error {
	if params.Has("code") {
		return sdk.InvalidResponse(ReasonErrorAndCode, "both an error and a code")
	}
	code, text := params.Get("error"), Describe(params.Get("error"), params.Get("error_description"))
	switch code {
	case "access_denied", "user_cancelled_login", "user_cancelled_authorize":
		return sdk.Denied(sdk.ReasonCancelled, "%s", text)
	case "login_required", "consent_required", "interaction_required", "account_selection_required",
		"unmet_authentication_requirements":
		return sdk.Denied(sdk.ReasonNotAllowed, "%s", text)
	case "server_error", "temporarily_unavailable":
		return sdk.Unavailable(sdk.Reason(code), "%s", text)
	case "invalid_request", "unauthorized_client", "unsupported_response_type", "invalid_scope",
		"invalid_client", "invalid_target", "request_not_supported", "registration_not_supported",
		"redirect_uri_mismatch", "application_suspended", "unauthorized_scope_error": // the words of GitHub and LinkedIn
		return sdk.Misconfigured(sdk.Reason(code), "%s: compare the client's registration at the provider with client_id, scope, params and the callback URL", text)
	default:
		return sdk.InvalidResponse(ReasonUnknownError, "%s", text)
	}
}
