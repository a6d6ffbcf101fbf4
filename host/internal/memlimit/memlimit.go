// Package memlimit tells the Go runtime how much memory the control group (cgroup) of a
// container or a service may use. Otherwise the collector lets the heap grow to twice
// its live size, whatever the limit is, and the kernel kills the process where a
// collection would have helped.
package memlimit

import (
	"os"
	"runtime/debug"
)

// share is the host's share of the memory of its control group, in percent. The rest is
// for the plugins, which are processes in the same group with about 30 MB each, and for
// the kernel's memory for connections and files.
const share = 60

// Limit is how much memory this process may use.
type Limit struct {
	Bytes int64  // 0: no limit
	From  string // the variable or file that sets it
}

// Set sets the memory limit of the runtime: GOMEMLIMIT if it is set, otherwise a share
// of the limit of the control group. It is a soft limit: the runtime exceeds it if it
// needs more memory.
func Set() Limit {
	if text := os.Getenv("GOMEMLIMIT"); text != "" {
		if text == "off" {
			return Limit{From: "GOMEMLIMIT"}
		}
		return Limit{debug.SetMemoryLimit(-1), "GOMEMLIMIT"}
	}
	group := ofGroup("/")
	if group.Bytes == 0 {
		return Limit{}
	}
	limit := Limit{group.Bytes / 100 * share, group.From}
	debug.SetMemoryLimit(limit.Bytes)
	return limit
}
