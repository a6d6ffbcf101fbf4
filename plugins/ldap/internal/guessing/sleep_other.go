//go:build !linux

package guessing

import "time"

// sleepPrecisely sleeps for a short time.
func sleepPrecisely(span time.Duration) { time.Sleep(span) }
