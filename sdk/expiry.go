package sdk

import "time"

// WarnBeforeExpiry is how long before a [Finding] expires the operator is warned, by a
// check and by the host's log: time enough to have a certificate issued.
const WarnBeforeExpiry = 30 * 24 * time.Hour

// WarnAhead is the same for what lives so long in all: of what is renewed every few weeks
// or days, a quarter of that. Public certificates of TLS live 47 days at most from 2029 on
// (CA/Browser Forum, ballot SC-081v3).
func WarnAhead(lifetime time.Duration) time.Duration { return min(WarnBeforeExpiry, lifetime/4) }
