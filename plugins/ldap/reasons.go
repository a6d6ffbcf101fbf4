package main

import "github.com/doorward/doorward/sdk"

// The reasons for refusals in this package, in addition to those of package sdk.
// internal/directory and internal/account have their own. They are stable: operators search
// their logs for them, and README.md explains each.
const (
	reasonUnsolicited sdk.Reason = "unsolicited"
	reasonGrant       sdk.Reason = "grant_malformed"
	reasonRemoved     sdk.Reason = "account_removed"
)
