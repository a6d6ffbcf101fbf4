package watch

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
)

// Signature returns a text that changes when one of the files changes, or the file that
// a link leads to, or who may read it.
func Signature(paths []string) string {
	var b strings.Builder
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil {
			var stat syscall.Stat_t
			if found, ok := info.Sys().(*syscall.Stat_t); ok {
				stat = *found
			}
			fmt.Fprintf(&b, "%d,%d,%d,%s,%d,%d %s\n", info.Size(), info.ModTime().UnixNano(), stat.Ino, info.Mode(), stat.Uid, stat.Gid, path)
		}
	}
	return b.String()
}

// ChangedIn returns the paths whose files differ between two signatures, sorted.
func ChangedIn(before, after string) []string {
	lines := map[string]int{}
	for line := range strings.Lines(before + after) {
		lines[line]++
	}
	var paths []string
	for line, times := range lines {
		if _, path, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " "); times == 1 && !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	return paths
}
