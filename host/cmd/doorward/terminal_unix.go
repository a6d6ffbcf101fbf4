//go:build unix

package main

import "golang.org/x/sys/unix"

// terminalColumns reports whether a file is a terminal, and its width.
func terminalColumns(file uintptr) (columns int, is bool) {
	size, err := unix.IoctlGetWinsize(int(file), unix.TIOCGWINSZ) //nolint:gosec // descriptors are small
	if err != nil {
		return 0, false
	}
	return int(size.Col), true
}
