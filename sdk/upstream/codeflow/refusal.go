package codeflow

import (
	"regexp"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
	"github.com/doorward/doorward/sdk/upstream"
)

// The reasons of the refusals of this package. They are stable, because operators search
// their logs for them. If the provider sends a known error code, that is the reason.
const (
	// The authorization response.
	ReasonResponseMode      sdk.Reason = "response_mode_mismatch"
	ReasonResponseMalformed sdk.Reason = "response_malformed"
	ReasonResponseDuplicate sdk.Reason = "response_duplicate"
	ReasonResponseType      sdk.Reason = "response_type_mismatch"
	ReasonStateMismatch     sdk.Reason = "state_mismatch"
	ReasonIssMissing        sdk.Reason = "response_iss_missing"
	ReasonIssMismatch       sdk.Reason = "response_iss_mismatch"
	ReasonErrorAndCode      sdk.Reason = "error_and_code"
	ReasonCodeMissing       sdk.Reason = "code_missing"

	// The token response.
	ReasonUnreachable  sdk.Reason = "token_unreachable"
	ReasonStatus       sdk.Reason = "token_status"
	ReasonMalformed    sdk.Reason = "token_malformed"
	ReasonType         sdk.Reason = "token_type"
	ReasonUnknownError sdk.Reason = "unknown_error"
)

// tokenError reads an error response (RFC 6749 section 5.2). It names options that every
// mechanism with this flow has.
func tokenError(object claims.Object) error {
	code, _ := object.String("error")
	description, _ := object.String("error_description")
	text := Describe(code, description)
	switch code {
	case "invalid_client", "unauthorized_client":
		return sdk.Misconfigured(sdk.Reason(code), "%s: check client_id, client_secret and client_token_endpoint_auth_method", text)
	case "invalid_grant":
		return sdk.InvalidResponse(sdk.Reason(code), "%s", text)
	case "invalid_request", "unsupported_grant_type", "invalid_scope":
		return sdk.Misconfigured(sdk.Reason(code), "%s: compare the client's registration at the provider with the options", text)
	case "invalid_dpop_proof", "use_dpop_nonce": // RFC 9449 sections 5 and 8
		return sdk.Misconfigured(sdk.Reason(code), "%s: are both clocks right? If the provider cannot do what it lists, set dpop to off", text)
	case "server_error", "temporarily_unavailable":
		return sdk.Unavailable(sdk.Reason(code), "%s", text)
	default:
		return sdk.InvalidResponse(ReasonUnknownError, "%s", text)
	}
}

var errorCode = regexp.MustCompile(`^[a-z0-9_]{1,64}$`)

// IsErrorCode reports whether a text is an error code such as those of RFC 6749
// section 5.2, and not a sentence.
func IsErrorCode(text string) bool { return errorCode.MatchString(text) }

// Describe shows an error of the provider's token or authorization endpoint, cut and
// printable. Some providers send a sentence in place of the code.
func Describe(code, description string) string {
	switch {
	case code == "":
		code = "with an error that is not a text"
	case !IsErrorCode(code):
		code = `"` + upstream.Quoted(code) + `"`
	}
	text := "the provider answers " + code
	if description != "" {
		text += `: "` + upstream.Quoted(description) + `"`
	}
	return text
}
