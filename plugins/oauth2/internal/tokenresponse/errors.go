package tokenresponse

import (
	"net/http"
	"slices"

	"github.com/doorward/doorward/plugins/oauth2/internal/profile"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
	"github.com/doorward/doorward/sdk/upstream"
	"github.com/doorward/doorward/sdk/upstream/codeflow"
)

// The reasons of refusals without an error code in RFC 6749.
const (
	ReasonCodeSpent       sdk.Reason = "bad_verification_code"
	ReasonEmailUnverified sdk.Reason = "unverified_user_email"
)

// refusal converts an error response of the provider (RFC 6749 section 5.2 and other error
// codes).
func (d Dialect) refusal(a upstream.Answer, object claims.Object) error {
	code, _ := object["error"].(string)
	if !codeflow.IsErrorCode(code) {
		return otherShape(a, object)
	}
	description, _ := object["error_description"].(string)
	text := codeflow.Describe(code, description)
	if slices.Contains(d.CodeRefused, description) {
		return sdk.InvalidResponse("invalid_grant", "%s", text)
	}
	switch code {
	case "invalid_client", "unauthorized_client", "incorrect_client_credentials":
		return sdk.Misconfigured(sdk.Reason(code), "%s: check client_id, client_secret and %s", text, d.methods())
	case "invalid_grant", "bad_refresh_token":
		return sdk.InvalidResponse(sdk.Reason(code), "%s", text)
	case "bad_verification_code":
		return sdk.InvalidResponse(ReasonCodeSpent, "%s: the code has expired, was used before, or belongs to another client", text)
	case "unverified_user_email":
		return sdk.Denied(ReasonEmailUnverified, "%s: the user must first verify their e-mail address with the identity provider", text)
	case "invalid_request", "unsupported_grant_type", "invalid_scope", "redirect_uri_mismatch":
		return sdk.Misconfigured(sdk.Reason(code), "%s: compare the client's registration at the identity provider with the options and the callback URL", text)
	case "server_error", "temporarily_unavailable":
		return sdk.Unavailable(sdk.Reason(code), "%s", text)
	case "slow_down":
		return sdk.Unavailable(profile.ReasonRateLimited, "%s", text)
	}
	if a.Status >= 500 {
		return sdk.Unavailable(codeflow.ReasonStatus, "the token endpoint answers with status %d: %s", a.Status, text)
	}
	return sdk.InvalidResponse(codeflow.ReasonUnknownError, "%s", text)
}

// methods suggests another authentication method: the same secret is correct with one method
// and wrong with another.
func (d Dialect) methods() string {
	switch d.Method {
	case "client_secret_basic":
		return "client_token_endpoint_auth_method: a server that does not decode percent-encoding requires client_secret_basic_raw, other servers require client_secret_post"
	case "client_secret_basic_raw":
		return "client_token_endpoint_auth_method: a server that decodes percent-encoding requires client_secret_basic"
	default:
		return "client_token_endpoint_auth_method"
	}
}

// otherShape converts an error response without an error code of RFC 6749.
func otherShape(a upstream.Answer, object claims.Object) error {
	said := profile.ErrorText(object)
	switch {
	case a.Status == http.StatusTooManyRequests:
		return sdk.Unavailable(profile.ReasonRateLimited, "the token endpoint: too many requests%s", said)
	case a.Status >= 500:
		return sdk.Unavailable(codeflow.ReasonStatus, "the token endpoint answers with status %d%s", a.Status, said)
	case a.Status == http.StatusUnauthorized:
		return sdk.Misconfigured("invalid_client", "the token endpoint answers with status 401%s: check client_id, client_secret and client_token_endpoint_auth_method", said)
	case a.Status == http.StatusNotFound: // GitHub, for an unknown client
		return sdk.Misconfigured("invalid_client", "the token endpoint answers with status 404%s: check client_id and access_url", said)
	default:
		return sdk.InvalidResponse(codeflow.ReasonUnknownError, "the token endpoint answers with an error, status %d%s", a.Status, said)
	}
}
