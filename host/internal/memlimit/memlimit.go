// Package memlimit tells the Go runtime how much memory there is: as much as the
// control group (cgroup) of a container or a service may use. Without that the
// collector lets the heap grow to twice what is in use, whatever the limit is, and
// the kernel ends the process where a collection would have helped.
package memlimit

import (
	"os"
	"runtime/debug"
)

// share is what the host takes of the memory of its control group, in hundredths.
// The rest is for the plugins, which are processes of their own in the same group
// with some 30 MB each, and for what the kernel keeps for connections and files.
const share = 60

// Limit is how much memory this process may use.
type Limit struct {
	Bytes int64  // 0: as much as there is
	From  string // where that is written
}

// Set sets the memory limit of the runtime: that of GOMEMLIMIT, if it is set, else
// a share of the limit of the control group. It is a soft limit: more is used if
// more is needed.
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
