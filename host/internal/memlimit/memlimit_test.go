package memlimit

import (
	"os"
	"path/filepath"
	"runtime/debug"
	"testing"
)

const (
	mountV2 = "30 24 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
	mountV1 = "31 24 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n32 24 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
	docker1 = "32 24 0:28 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n"
	noLimit = "9223372036854771712\n"
)

func TestLimitOfTheGroup(t *testing.T) {
	for name, tt := range map[string]struct {
		groups, mounts string
		files          map[string]string
		want           Limit
	}{
		"version 2": {"0::/system.slice/doorward.service\n", mountV2, map[string]string{
			"sys/fs/cgroup/system.slice/doorward.service/memory.max": "536870912\n",
		}, Limit{512 << 20, "/sys/fs/cgroup/system.slice/doorward.service/memory.max"}},
		"version 2, around it": {"0::/system.slice/doorward.service\n", mountV2, map[string]string{
			"sys/fs/cgroup/system.slice/doorward.service/memory.max": "max\n",
			"sys/fs/cgroup/system.slice/memory.max":                  "1000000\n",
		}, Limit{1000000, "/sys/fs/cgroup/system.slice/memory.max"}},
		"version 2, slowed down before": {"0::/a\n", mountV2, map[string]string{
			"sys/fs/cgroup/a/memory.max": "2000000\n", "sys/fs/cgroup/a/memory.high": "1000000\n",
		}, Limit{1000000, "/sys/fs/cgroup/a/memory.high"}},
		"version 2 in a container": {"0::/\n", mountV2, map[string]string{"sys/fs/cgroup/memory.max": "1000000\n"}, Limit{1000000, "/sys/fs/cgroup/memory.max"}},
		"version 2 outside of what is mounted": {"0::/../b\n", mountV2, map[string]string{
			"sys/fs/cgroup/memory.max": "1000000\n",
		}, Limit{1000000, "/sys/fs/cgroup/memory.max"}},
		"version 1": {"5:cpu,cpuacct:/x\n4:memory:/a\n0::/\n", mountV1, map[string]string{
			"sys/fs/cgroup/memory/a/memory.limit_in_bytes": "1000000\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": noLimit,
		}, Limit{1000000, "/sys/fs/cgroup/memory/a/memory.limit_in_bytes"}},
		"version 1 in a container": {"4:memory:/docker/abc\n", docker1, map[string]string{
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "1000000\n",
		}, Limit{1000000, "/sys/fs/cgroup/memory/memory.limit_in_bytes"}},
		"version 1 in a container, of another": {"4:memory:/docker/abcdef\n", docker1, map[string]string{
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "1000000\n", "sys/fs/cgroup/memory/def/memory.limit_in_bytes": "1\n",
		}, Limit{1000000, "/sys/fs/cgroup/memory/memory.limit_in_bytes"}},
		"no limit, version 1": {"4:memory:/a\n", mountV1, map[string]string{"sys/fs/cgroup/memory/a/memory.limit_in_bytes": noLimit}, Limit{}},
		"no limit, version 2": {"0::/a\n", mountV2, map[string]string{"sys/fs/cgroup/a/memory.max": "max\n"}, Limit{}},
		"not mounted":         {"4:memory:/a\n0::/\n", "", nil, Limit{}},
		"garbage":             {"x\n:\n::\n4:memory\n", "x\n - \n1 2 3 - cgroup\n", nil, Limit{}},
		"no cgroups":          {"", "", nil, Limit{}},
	} {
		t.Run(name, func(t *testing.T) {
			system := t.TempDir()
			write := func(file, text string) {
				path := filepath.Join(system, file)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			write("proc/self/cgroup", tt.groups)
			write("proc/self/mountinfo", tt.mounts)
			for file, text := range tt.files {
				write(file, text)
			}
			if got := ofGroup(system); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
	if got := ofGroup(t.TempDir()); got != (Limit{}) {
		t.Errorf("without /proc: %+v", got)
	}
}

// What the operator says counts, and is not touched.
func TestLimitOfTheOperator(t *testing.T) {
	before := debug.SetMemoryLimit(123 << 20)
	defer debug.SetMemoryLimit(before)
	t.Setenv("GOMEMLIMIT", "123MiB")
	if got := Set(); got != (Limit{123 << 20, "GOMEMLIMIT"}) {
		t.Errorf("got %+v", got)
	}
	t.Setenv("GOMEMLIMIT", "off")
	if got := Set(); got.Bytes != 0 || debug.SetMemoryLimit(-1) != 123<<20 {
		t.Errorf("off: %+v", got)
	}
}
