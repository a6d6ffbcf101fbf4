package provider

import (
	"math/rand/v2"
	"time"
)

// jitter is a random time from zero to most. It need not be unpredictable.
func jitter(most time.Duration) time.Duration { return rand.N(most + 1) }
