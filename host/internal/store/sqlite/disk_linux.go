package sqlite

import (
	"math"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// freeBytes returns the free space on the disk of a file. If it cannot be read, it counts
// as enough.
func freeBytes(path string) uint64 {
	var disk unix.Statfs_t
	if err := unix.Statfs(filepath.Dir(path), &disk); err != nil {
		return math.MaxUint64
	}
	return disk.Bavail * uint64(disk.Bsize)
}
