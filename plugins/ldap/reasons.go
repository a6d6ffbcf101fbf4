package main

import "github.com/doorward/doorward/sdk"

// The reasons of our refusals, besides those of package sdk. They are stable:
// operators search their logs for them, and README.md says what each means.
const (
	reasonUnsolicited   sdk.Reason = "unsolicited"
	reasonServerLookup  sdk.Reason = "server_lookup"
	reasonUnreachable   sdk.Reason = "directory_unreachable"
	reasonServiceBind   sdk.Reason = "service_bind_refused"
	reasonSearchRefused sdk.Reason = "search_refused"
	reasonNoSubject     sdk.Reason = "subject_missing"
	reasonGroups        sdk.Reason = "groups_unusable"
	reasonGrant         sdk.Reason = "grant_malformed"
	reasonChangeRefused sdk.Reason = "password_change_refused"
	reasonRemoved       sdk.Reason = "account_removed"
)
