package account

import "github.com/doorward/doorward/sdk"

// The reasons for refusals in this package.
const (
	ReasonNoSubject     sdk.Reason = "subject_missing"
	ReasonBindRefused   sdk.Reason = "bind_refused"
	ReasonChangeRefused sdk.Reason = "password_change_refused"
)
