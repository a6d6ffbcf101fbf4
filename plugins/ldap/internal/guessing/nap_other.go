//go:build !linux

package guessing

import "time"

// nap sleeps for a short while.
func nap(span time.Duration) { time.Sleep(span) }
