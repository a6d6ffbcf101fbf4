package e2e

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// memoryGroup is a control group with a memory limit.
type memoryGroup struct {
	dir string
	v2  bool
}

// newMemoryGroup makes a control group, of the version that the machine has, and
// removes it when the test ends.
func newMemoryGroup(t testing.TB, limit int64) memoryGroup {
	t.Helper()
	const text = "control groups with a memory limit: run as root with /sys/fs/cgroup writable"
	g := memoryGroup{dir: "/sys/fs/cgroup/memory"}
	file := "memory.limit_in_bytes"
	if _, err := os.Stat("/sys/fs/cgroup/cgroup.controllers"); err == nil {
		g, file = memoryGroup{dir: "/sys/fs/cgroup", v2: true}, "memory.max"
		if err := os.WriteFile("/sys/fs/cgroup/cgroup.subtree_control", []byte("+memory"), 0); err != nil {
			missing(t, text+": "+err.Error())
		}
	}
	var err error
	if g.dir, err = os.MkdirTemp(g.dir, "doorward-e2e-"); err != nil {
		missing(t, text+": "+err.Error())
	}
	t.Cleanup(func() {
		if err := os.Remove(g.dir); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Error(err)
		}
	})
	if err := os.WriteFile(filepath.Join(g.dir, file), []byte(strconv.FormatInt(limit, 10)), 0); err != nil {
		missing(t, text+": "+err.Error())
	}
	return g
}

// program makes a program that moves itself into the group and then executes the other one.
func (g memoryGroup) program(t testing.TB, binary string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "doorward")
	script := "#!/bin/sh\necho $$ >" + g.dir + "/cgroup.procs && exec " + binary + ` "$@"` + "\n"
	if err := os.WriteFile(path, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// number reads a number from a file of the group: from the whole file, or from the
// line with that name.
func (g memoryGroup) number(t testing.TB, file, line string) int64 {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(g.dir, file))
	if err != nil {
		t.Fatal(err)
	}
	for entry := range strings.Lines(string(text)) {
		value, ok := strings.CutPrefix(strings.TrimSpace(entry), line)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	t.Fatalf("no %q in %s", line, file)
	return 0
}

// peak is the most memory that the group used; kills is the number of its processes that
// were ended for lack of memory.
func (g memoryGroup) peak(t testing.TB) int64 {
	t.Helper()
	if g.v2 {
		return g.number(t, "memory.peak", "")
	}
	return g.number(t, "memory.max_usage_in_bytes", "")
}

func (g memoryGroup) kills(t testing.TB) int64 {
	t.Helper()
	if g.v2 {
		return g.number(t, "memory.events", "oom ") + g.number(t, "memory.events", "oom_kill ")
	}
	return g.number(t, "memory.oom_control", "oom_kill ")
}

func (g memoryGroup) processes(t testing.TB) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(g.dir, "cgroup.procs"))
	if err != nil {
		t.Fatal(err)
	}
	return len(strings.Fields(string(text)))
}
