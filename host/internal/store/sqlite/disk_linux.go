package sqlite

import (
	"math"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// freeBytes is how much room there is on the disk of that file; what cannot be told
// is taken for enough.
func freeBytes(path string) uint64 {
	var disk unix.Statfs_t
	if err := unix.Statfs(filepath.Dir(path), &disk); err != nil {
		return math.MaxUint64
	}
	return disk.Bavail * uint64(disk.Bsize)
}
