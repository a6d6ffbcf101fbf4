package provider

import (
	"math/rand/v2"
	"time"
)

// jitter is a random time from zero to most. Nobody gains by guessing it.
func jitter(most time.Duration) time.Duration { return rand.N(most + 1) }
