//go:build !linux

package sqlite

import "math"

// freeBytes cannot be read on this system; a failing write shows the problem.
func freeBytes(string) uint64 { return math.MaxUint64 }
