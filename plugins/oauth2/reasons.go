package main

import "github.com/doorward/doorward/sdk"

// Reasons of refusals, in addition to those of the packages sdk, claims, codeflow,
// internal/profile and internal/tokenresponse. They are stable: operators search their logs
// for them, and README.md explains each. A refusal because of an error from the provider has
// the provider's error code as its reason.
const (
	reasonRequestTooLong  sdk.Reason = "request_too_long"
	reasonUnsolicited     sdk.Reason = "unsolicited"
	reasonProviderChanged sdk.Reason = "provider_changed"
	reasonScopeReduced    sdk.Reason = "scope_reduced"
	reasonTokenUser       sdk.Reason = "token_of_another_user" // #nosec G101 -- a reason

	// For refreshes and logouts.
	reasonGrant        sdk.Reason = "grant_unreadable"
	reasonGrantExpired sdk.Reason = "grant_expired"
	reasonOtherUser    sdk.Reason = "another_user"
	reasonRevocation   sdk.Reason = "revocation"
)
