package main

import "github.com/doorward/doorward/sdk"

// The reasons of refusals in this package. Others are defined in internal/discovery, jose,
// idtoken and userinfo, and in the packages claims and codeflow of the sdk. They are
// stable, because operators search their logs for them, and README.md explains each. If an
// authorization or token response has a known error code, that is the reason.
const (
	// The authorization request.
	reasonRequestTooLong sdk.Reason = "request_too_long"
	reasonPushRequired   sdk.Reason = "par_required"

	// A response to no login, or to another one.
	reasonUnsolicited     sdk.Reason = "unsolicited"
	reasonProviderChanged sdk.Reason = "provider_changed"

	// The token response.
	reasonIDTokenMissing sdk.Reason = "id_token_missing"
	reasonNotBound       sdk.Reason = "token_not_bound"

	// The identity.
	reasonEmailNotVerified sdk.Reason = "email_not_verified"

	// A refresh.
	reasonGrant        sdk.Reason = "grant_unreadable"
	reasonGrantExpired sdk.Reason = "grant_expired"

	// A logout.
	reasonLogoutMessage sdk.Reason = "logout_message"
	reasonLogoutIssuer  sdk.Reason = "logout_iss_mismatch"
	reasonRevocation    sdk.Reason = "revocation_failed"
)
