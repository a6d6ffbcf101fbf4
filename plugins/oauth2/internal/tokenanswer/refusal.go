package tokenanswer

import (
	"net/http"
	"slices"

	"github.com/doorward/doorward/plugins/oauth2/internal/profile"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
	"github.com/doorward/doorward/sdk/upstream"
	"github.com/doorward/doorward/sdk/upstream/codeflow"
)

// The reasons of refusals that have no word in RFC 6749.
const (
	ReasonCodeSpent       sdk.Reason = "bad_verification_code"
	ReasonEmailUnverified sdk.Reason = "unverified_user_email"
)

// refusal is an error of the provider's (RFC 6749 section 5.2, and what else there
// is).
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
		return sdk.Denied(ReasonEmailUnverified, "%s: the end user must verify their address at the provider first", text)
	case "invalid_request", "unsupported_grant_type", "invalid_scope", "redirect_uri_mismatch":
		return sdk.Misconfigured(sdk.Reason(code), "%s: compare the client's registration at the provider with the options and the callback URL", text)
	case "server_error", "temporarily_unavailable":
		return sdk.Unavailable(sdk.Reason(code), "%s", text)
	case "slow_down":
		return sdk.Unavailable(profile.ReasonRateLimited, "%s", text)
	}
	if a.Status >= 500 {
		return sdk.Unavailable(codeflow.ReasonStatus, "the token endpoint answers with status %d, and %s", a.Status, text)
	}
	return sdk.InvalidResponse(codeflow.ReasonUnknownError, "%s", text)
}

// methods says what to try: one and the same secret is right in one of these forms
// and wrong in the other.
func (d Dialect) methods() string {
	switch d.Method {
	case "client_secret_basic":
		return "client_token_endpoint_auth_method: a server that does not decode what is percent-encoded wants client_secret_basic_raw, others want client_secret_post"
	case "client_secret_basic_raw":
		return "client_token_endpoint_auth_method: a server that decodes what is percent-encoded wants client_secret_basic"
	default:
		return "client_token_endpoint_auth_method"
	}
}

// otherShape is an error whose form is the provider's own.
func otherShape(a upstream.Answer, object claims.Object) error {
	said := profile.Said(object)
	switch {
	case a.Status == http.StatusTooManyRequests:
		return sdk.Unavailable(profile.ReasonRateLimited, "the token endpoint: too many requests%s", said)
	case a.Status >= 500:
		return sdk.Unavailable(codeflow.ReasonStatus, "the token endpoint answers with status %d%s", a.Status, said)
	case a.Status == http.StatusUnauthorized:
		return sdk.Misconfigured("invalid_client", "the token endpoint answers with status 401%s: check client_id, client_secret and client_token_endpoint_auth_method", said)
	case a.Status == http.StatusNotFound: // GitHub, to a client that it does not know
		return sdk.Misconfigured("invalid_client", "the token endpoint answers with status 404%s: check client_id and access_url", said)
	default:
		return sdk.InvalidResponse(codeflow.ReasonUnknownError, "the token endpoint answers with an error, status %d%s", a.Status, said)
	}
}
