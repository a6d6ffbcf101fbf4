package main

import "github.com/doorward/doorward/sdk"

// The reasons of our refusals that are told here. Others stand beside what they are
// about: in internal/discovery, jose, idtoken and userinfo, and in packages claims and
// codeflow of the sdk. They are stable: operators search their logs for them, and
// README.md says what each means. An authorization or token response with an error of
// the provider's is refused with the provider's own word.
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
	reasonTokenRevoked sdk.Reason = "token_revoked"

	// A logout.
	reasonLogoutMessage sdk.Reason = "logout_message"
	reasonLogoutIssuer  sdk.Reason = "logout_iss_mismatch"
	reasonRevocation    sdk.Reason = "revocation_failed"
)
