package sdk

import "time"

// WarnBeforeExpiry is how long before a [Finding] expires the operator is warned, by a
// check and by the host's log: time enough to have a certificate issued.
const WarnBeforeExpiry = 30 * 24 * time.Hour
