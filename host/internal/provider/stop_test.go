package provider

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	hclog "github.com/hashicorp/go-hclog"

	"github.com/doorward/doorward/host/internal/provider/process"
	"github.com/doorward/doorward/sdk"
)

func TestStopLeavesNothing(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	for _, tc := range []struct {
		name, hint string
		childLives bool // out of our reach
	}{
		{"idle", "", false},
		{"stopped by a signal", "stop", false},
		{"with a child that holds the pipes", "child", false},
		{"with a child in a session of its own", "child of its own", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := startHost(t, Config{Binaries: binaries(t, "fake", "other"), Providers: []Configured{configured("fake", "a"), configured("other", "b")}})
			pids := []int{h.mustBegin(t, "a"), h.mustBegin(t, "b")}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			m, err := h.mechanism(ctx, "a")
			if err != nil {
				t.Fatal(err)
			}
			step, err := m.Begin(ctx, sdk.BeginRequest{State: "s", LoginHint: tc.hint})
			if child := pidOf(step, err); child != 0 && !tc.childLives {
				pids = append(pids, child)
			} else if child != 0 {
				t.Cleanup(func() { killChild(t, child) })
			}
			mustTakeLess(t, 2*h.config.limits.process.Stop+time.Second, "stopping", h.Stop)
			h.Stop()
			for _, pid := range pids {
				if !tc.childLives {
					eventually(t, "the end of a process", func() bool { return gone(pid) || orphan(pid) })
				}
			}
			if _, err := os.Stat(h.runtime.path); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("folder of sockets: %v", err)
			}
			if _, err := h.mechanism(t.Context(), "a"); !errors.Is(err, sdk.ErrUnavailable) {
				t.Errorf("mechanism after the stop: %v", err)
			}
			if err := h.Available("a"); !errors.Is(err, sdk.ErrUnavailable) {
				t.Errorf("available after the stop: %v", err)
			}
		})
	}
	if left, _ := os.ReadDir(os.Getenv("TMPDIR")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestRestartsLeakNoGoroutines(t *testing.T) {
	limits := testLimits()
	limits.pauses.Deaths = 100
	h := startHost(t, Config{Binaries: binaries(t, "fake"), limits: limits, Providers: []Configured{configured("fake", "a")}})
	restart := func() {
		pid := h.mustBegin(t, "a")
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		h.awaitAnother(t, "a", pid)
	}
	restart()
	before := runtime.NumGoroutine()
	for range 5 {
		restart()
	}
	eventually(t, "goroutines to end", func() bool { return runtime.NumGoroutine() <= before })
}

func TestStopBreaksOffAStart(t *testing.T) {
	b := binaries(t, "deaf")
	config, _ := newHost(Config{Binaries: b, Providers: []Configured{configured("deaf", "a")}})
	config.limits.process.Describe = time.Hour
	p := newTestProviders(t, config)
	started := make(chan struct{})
	go func() { p.setUp(config.Providers); close(started) }()
	eventually(t, "the socket", func() bool {
		found, _ := filepath.Glob(filepath.Join(p.runtime.path, "*", "deaf"))
		return len(found) > 0
	})
	mustTakeLess(t, soon, "stopping", func() {
		p.end() // as Start does
		<-started
		p.Stop()
	})
	assertNoProcessOf(t, filepath.Join(b.Dir, FileName("deaf")))
}

// cancelled is a context that is cancelled as soon as somebody has looked at it.
type cancelled struct {
	context.Context
	cancel func()
}

func (c cancelled) Err() error {
	defer c.cancel()
	return c.Context.Err()
}

// A start that is broken off before there is a process has none in the end.
func TestStartBrokenOffBeforeTheProcessIsThere(t *testing.T) {
	b := binaries(t, "silent")
	binary, err := b.Open("silent")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	limits := process.Limits{Handshake: time.Hour, Describe: time.Hour, Stop: time.Second}
	mustTakeLess(t, soon, "starting", func() {
		_, err = process.Start(cancelled{ctx, cancel}, binary, process.Launch{RuntimeDir: t.TempDir(), Logger: hclog.NewNullLogger(), Limits: limits})
	})
	if err == nil {
		t.Error("it was started")
	}
	assertNoProcessOf(t, binary.Path)
}

func pidOf(step sdk.Step, err error) int {
	if err != nil {
		return 0
	}
	pid, _ := strconv.Atoi(string(step.(sdk.Redirect).Memory))
	return pid
}

// orphan reports whether the process has ended and is left to init to reap,
// which not every container has.
func orphan(pid int) bool {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, after, _ := bytes.Cut(data, []byte(") "))
	fields := strings.Fields(string(after))
	return fields[0] == "Z" && fields[1] != strconv.Itoa(os.Getpid())
}

func killChild(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Errorf("killing the child: %v", err)
	}
}
