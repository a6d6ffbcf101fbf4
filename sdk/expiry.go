package sdk

import "time"

// WarnBeforeExpiry is how long before the ExpiresAt of a [Finding] a check and the host's
// log warn the operator. It leaves enough time to have a certificate issued.
const WarnBeforeExpiry = 30 * 24 * time.Hour

// WarnAhead returns how long before expiry to warn about something with this total
// lifetime: WarnBeforeExpiry, but at most a quarter of the lifetime, for certificates that
// are renewed every few days or weeks. From 2029, public TLS certificates are valid for at
// most 47 days (CA/Browser Forum, ballot SC-081v3).
func WarnAhead(lifetime time.Duration) time.Duration { return min(WarnBeforeExpiry, lifetime/4) }
