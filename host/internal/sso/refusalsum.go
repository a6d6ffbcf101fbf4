package sso

import "time"

// RefusalSum is how many sign-ins were refused in one minute, at a provider, for a reason.
type RefusalSum struct {
	Minute   time.Time // its beginning
	Provider string    // empty: none that is configured
	Reason   string
	N        int
}
