//go:build !linux

package guessing

import "time"

// sleepPrecisely sleeps for a short while.
func sleepPrecisely(span time.Duration) { time.Sleep(span) }
