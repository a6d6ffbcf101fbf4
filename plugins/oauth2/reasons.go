package main

import "github.com/doorward/doorward/sdk"

// The reasons of our refusals, besides those of packages sdk, claims, codeflow,
// internal/profile and internal/tokenanswer. They are stable: operators search their
// logs for them, and README.md says what each means. A response with an error of the
// provider's is refused with the provider's own word.
const (
	reasonRequestTooLong  sdk.Reason = "request_too_long"
	reasonUnsolicited     sdk.Reason = "unsolicited"
	reasonProviderChanged sdk.Reason = "provider_changed"
	reasonScopeReduced    sdk.Reason = "scope_reduced"
	reasonTokenUser       sdk.Reason = "token_of_another_user" // #nosec G101 -- a reason

	// Of refreshes and logouts.
	reasonGrant        sdk.Reason = "grant_unreadable"
	reasonGrantExpired sdk.Reason = "grant_expired"
	reasonOtherUser    sdk.Reason = "another_user"
	reasonRevocation   sdk.Reason = "revocation"
)
