package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// The plugins of a killed host end, whatever they are doing, and the next host removes the
// folder that is left.
func TestK09HostIsKilled(t *testing.T) {
	for _, tc := range []struct {
		name   string
		before func(t *testing.T, h *hostileHost, plugin int)
	}{
		{"while all is quiet", func(*testing.T, *hostileHost, int) {}},
		{"while a plugin is stopped", func(t *testing.T, _ *hostileHost, plugin int) { stopProcess(t, plugin) }},
		{"while a call hangs", func(t *testing.T, h *hostileHost, _ int) {
			hanging := make(chan struct{})
			go func() {
				defer close(hanging)
				req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.URL+"/auth/login/evil?login_hint=hang", nil)
				if err != nil {
					t.Error(err)
					return
				}
				if resp, err := http.DefaultClient.Do(req); err == nil {
					resp.Body.Close()
				}
			}()
			t.Cleanup(func() { <-hanging })
			h.signingIn(t, 2).disperse()
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := startHostile(t, "evil")
			if out, code := h.addEvil(t, "evil"); code != 0 {
				t.Fatalf("adding the provider: %s", out)
			}
			tc.before(t, h, h.plugin(t, "evil").PID)
			if n := len(h.Plugins()); n != 2 {
				t.Fatalf("%d plugins run, want 2", n)
			}
			if err := h.Crash(); err != nil {
				t.Error(err)
			}
			checkLeftovers(t, h)
		})
	}
}

func checkLeftovers(t *testing.T, h *hostileHost) {
	t.Helper()
	left := h.runtimeDirs(t)
	if len(left) != 1 {
		t.Errorf("the killed host left %q, want its runtime folder", left)
	}
	if err := h.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if now := h.runtimeDirs(t); len(now) != 1 || slices.Equal(now, left) {
		t.Errorf("the next host has %q, the killed one left %q", now, left)
	}
	if err := wholeLogin(t.Context(), h.URL, "fake"); err != nil {
		t.Errorf("signing in afterwards: %v", err)
	}
	if err := h.Stop(); err != nil {
		t.Error(err)
	}
	if err := h.tempLeft(); err != nil {
		t.Error(err)
	}
}

func (h *hostileHost) runtimeDirs(t *testing.T) []string {
	t.Helper()
	dirs, err := filepath.Glob(filepath.Join(h.tempDir(), "doorward-*"))
	if err != nil {
		t.Fatal(err)
	}
	return dirs
}

// A child of a plugin survives a killed host. The plugin itself ends, although the child holds
// its pipes.
func TestK09HostIsKilledWhileAPluginHasAChild(t *testing.T) {
	h := startHostile(t, "evil")
	if out, code := h.addEvil(t, "evil"); code != 0 {
		t.Fatalf("adding the provider: %s", out)
	}
	wantNothingGained(t, h.evilLogin(t, "child"), 401, denied)
	plugins := h.Plugins()
	plugins = slices.DeleteFunc(plugins, isChild)
	if len(plugins) != 2 || len(h.Plugins()) != 3 {
		t.Fatalf("plugins %v, with children %v", plugins, h.Plugins())
	}
	_ = h.Crash() // the child is left
	for _, pid := range h.Plugins() {
		if slices.Contains(plugins, pid) {
			t.Errorf("plugin %d still runs", pid)
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Error(err)
		}
	}
	eventually(t, "the end of the child", func() bool { return len(h.Plugins()) == 0 })
}

// A plugin that is killed while its child holds its pipes is replaced immediately, and the
// child ends with it.
func TestK01PluginIsKilledWhileItHasAChild(t *testing.T) {
	h := startHostile(t, "evil")
	people := h.signingIn(t, 2)
	if out, code := h.addEvil(t, "evil"); code != 0 {
		t.Fatalf("adding the provider: %s", out)
	}
	wantNothingGained(t, h.evilLogin(t, "child"), 401, denied)
	before := h.plugin(t, "evil").PID
	if err := syscall.Kill(before, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	h.awaitReady(t, "evil", before)
	people.disperse()
	if slices.ContainsFunc(h.Plugins(), isChild) {
		t.Error("the child outlived its plugin")
	}
	h.wantComplaints(t, [2]string{lineRefused, "nobody signs in here"}, [2]string{lineDown, "signal: killed"})
}

// isChild reports whether the process is a child of the hostile plugin.
func isChild(pid int) bool {
	command, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return err == nil && strings.HasPrefix(string(command), "doorward-plugin-child")
}

// stopProcess sends SIGSTOP and waits until all threads of the process have stopped.
func stopProcess(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the process to stand", func() bool {
		stats, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
		for _, name := range stats {
			data, err := os.ReadFile(name)
			if _, after, _ := bytes.Cut(data, []byte(") ")); err != nil || !bytes.HasPrefix(after, []byte("T")) {
				return false
			}
		}
		return len(stats) > 0
	})
}

// An unused plugin that is stopped from outside blocks nobody: the next login detects it, and
// the host stops within its time limit.
func TestK02PluginIsStopped(t *testing.T) {
	h := startHostile(t, "evil")
	people := h.signingIn(t, 2)
	if out, code := h.addEvil(t, "evil"); code != 0 {
		t.Fatalf("adding the provider: %s", out)
	}
	before := h.plugin(t, "evil").PID
	stopProcess(t, before)
	// Begin can be repeated: the login continues in the new process.
	wantNothingGained(t, h.evilLogin(t, ""), 401, denied)
	people.disperse()
	after := h.awaitReady(t, "evil", before)
	h.wantComplaints(t, [2]string{lineDown, "did not answer and was killed"}, [2]string{lineRefused, ""})
	stopProcess(t, after.PID)
	if err := h.Stop(); err != nil {
		t.Error(err)
	}
}
