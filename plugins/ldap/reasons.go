package main

import "github.com/doorward/doorward/sdk"

// The reasons of our refusals that are told here, besides those of package sdk. Others
// stand beside what they are about: in internal/directory and internal/account. They are
// stable: operators search their logs for them, and README.md says what each means.
const (
	reasonUnsolicited sdk.Reason = "unsolicited"
	reasonGrant       sdk.Reason = "grant_malformed"
	reasonRemoved     sdk.Reason = "account_removed"
)
