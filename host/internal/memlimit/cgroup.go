package memlimit

import (
	"bytes"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
)

// hierarchy is a tree of control groups as this process sees it (cgroups(7)).
type hierarchy struct {
	root  string // the group at the mount point
	mount string // the mount point
	files []string
}

// Files of the two versions that have a limit in bytes. In version 1, a number larger
// than any memory means that there is no limit.
var (
	filesV1 = []string{"memory.limit_in_bytes"}
	filesV2 = []string{"memory.max", "memory.high"} // beyond the second the kernel slows us down
)

const unlimited = 1 << 50

// ofGroup returns the lowest limit of the control group of this process and of its
// parent groups; 0 bytes if there is none. system is "/", except in tests.
func ofGroup(system string) Limit {
	groups, err := os.ReadFile(filepath.Join(system, "proc/self/cgroup"))
	if err != nil {
		return Limit{} // not on Linux
	}
	mounts, err := os.ReadFile(filepath.Join(system, "proc/self/mountinfo"))
	if err != nil {
		return Limit{}
	}
	var lowest Limit
	for line := range strings.Lines(string(groups)) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) != 3 {
			continue
		}
		h, ok := hierarchyOf(fields[1], mounts)
		if !ok {
			continue
		}
		if limit := h.limit(system, fields[2]); limit.Bytes > 0 && (lowest.Bytes == 0 || limit.Bytes < lowest.Bytes) {
			lowest = limit
		}
	}
	return lowest
}

// hierarchyOf finds the mount of a hierarchy that can have memory limits: the one with
// the memory controller, or that of version 2, whose list of controllers is empty.
func hierarchyOf(controllers string, mounts []byte) (hierarchy, bool) {
	kind, files := "cgroup2", filesV2
	if controllers != "" {
		kind, files = "cgroup", filesV1
		if !listed(controllers, "memory") {
			return hierarchy{}, false
		}
	}
	for line := range bytes.Lines(mounts) { // proc_pid_mountinfo(5)
		before, after, _ := strings.Cut(string(line), " - ")
		place, source := strings.Fields(before), strings.Fields(after)
		if len(place) < 5 || len(source) < 3 || source[0] != kind || controllers != "" && !listed(source[2], "memory") {
			continue
		}
		return hierarchy{root: place[3], mount: place[4], files: files}, true
	}
	return hierarchy{}, false
}

func listed(list, name string) bool {
	for item := range strings.SplitSeq(list, ",") {
		if item == name {
			return true
		}
	}
	return false
}

// limit is the lowest limit from the group up to the mount point. In a container the
// group may be outside the mounted part; then the mount point is the container's group.
func (h hierarchy) limit(system, group string) Limit {
	below := ""
	if rest, ok := strings.CutPrefix(group, strings.TrimSuffix(h.root, "/")); ok && (rest == "" || rest[0] == '/') {
		below = path.Clean("/" + rest)
	}
	var lowest Limit
	for {
		for _, name := range h.files {
			file := path.Join(h.mount, below, name)
			bytes := readLimit(filepath.Join(system, file))
			if bytes > 0 && (lowest.Bytes == 0 || bytes < lowest.Bytes) {
				lowest = Limit{bytes, file}
			}
		}
		if below == "" || below == "/" {
			return lowest
		}
		below = path.Dir(below)
	}
}

// readLimit returns 0 if the file does not exist or sets no limit.
func readLimit(file string) int64 {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	limit, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil || limit >= unlimited { // "max"
		return 0
	}
	return limit
}
