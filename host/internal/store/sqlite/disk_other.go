//go:build !linux

package sqlite

import "math"

// freeBytes is not known here; a write that fails tells, then.
func freeBytes(string) uint64 { return math.MaxUint64 }
